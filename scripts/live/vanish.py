# SPDX-License-Identifier: Apache-2.0
"""Group vanish: peers whose cable is pulled while they are being sent to. Only with --engine ref, which can be had with as few
flows as there are peers: then none may be lost."""
import contextlib
import subprocess
import sys
import time

from live.common import ECHO, NIC_IP, connect, echo_once, expect, expect_equal
from testing import until
from live.far import far_host
from live.nic import CLOSED, LEFT, OPENED, stat

SOURCE = 19
USER_TIMEOUT = 2        # seconds; looked at when a retransmission is due: at 0.2, 0.6, 1.4, 3.0 s, so 3.0 it will be
VANISHING, FLOWS = 8, 9
MOST_ROUNDS = 4         # queues grow to what they need at once, by a load that is never the same twice; what leaks grows in each round
ROOM_KIB = 512          # a round that adds less has kept nothing: what the rings of one connection take

# Opens connections and reads from them, slowly enough to leave the machine some air.
READER = """
import select, socket, sys, time
open_ones = [socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) for _ in range(int(sys.argv[3]))]
for s in open_ones: s.recv(1000, socket.MSG_WAITALL)
print(*[s.getsockname()[1] for s in open_ones], flush=True)
while True:
    for s in select.select(open_ones, [], [])[0]: s.recv(65536)
    time.sleep(0.001)
"""


@contextlib.contextmanager
def readers(t, far):
    cmd = far.on(sys.executable, "-c", READER, NIC_IP, str(SOURCE), str(VANISHING))
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        ports = p.stdout.readline().split()
        expect(len(ports) == VANISHING, f"clients on the far host: {p.stderr.read()[-300:] if not ports else ports}")
        t.ports["reset"] |= {int(port) for port in ports}   # what they still say when the cable is back
        yield
    finally:
        p.kill()
        p.communicate()


def try_connect(stack):
    """True when a connection more has been opened: one flow is free then."""
    try:
        echo_once(stack.enter_context(connect(seconds=0.3)), b"in")
    except TimeoutError:
        return False
    return True


def vanish(t, far, other):
    """All flows are taken and most of the peers vanish; how long until as many new ones are served."""
    with readers(t, far), contextlib.ExitStack() as stack:
        far.plug("down")
        began = time.monotonic()
        expect(not try_connect(stack), f"a connection was served beside {FLOWS} others on {FLOWS} flows")
        echo_once(other, b"still here" * 1000)
        for _ in range(VANISHING):
            until(lambda: try_connect(stack), 15, "a flow is free")
        took = time.monotonic() - began
        echo_once(other, b"still here" * 1000)
        far.plug("up")   # before they are killed: their kernel says so, and is told that nobody knows them any more
    return took


def test_vanish(t, nic, far):
    memory = []
    with connect() as other:
        echo_once(other, b"hello")
        while len(memory) < 2 or (memory[-1] - memory[-2] > ROOM_KIB and len(memory) < MOST_ROUNDS):
            took = vanish(t, far, other)
            expect(USER_TIMEOUT <= took < 3 * USER_TIMEOUT, f"{VANISHING} flows were free after {took:.1f} s")
            memory.append(nic.resident_kib())
    print(f"  given up after {took:.1f} s; resident after each round: {memory} KiB")
    expect(memory[-1] - memory[-2] <= ROOM_KIB, f"memory grows from round to round: {memory} KiB")


def test_counters(nic):
    stats = nic.end_when_quiet()
    rounds = stat(stats, "tcp_timed_out") // VANISHING
    expect(rounds >= 2, f"tcp_timed_out: {stat(stats, 'tcp_timed_out')}")
    expect_equal(stat(stats, "tcp_timed_out"), rounds * VANISHING, "tcp_timed_out")
    expect_equal(stat(stats, OPENED), 1 + 2 * rounds * VANISHING, OPENED)
    expect_equal((stat(stats, CLOSED), stat(stats, LEFT), stat(stats, "conn_now")), (stat(stats, OPENED), 0, 0), "flows closed, left")


def group(t):
    apps = [f"{app},user-timeout={USER_TIMEOUT}" for app in (f"echo:{ECHO}", f"source:{SOURCE}")]
    with far_host() as far, t.run_of("vanish", "--flows", str(FLOWS), "--app", apps[0], "--app", apps[1], recorded=False) as nic:
        if nic and t.case("vanish_flows_and_memory_are_freed_after_the_user_timeout", test_vanish, t, nic, far):
            t.case("vanish_each_is_counted_under_its_name_and_no_flow_is_left", test_counters, nic)
