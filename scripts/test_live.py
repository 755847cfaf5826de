#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Live end-to-end tests: real clients against build/lockwire, inside `scripts/netns.sh scripts/test_live.py`."""
import argparse
import contextlib
import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
FLOWS = 64                  # of the build under test
CASE_SECONDS = 150          # no test takes longer; far above what any needs
SHARED_IP = "10.99.0.3"     # the NIC host's own address, for --shared-ip
ECHO, KV = 7, 6379

# Names of --stats, which is one flat object of "group.name". Where a name stands in several groups, its values are added.
RX_RING, TX_RING = "rx_ring_bytes", "tx_ring_bytes"
# Frames of a flow that came by the slow path after its fence: what C held before it goes through the NIC like the rest.
AFTER_FENCE = "after_fence"
OPENED, CLOSED, LEFT = "flows_opened", "flows_closed", "flows_left"
# What frames.py calls a counter, where it has other names in --stats. What goes up the slow path is counted twice: by
# the NIC as it leaves that way, by the stack for what it is; each must have them all.
COUNTERS = {
    "ip_options": ["slow_ip_options", "ip_options"],
    "ip_fragment": ["slow_fragment", "ip_fragment"],
    "ip_fragment_beyond_64k": ["slow_fragment", "ip_bad"],
    "other_proto": ["slow_protocol", "other_proto"],
    "other_ethertype": ["slow_ethertype", "other_ethertype"],
}
# The reference has no parser of the NIC's in front: the stack counts, under fewer names, and what is longer than the MTU
# is a segment like any other.
COUNTERS_REF = {
    "runt": ["eth_bad"], "oversize": [], "ip_header": ["ip_bad"], "truncated": ["ip_bad"],
    "ip_checksum": ["ip_bad"], "tcp_header": ["tcp_bad"], "tcp_checksum": ["tcp_checksum"],
    "ip_fragment_beyond_64k": ["ip_bad"], "ip_options": ["ip_options"],
}

# What the judge may find in the NIC's frames, and why that is no fault: the beginning of the message; of which of the
# peer's ports (see Runner.ports), None for all; the reason.
ALLOWED = [
    ("TCP window specified by the receiver is now completely full", None,
     "the NIC fills a window that the peer offered: its right"),
    ("TCP Zero Window segment", None, "a ring is full because the peer does not read its echo: flow control at work"),
    ("Connection reset (RST)", "reset", "the answer to a closed port, or to a connection whose run has ended"),
    ("ACKed segment that wasn't captured", "forged", "tshark takes forged segments, which the NIC drops, for the peer's"),
]


ALLOWED_REF = [
    ("D-SACK Sequence", None, "the peer sent something again that had come: its tail loss probe, when our process did not run"),
]


class Fail(Exception):
    """A test found something wrong."""


def expect(ok, text):
    if not ok:
        raise Fail(text)


def expect_equal(got, want, what):
    expect(got == want, f"{what}: expected {want}, got {got}")


def until(condition, seconds, what):
    """Polls until condition() is true, and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# --- the network, as netns.sh made it ---------------------------------------------------------------------------------

PEER_IF, PEER_IP = os.environ.get("LW_PEER_IF", ""), os.environ.get("LW_PEER_IP", "")
NIC_IF, NIC_IP = os.environ.get("LW_NIC_IF", ""), os.environ.get("LW_NIC_IP", "")
LOCAL = (NIC_IP, ECHO)


def on_nic_host(*cmd):
    """The command line that runs cmd on the NIC host; the process started becomes cmd."""
    return ["nsenter", f"--net=/proc/{os.environ['LW_NIC_HOLDER']}/ns/net", "--", *cmd]


def run(*cmd, seconds=60, **kw):
    """Runs a command to its end; its output as text."""
    try:
        return subprocess.run(cmd, capture_output=True, text=True, timeout=seconds, **kw)
    except subprocess.TimeoutExpired as e:
        raise Fail(f"{' '.join(cmd[:6])}: still running after {seconds} s") from e


def tshark(path, *args):
    """tshark over a capture, with nobody's own settings."""
    env = dict(os.environ, WIRESHARK_CONFIG_DIR=str(path.parent / "wireshark"))
    return must("tshark", "-r", str(path), *args, seconds=CASE_SECONDS, env=env)


def must(*cmd, **kw):
    r = run(*cmd, **kw)
    expect(r.returncode == 0, f"{' '.join(cmd)}: status {r.returncode}: {r.stderr.strip()[-300:]}")
    return r.stdout


def own_mac():
    """The peer interface's own MAC (/sys shows the network of whoever mounted it)."""
    return json.loads(must("ip", "-j", "link", "show", "dev", PEER_IF))[0]["address"]


def mac_of(ip):
    """The MAC that the peer's kernel has learnt for an address."""
    run("ping", "-c", "1", "-W", "2", ip)
    m = re.search(r"lladdr (\S+)", must("ip", "neigh", "show", ip, "dev", PEER_IF))
    expect(m, f"no ARP answer for {ip}")
    return m.group(1)


def open_connections():
    """The peer's connections to the NIC, except those in TIME-WAIT."""
    nic = socket.inet_aton(NIC_IP)[::-1].hex().upper()
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [x for x in lines if x[2].startswith(nic) and x[3] != "06"]


# --- the program under test -------------------------------------------------------------------------------------------


class Nic:
    """One run of lockwire on the NIC host, at 10.99.0.2 unless told otherwise."""

    def __init__(self, t, name, *options, ip=NIC_IP):
        self.name, self.stderr_path = name, t.work / f"{name}.stderr"
        self.stdout_path, self.stats_path = t.work / f"{name}.stdout", t.work / f"{name}.json"
        self.stats_path.unlink(missing_ok=True)
        self.cmd = [t.lockwire, "run", "--engine", t.engine, "--wire", f"afpacket:{NIC_IF}", "--ip", f"{ip}/24",
                    *(["--flows", str(FLOWS)] if t.engine == "ref" else []), "--stats", str(self.stats_path), *options]
        self.proc = None

    def start(self):
        with open(self.stderr_path, "wb") as err, open(self.stdout_path, "wb") as out:
            self.proc = subprocess.Popen(on_nic_host(*self.cmd), stderr=err, stdout=out)
        until(lambda: b"lockwire: ready" in self.stderr_path.read_bytes() or self.proc.poll() is not None, 30, "ready")
        expect(self.proc.poll() is None, f"lockwire ended at once with status {self.proc.returncode}")

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def end(self, sig=signal.SIGINT):
        """Ends the run; returns its --stats after holding status and summary against what must be."""
        expect(self.alive(), f"lockwire ended by itself with status {self.proc.poll() if self.proc else None}")
        self.proc.send_signal(sig)
        try:
            self.proc.wait(15)
        except subprocess.TimeoutExpired as e:
            raise Fail(f"lockwire did not end within 15 s of {sig.name}") from e
        expect_equal(self.proc.returncode, 0, "lockwire's status")
        expect(self.stats_path.exists(), "no --stats file")
        stats = json.loads(self.stats_path.read_text())
        expect("goodput" in self.stdout_path.read_text(), "no summary on stdout")
        return stats

    def end_when_quiet(self):
        """Ends the run when each connection has come to its end on the NIC's side too."""
        until(lambda: not open_connections(), 30, "connections of the peer have ended")
        run("ping", "-c", "1", "-W", "2", NIC_IP)  # behind the last ACK on the wire: when it is answered, that has arrived
        return self.end()

    def kill(self):
        if self.alive():
            self.proc.kill()
            self.proc.wait()

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.proc.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stat(stats, name):
    """The value called name, in whatever group; added up where several groups have it."""
    found = [v for k, v in stats.items() if k.rpartition(".")[2] == name]
    expect(found, f"--stats has no '{name}'")
    return sum(found)


# --- running tests ----------------------------------------------------------------------------------------------------


class Runner:
    def __init__(self, a):
        self.lockwire = str(Path(a.lockwire).resolve())
        self.engine = a.engine
        self.seed = a.seed
        self.work = Path(a.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.rng = random.Random(a.seed)
        self.passed = self.failed = 0
        self.nic = None
        # The peer's ports of connections into which frames are forged, and of those that the NIC may reset.
        self.ports = {"forged": set(), "reset": set()}

    def case(self, name, fn, *args):
        """Runs one test; False when it failed."""
        began = time.monotonic()
        signal.alarm(CASE_SECONDS)
        try:
            fn(*args)
        except (Fail, OSError, subprocess.SubprocessError, ValueError) as e:
            self.failed += 1
            print(f"FAIL {name}: {type(e).__name__ + ': ' if not isinstance(e, Fail) else ''}{e}", flush=True)
            self.show_stderr()
            return False
        finally:
            signal.alarm(0)
        self.passed += 1
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
        return True

    def show_stderr(self):
        if not self.nic or not self.nic.stderr_path.exists():
            return
        print(f"  the end of lockwire's stderr ({self.nic.stderr_path}):")
        for line in self.nic.stderr().splitlines()[-15:]:
            print(f"  | {line}")

    @contextlib.contextmanager
    def run_of(self, name, *options, **kw):
        """A run that several tests share. None when it does not come up: that is one failed test."""
        self.nic = Nic(self, name, *options, **kw)
        try:
            yield self.nic if self.case(f"{name}_comes_up", self.nic.start) else None
        finally:
            self.nic.kill()
            self.nic = None

    def data(self, n):
        return self.rng.randbytes(n)


def on_alarm(_sig, _frame):
    raise Fail(f"not done after {CASE_SECONDS} s")


# --- clients ----------------------------------------------------------------------------------------------------------


def connect(address=LOCAL, seconds=15):
    s = socket.create_connection(address, timeout=seconds)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def recv_exactly(s, n):
    got = bytearray()
    while len(got) < n:
        data = s.recv(n - len(got))
        expect(data, f"connection closed after {len(got)} of {n} bytes")
        got += data
    return bytes(got)


def echo_once(s, data):
    s.sendall(data)
    expect(recv_exactly(s, len(data)) == data, "echo differs")


def start_nc(t, name, data, address=LOCAL):
    """nc with a file as input and one as output."""
    path = t.work / f"{name}.in"
    path.write_bytes(data)
    with open(path, "rb") as i, open(t.work / f"{name}.out", "wb") as o:
        p = subprocess.Popen(["nc", "-N", *map(str, address)], stdin=i, stdout=o, stderr=subprocess.PIPE)
    return p, t.work / f"{name}.out", sha256(data), len(data)


def finish_nc(job, seconds):
    p, out, want, size = job
    try:
        _, err = p.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as e:
        p.kill()
        p.communicate()
        raise Fail(f"nc is stuck: {out.stat().st_size} of {size} bytes came back") from e
    expect_equal(p.returncode, 0, f"nc's status ({err.decode().strip()})")
    got = out.read_bytes()
    expect_equal((len(got), sha256(got)), (size, want), "what came back")
    out.unlink()
    out.with_suffix(".in").unlink()


# --- group: echo ------------------------------------------------------------------------------------------------------


class EchoBytes:
    """How many bytes and connections the echo run has seen, to be held against its counters."""

    bytes = connections = 0

    def add(self, n, connections=1):
        self.bytes += n
        self.connections += connections


def test_ping():
    out = must("ping", "-q", "-c", "5", "-i", "0.1", "-W", "2", NIC_IP)
    expect(" 0% packet loss" in out, out)


def test_nc_16_mib(t, seen):
    finish_nc(start_nc(t, "nc", t.data(16 * MIB)), 120)
    seen.add(16 * MIB)


def test_nc_eight_at_once(t, seen):
    jobs = [start_nc(t, f"nc{i}", t.data(16 * MIB)) for i in range(8)]
    for job in jobs:
        finish_nc(job, 140)
        seen.add(16 * MIB)


def test_500_in_sequence(t, seen):
    for i in range(500):
        data = t.data(1 + i % 3000)
        with connect() as s:
            echo_once(s, data)
            s.shutdown(socket.SHUT_WR)
            expect_equal(s.recv(1), b"", f"end of connection {i}")
        seen.add(len(data))


def test_65_at_once(t, seen):
    data = t.data(1000)
    with contextlib.ExitStack() as stack:
        open_ones = []
        for _ in range(FLOWS):
            s = stack.enter_context(connect())
            echo_once(s, data)
            open_ones.append(s)
        # The one too many gets no answer until a flow is free, and is served in the end: its kernel tries again.
        last = stack.enter_context(socket.socket())
        last.setblocking(False)
        last.connect_ex(LOCAL)
        for s in open_ones:
            echo_once(s, data)
        expect(last.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, "the connection too many was refused")
        expect(not is_connected(last), f"{FLOWS + 1} connections on {FLOWS} flows: is FLOWS right?")
        open_ones.pop().close()
        until(lambda: is_connected(last), 30, "the connection too many is served")
        last.settimeout(15)
        echo_once(last, data)
        for s in open_ones:
            echo_once(s, data)
    seen.add(len(data) * (FLOWS + FLOWS + FLOWS - 1 + 1), FLOWS + 1)


def is_connected(s):
    try:
        s.getpeername()
        return True
    except OSError:
        return False


def test_half_closed_peer_gets_the_rest(t, seen):
    """The peer sends much and its FIN, reads nothing for a while: the window closes, nothing is lost."""
    data = t.data(MIB)
    with connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        sender.start()
        got = bytearray()
        while chunk := s.recv(777):
            got += chunk
        sender.join(30)
    expect(bytes(got) == data, f"{len(got)} of {len(data)} bytes came back, or differ")
    seen.add(len(data))


def test_echo_counters(nic, seen):
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect_equal(stat(stats, RX_RING), seen.bytes, RX_RING)
    expect_equal(stat(stats, TX_RING), seen.bytes, TX_RING)
    expect_equal(stat(stats, AFTER_FENCE), 0, AFTER_FENCE)
    expect_equal(stat(stats, OPENED), seen.connections, OPENED)
    expect_equal(stat(stats, CLOSED), seen.connections, CLOSED)


def group_echo(t):
    seen = EchoBytes()
    with t.run_of("echo", "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("ping", test_ping)
        # Counters are exact only if all of these ran to their end.
        ok = [
            t.case("echo_16_mib_by_nc", test_nc_16_mib, t, seen),
            t.case("echo_16_mib_by_eight_nc_at_once", test_nc_eight_at_once, t, seen),
            t.case("echo_500_connections_in_sequence", test_500_in_sequence, t, seen),
            t.case("echo_65_connections_at_once_on_64_flows", test_65_at_once, t, seen),
            t.case("echo_half_closed_slow_peer_gets_the_rest", test_half_closed_peer_gets_the_rest, t, seen),
        ]
        if all(ok):
            t.case("echo_every_payload_byte_crossed_both_rings_and_no_flow_is_left", test_echo_counters, nic, seen)


# --- group: kv --------------------------------------------------------------------------------------------------------


def redis(*args, **kw):
    return must("redis-cli", "-h", NIC_IP, *args, **kw)


def test_redis_cli(t):
    value = "".join(chr(33 + b % 90) for b in t.data(200_000))
    expect_equal(redis("-x", "set", "big", input=value), "OK\n", "SET big")
    expect(redis("get", "big") == value + "\n", "GET big differs")
    expect_equal(redis("strlen", "big"), f"{len(value)}\n", "STRLEN big")
    expect_equal(redis("append", "n", "41"), "2\n", "APPEND n")
    expect_equal(redis("incr", "n"), "42\n", "INCR n")
    expect_equal(redis("mset", "a", "1", "b", "2"), "OK\n", "MSET")
    expect_equal(redis("mget", "a", "none", "b"), "1\n\n2\n", "MGET")
    expect_equal(redis("exists", "a", "b", "c"), "2\n", "EXISTS")
    expect_equal(redis("del", "a"), "1\n", "DEL")
    expect_equal(redis("dbsize"), "3\n", "DBSIZE")
    expect(redis("get").startswith("ERR wrong number of arguments"), "GET without a key")
    many = "".join(f"set key:{i} {i}\nget key:{i}\n" for i in range(500))
    expect_equal(redis(input=many), "".join(f"OK\n{i}\n" for i in range(500)), "500 SET and GET in one connection")
    expect_equal(redis("flushall"), "OK\n", "FLUSHALL")


def test_redis_benchmark():
    args = ["-h", NIC_IP, "-t", "ping,set,get", "-c", "16", "-n", "5000", "-q"]
    out = run("redis-benchmark", *args, seconds=120)
    lines = [x for x in re.split(r"[\r\n]+", out.stdout) if "requests per second" in x]
    expect_equal(out.returncode, 0, f"redis-benchmark's status ({out.stderr.strip()[-200:]})")
    expect_equal(len(lines), 4, "results of redis-benchmark")
    expect(not re.search(r"err|fail", out.stdout + out.stderr, re.I), f"redis-benchmark: {out.stdout}{out.stderr}")


def test_pipeline_cut_anywhere(t):
    """Many requests in pieces of any size; the replies come back whole and in order."""
    requests = b"".join(b"*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (n, b"x" * n) for n in range(0, 2000, 7))
    want = b"".join(b"$%d\r\n%s\r\n" % (n, b"x" * n) for n in range(0, 2000, 7))
    with connect((NIC_IP, KV)) as s:
        def send():
            at = 0
            while at < len(requests):
                n = t.rng.randint(1, 3000)
                s.sendall(requests[at:at + n])
                at += n

        sender = threading.Thread(target=send)
        sender.start()
        got = recv_exactly(s, len(want))
        sender.join(30)
    expect(got == want, "replies differ")


def test_server_closes_first():
    """After QUIT the closing side is ours: its TIME-WAIT must not hold a flow."""
    for _ in range(2 * FLOWS):
        with connect((NIC_IP, KV)) as s:
            s.sendall(b"QUIT\r\n")
            expect_equal(recv_exactly(s, 5), b"+OK\r\n", "QUIT")
            expect_equal(s.recv(1), b"", "end after QUIT")


def test_resets_leave_nothing(t):
    """Peers that vanish with RST, with bytes under way in both directions."""
    for _ in range(100):
        s = connect((NIC_IP, KV))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(b"SET k " + t.data(4).hex().encode() * 100 + b"\r\nGET k\r\nGET")
        s.close()
    test_server_closes_first()


def test_closed_port(t):
    with socket.socket() as s:
        s.bind((PEER_IP, 0))
        t.ports["reset"].add(s.getsockname()[1])
        s.settimeout(5)
        expect_equal(s.connect_ex((NIC_IP, 81)), errno.ECONNREFUSED, "connecting to port 81")


def test_idle(nic):
    """Two percent of one core over ten seconds, with connections open."""
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            s = stack.enter_context(connect((NIC_IP, KV)))
            s.sendall(b"PING\r\n")
            recv_exactly(s, 7)
        before = nic.cpu_seconds()
        time.sleep(10)  # the span that is measured, not a wait for something
        spent = nic.cpu_seconds() - before
        expect(spent < 0.2, f"{spent:.2f} s of CPU in 10 s of idleness")


def test_sigterm_with_open_connections(t, nic):
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            s = stack.enter_context(connect((NIC_IP, KV)))
            t.ports["reset"].add(s.getsockname()[1])
            s.sendall(b"PING\r\n")
            recv_exactly(s, 7)
        stats = nic.end(signal.SIGTERM)
    expect_equal(stat(stats, LEFT), 8, LEFT)
    expect_equal(stat(stats, AFTER_FENCE), 0, AFTER_FENCE)
    expect_equal(stat(stats, OPENED), stat(stats, CLOSED) + 8, OPENED)


def group_kv(t):
    with t.run_of("kv", "--app", f"kv:{KV}", "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        t.case("kv_redis_cli", test_redis_cli, t)
        t.case("kv_redis_benchmark", test_redis_benchmark)
        t.case("kv_pipeline_cut_anywhere", test_pipeline_cut_anywhere, t)
        t.case("kv_time_wait_holds_no_flow", test_server_closes_first)
        t.case("kv_resets_leave_nothing", test_resets_leave_nothing, t)
        t.case("closed_port_refuses", test_closed_port, t)
        t.case("idle_with_connections_open_costs_less_than_2_percent", test_idle, nic)
        t.case("sigterm_ends_cleanly_with_connections_open", test_sigterm_with_open_connections, t, nic)


# --- group: record ----------------------------------------------------------------------------------------------------


def test_record(t, nic, folder):
    with connect() as s:
        echo_once(s, t.data(100_000))
    stats = nic.end_when_quiet()
    out = tshark(folder / "wire.pcapng", "-T", "fields", "-e", "frame.comment", "-e", "frame.len")
    lines = [line.split("\t") for line in out.splitlines()]
    odd = [c for c, _ in lines if not re.fullmatch(r"cycle=\d+ dir=(rx|tx) flow=(\d+|-)", c)]
    expect(not odd, f"frames without a proper comment, the first has '{odd[0] if odd else ''}'")
    for way in "rx", "tx":
        sizes = [int(n) for c, n in lines if f"dir={way}" in c]
        expect_equal((len(sizes), sum(sizes)), (stats[f"wire.{way}_frames"], stats[f"wire.{way}_bytes"]), way)
    cycles = [int(re.match(r"cycle=(\d+)", c).group(1)) for c, _ in lines]
    expect(cycles == sorted(cycles), "cycles run backwards")
    expect([c for c, _ in lines if c.endswith("flow=0")], "no frame belongs to a flow")


def test_for(t):
    began = time.monotonic()
    r = run(*on_nic_host(t.lockwire, "run", *spread(WIRE, IP, APP, "--for=1")), seconds=15)
    expect_equal((r.returncode, r.stderr.count("ready")), (0, 1), "status and ready")
    expect(0.9 < time.monotonic() - began < 5, f"--for 1 took {time.monotonic() - began:.1f} s")


def group_record(t):
    folder = t.work / "record"
    shutil.rmtree(folder, ignore_errors=True)
    with t.run_of("record_run", "--app", f"echo:{ECHO}", "--record", str(folder)) as nic:
        if nic:
            t.case("record_has_every_frame_with_cycle_direction_and_flow", test_record, t, nic, folder)
    t.case("for_ends_the_run_by_itself", test_for, t)


# --- group: hostile frames --------------------------------------------------------------------------------------------

SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETH_P_ALL = 3


def packet_socket(vnet_hdr=False):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL) if not vnet_hdr else 0)
    if vnet_hdr:
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.bind((PEER_IF, ETH_P_ALL if not vnet_hdr else 0))
    s.settimeout(5)
    return s


def next_numbers(s, talk):
    """Sequence numbers of a quiet connection: what its peer sends next, and expects next. talk() makes it speak."""
    port = s.getsockname()[1]
    with packet_socket() as sniffer:
        talk()
        seq = ack = None
        sniffer.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                frame = sniffer.recv(65536)
                if frame[12:14] != b"\x08\x00" or frame[23] != 6 or frame[34:36] != struct.pack("!H", port):
                    continue
                total, = struct.unpack("!H", frame[16:18])
                header = (frame[46] >> 4) * 4
                seq, ack = struct.unpack("!II", frame[38:46])
                seq = (seq + total - 20 - header) % (1 << 32)
    expect(seq is not None, "no frame of the connection was seen")
    return seq, ack


def hostile_frames(t, s):
    t.ports["forged"].add(s.getsockname()[1])
    seq, ack = next_numbers(s, lambda: echo_once(s, b"hello"))
    out = must(sys.executable, str(HERE / "frames.py"), "--src-mac", own_mac(), "--dst-mac", mac_of(NIC_IP),
               "--src-ip", PEER_IP, "--dst-ip", NIC_IP, "--sport", str(s.getsockname()[1]), "--dport", str(ECHO),
               "--seq", str(seq), "--ack", str(ack))
    return [json.loads(line) for line in out.splitlines()]


def test_hostile(t, sent):
    """Sends every hostile frame thrice into a live connection, which must not notice, nor any other."""
    must("ip", "link", "set", PEER_IF, "mtu", "9000")  # both ends must let a jumbo frame through
    must(*on_nic_host("ip", "link", "set", NIC_IF, "mtu", "9000"))
    try:
        with connect() as s, packet_socket() as raw:
            frames = hostile_frames(t, s)
            for _ in range(3):
                for f in frames:
                    if "gso_size" in f:
                        continue
                    raw.send(bytes.fromhex(f["hex"]))
                    sent[f["counter"]] = sent.get(f["counter"], 0) + 1
            echo_once(s, t.data(5000))
            with connect() as other:
                echo_once(other, t.data(5000))
    finally:
        must("ip", "link", "set", PEER_IF, "mtu", "1500")
        must(*on_nic_host("ip", "link", "set", NIC_IF, "mtu", "1500"))


def test_super_frames(t, nic, sent):
    """Offload on at the peer: super-frames with unfinished checksums, as a careless user would have them."""
    with connect() as s, packet_socket(vnet_hdr=True) as raw:
        frame = next(f for f in hostile_frames(t, s) if "gso_size" in f)
        header = struct.pack("<BBHHHH", 1, 1, 54, frame["gso_size"], 34, 16)  # NEEDS_CSUM, TCPV4
        must("ethtool", "-K", PEER_IF, "tx", "on")
        try:
            for _ in range(3):
                raw.send(header + bytes.fromhex(frame["hex"]))
                sent[frame["counter"]] = sent.get(frame["counter"], 0) + 1
        finally:
            must("ethtool", "-K", PEER_IF, "tx", "off")
        echo_once(s, t.data(5000))
    cures = [line for line in nic.stderr().splitlines() if "ethtool -K" in line]
    expect_equal(len(cures), 1, "lines on stderr that name the cure")


def test_hostile_counters(engine, nic, sent):
    counters = COUNTERS if engine == "rtl" else COUNTERS_REF
    stats = nic.end_when_quiet()
    wrong = []
    for counter, n in sorted(sent.items()):
        for name in counters.get(counter, [counter]):
            if stat(stats, name) < n:
                wrong.append(f"{name}: {stat(stats, name)} of {n}")
    expect(not wrong, "counted too few: " + ", ".join(wrong))
    expect_equal(stat(stats, LEFT), 0, LEFT)


def group_hostile(t):
    sent = {}
    with t.run_of("hostile", "--app", f"echo:{ECHO}") as nic:
        if not nic:
            return
        ok = [
            t.case("hostile_frames_disturb_no_connection", test_hostile, t, sent),
            t.case("hostile_super_frames_are_dropped_and_the_cure_named_once", test_super_frames, t, nic, sent),
        ]
        if all(ok):
            t.case("hostile_each_kind_is_counted_under_its_name", test_hostile_counters, t.engine, nic, sent)


# --- group: the host's own address ------------------------------------------------------------------------------------

SERVER = """
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print("ready", flush=True)
while True:
    c, _ = s.accept()
    while data := c.recv(65536): c.sendall(data)
    c.close()
"""


@contextlib.contextmanager
def kernel_echo(port):
    """An echo server in the NIC host's kernel TCP."""
    cmd = on_nic_host(sys.executable, "-c", SERVER, SHARED_IP, str(port))
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline()
        expect(line == "ready\n", f"kernel server on port {port}: {p.stderr.read()[-300:] if not line else line}")
        yield
    finally:
        p.kill()
        p.communicate()


def test_shared_echo(t):
    finish_nc(start_nc(t, "shared", t.data(4 * MIB), (SHARED_IP, ECHO)), 60)


def test_shared_no_rst(t):
    """No RST comes from our port, whatever happens on it."""
    with packet_socket() as sniffer:
        for _ in range(20):
            with connect((SHARED_IP, ECHO)) as s:
                echo_once(s, t.data(3000))
                s.shutdown(socket.SHUT_WR)
                expect_equal(s.recv(1), b"", "end")
        sniffer.settimeout(0.3)
        frames = []
        with contextlib.suppress(TimeoutError):
            while True:
                frames.append(sniffer.recv(65536))
    ours = [f for f in frames if f[12:14] == b"\x08\x00" and f[26:30] == socket.inet_aton(SHARED_IP) and f[23] == 6
            and f[34:36] == struct.pack("!H", ECHO)]
    # The NIC acknowledges each segment; the reference delays ACKs, so SYN-ACK, data, FIN and an ACK are all it must send.
    least = 101 if t.engine == "rtl" else 80
    expect(len(ours) >= least, f"only {len(ours)} frames from our port were seen")
    expect(not [f for f in ours if f[47] & 4], "a RST came from our port")


def test_shared_other_ports(t):
    must("ping", "-c", "1", "-W", "2", SHARED_IP)
    with kernel_echo(8000), connect((SHARED_IP, 8000)) as s:
        echo_once(s, t.data(100_000))
    try:
        connect((SHARED_IP, 81), seconds=5).close()
        raise Fail("port 81 should refuse")
    except ConnectionRefusedError:
        pass


def host_state():
    """What of sockets and rules the NIC host has."""
    state = {"packet sockets": must(*on_nic_host("cat", "/proc/net/packet")).splitlines()[1:]}
    tcp = must(*on_nic_host("cat", "/proc/net/tcp")).splitlines()[1:]
    state["listeners"] = [x for x in tcp if x.split()[3] == "0A"]
    if shutil.which("nft"):
        state["nft"] = must(*on_nic_host("nft", "list", "ruleset")).splitlines()
    state["addresses"] = must(*on_nic_host("ip", "-br", "addr")).splitlines()
    return state


def test_shared_kill(t, nic, before):
    """SIGKILL, in the middle of a connection: nothing of ours is left, and the kernel has its port again."""
    with connect((SHARED_IP, ECHO)) as s:
        t.ports["reset"].add(s.getsockname()[1])  # by the kernel, once the port is its own again
        echo_once(s, b"x")
        nic.proc.kill()
        nic.proc.wait()
        expect_equal(host_state(), before, "the NIC host's sockets and rules")
    with kernel_echo(ECHO), connect((SHARED_IP, ECHO)) as s:
        echo_once(s, t.data(1000))


def group_shared(t):
    before = {}
    try:
        must(*on_nic_host("ip", "addr", "add", f"{SHARED_IP}/24", "dev", NIC_IF))
        before = host_state()
        with t.run_of("shared_ip", "--shared-ip", "--app", f"echo:{ECHO}", ip=SHARED_IP) as nic:
            if not nic:
                return
            t.case("shared_ip_echo_4_mib", test_shared_echo, t)
            t.case("shared_ip_kernel_sends_no_rst", test_shared_no_rst, t)
            t.case("shared_ip_other_ports_work_as_before", test_shared_other_ports, t)
            t.case("shared_ip_kill_9_leaves_nothing", test_shared_kill, t, nic, before)
    finally:
        run(*on_nic_host("ip", "addr", "del", f"{SHARED_IP}/24", "dev", NIC_IF))


# --- group: bad input -------------------------------------------------------------------------------------------------

WIRE, IP, APP = f"--wire=afpacket:{NIC_IF}", f"--ip={NIC_IP}/24", f"--app=echo:{ECHO}"


def spread(*options):
    """--key=value as two arguments, which is how the command line wants them."""
    return [part for o in options for part in (o.split("=", 1) if o.startswith("--") and "=" in o else [o])]


# name: options of `lockwire run`, a word that the line must hold
BAD = {
    "missing_interface": (("--wire=afpacket:nope0", IP, APP), "nope0"),
    "unknown_wire": (("--wire=pigeon:nic0", IP, APP), "pigeon"),
    "wire_without_interface": (("--wire=afpacket:", IP, APP), "afpacket"),
    "no_wire": ((IP, APP), "--wire"),
    "no_ip": ((WIRE, APP), "--ip"),
    "ip_without_length": ((WIRE, f"--ip={NIC_IP}", APP), NIC_IP),
    "ip_out_of_range": ((WIRE, "--ip=10.99.0.256/24", APP), "10.99.0.256"),
    "ip_length_33": ((WIRE, f"--ip={NIC_IP}/33", APP), "/33"),
    "ip_is_a_name": ((WIRE, "--ip=localhost/24", APP), "localhost"),
    "bad_mac": ((WIRE, IP, "--mac=02:00:00:00:00", APP), "02:00:00:00:00"),
    "group_mac": ((WIRE, IP, "--mac=01:00:5e:00:00:01", APP), "01:00:5e:00:00:01"),
    "unknown_app": ((WIRE, IP, "--app=gopher:70"), "gopher"),
    "app_without_port": ((WIRE, IP, "--app=echo"), "echo"),
    "app_port_0": ((WIRE, IP, "--app=echo:0"), "echo"),
    "app_port_65536": ((WIRE, IP, "--app=echo:65536"), "echo"),
    "app_unknown_option": ((WIRE, IP, "--app=kv:6379,fast"), "fast"),
    "app_bad_option_value": ((WIRE, IP, "--app=kv:6379,maxmem=much"), "maxmem"),
    "port_given_twice": ((WIRE, IP, "--app=echo:7", "--app=kv:7"), "7"),
    "unknown_option": ((WIRE, IP, APP, "--turbo"), "--turbo"),
    "option_without_value": ((WIRE, IP, APP, "--stats"), "--stats"),
    "stray_argument": ((WIRE, IP, APP, "stray"), "stray"),
    "bad_seed": ((WIRE, IP, APP, "--seed=x"), "--seed"),
    "bad_for": ((WIRE, IP, APP, "--for=-1"), "--for"),
    "stats_not_writable": ((WIRE, IP, APP, "--stats=/nowhere/stats.json"), "/nowhere/stats.json"),
    "shared_ip_not_on_interface": ((WIRE, "--ip=10.99.0.99/24", "--shared-ip", APP), "10.99.0.99"),
}


def expect_usage_error(cmd, word):
    r = run(*cmd, seconds=10)
    expect_equal(r.returncode, 2, f"status (stderr: {r.stderr.strip()[-300:]})")
    expect_equal(len(r.stderr.splitlines()), 1, f"lines on stderr: {r.stderr!r}")
    expect(r.stderr.endswith("\n") and word in r.stderr, f"stderr does not name '{word}': {r.stderr!r}")
    expect_equal(r.stdout, "", "stdout")


def group_bad(t):
    for name, (options, word) in BAD.items():
        t.case(f"bad_{name}", expect_usage_error, on_nic_host(t.lockwire, "run", *spread(*options)), word)
    t.case("bad_unknown_subcommand", expect_usage_error, on_nic_host(t.lockwire, "fly"), "fly")
    powerless = on_nic_host("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--", t.lockwire, "run",
                            *spread(WIRE, IP, APP))
    t.case("bad_missing_privilege", expect_usage_error, powerless, NIC_IF)


# --- the judge --------------------------------------------------------------------------------------------------------


class Judge:
    """dumpcap at the peer's end during all tests, then tshark over what it saw."""

    def __init__(self, t):
        self.path = t.work / "peer.pcapng"
        self.log = t.work / "dumpcap.stderr"
        with open(self.log, "wb") as err:
            self.proc = subprocess.Popen(["dumpcap", "-q", "-i", PEER_IF, "-B", "256", "-w", str(self.path)], stderr=err)
        until(lambda: b"File:" in self.log.read_bytes() or self.proc.poll() is not None, 20, "dumpcap is up")

    def stop(self):
        self.proc.send_signal(signal.SIGINT)
        self.proc.wait(30)
        text = self.log.read_text()
        m = re.search(r"received/dropped on interface '[^']*': (\d+)/(\d+)", text)
        expect(m, f"dumpcap: {text[-300:]}")
        expect_equal(int(m.group(2)), 0, "frames that dumpcap lost")


def verdicts(path, source):
    """(number of frames, [(frame, TCP destination port, severity, message)]) of those that a display filter picks."""
    out = tshark(path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
                 "-Y", source, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", "-e", "frame.number",
                 "-e", "tcp.dstport", "-e", "_ws.expert.severity", "-e", "_ws.expert.message")
    found, lines = [], out.splitlines()
    for line in lines:
        number, port, severities, messages = (line.split("\t") + ["", "", ""])[:4]
        for severity, message in zip(severities.split("|"), messages.split("|")):
            if severity and int(severity, 0) >= 0x600000:  # warning 0x600000, error 0x800000
                kind = "error" if int(severity, 0) >= 0x800000 else "warning"
                found.append((int(number), int(port or 0), kind, message))
    return len(lines), found


def test_judge(t, judge):
    judge.stop()
    nic = f"ip.src == {NIC_IP} || arp.src.proto_ipv4 == {NIC_IP} || (ip.src == {SHARED_IP} && tcp.srcport == {ECHO})"
    frames, found = verdicts(judge.path, nic)
    expect(frames > 20, f"the judge saw only {frames} frames of the NIC")
    bad, allowed = {}, {}
    for number, port, severity, message in found:
        known = next((a for a, which, _ in ALLOWED + (ALLOWED_REF if t.engine == "ref" else [])
                      if message.startswith(a) and (which is None or port in t.ports[which])), None)
        if known:
            allowed[known] = allowed.get(known, 0) + 1
        else:
            bad.setdefault(f"{severity}: {message}", []).append(number)
    expect(not bad, "; ".join(f"{k} ({len(n)} times, first in frame {n[0]})" for k, n in bad.items()) + f" of {judge.path}")
    print(f"  the judge read {frames} frames of the NIC; allowed: "
          + (", ".join(f"{n} x '{a}'" for a, n in allowed.items()) or "nothing needed to be"))


def test_judge_judges(t):
    """The judge is awake: a frame with a wrong checksum, as if from the NIC, is found."""
    out = must(sys.executable, str(HERE / "frames.py"), "--src-ip", "10.99.0.77")
    frame = next(json.loads(x)["hex"] for x in out.splitlines() if '"tcp_checksum"' in x)
    path = t.work / "judge.pcap"
    data = bytes.fromhex(frame)
    pcap = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 0, 0, len(data), len(data))
    path.write_bytes(pcap + data)
    frames, found = verdicts(path, "ip.src == 10.99.0.77")
    expect_equal(frames, 1, "frames")
    expect(any("checksum" in f[3].lower() for f in found), f"the judge did not see a wrong checksum: {found}")


# --- group: a wire that does harm ---------------------------------------------------------------------------------------

LOSSY = {"0.1_percent": "loss=0.001", "1_percent": "loss=0.01,dup=0.01,reorder=0.02",
         "5_percent": "loss=0.05,dup=0.02,reorder=0.05", "damaged": "corrupt=0.01"}


def test_lossy(t, nic):
    finish_nc(start_nc(t, nic.name, t.data(4 * MIB)), CASE_SECONDS - 10)
    stats = nic.end_when_quiet()
    expect(any(stat(stats, f"{way}_{harm}") for way in ("rx", "tx") for harm in ("lost", "corrupted")), "no frame was harmed")
    expect_equal(stat(stats, LEFT), 0, LEFT)


def group_lossy(t):
    """4 MiB each way over loss, duplication, reordering and damage, both ways, by a seed."""
    for name, fault in LOSSY.items():
        with t.run_of(f"lossy_{name}", "--app", f"echo:{ECHO}", "--fault", f"{fault},seed={t.seed}") as nic:
            if nic:
                t.case(f"lossy_{name}_echo_4_mib_by_nc", test_lossy, t, nic)


# --- group: much of it, and other sizes ----------------------------------------------------------------------------------

def test_bulk(t, nic, mib):
    finish_nc(start_nc(t, nic.name, t.data(mib * MIB)), CASE_SECONDS - 10)
    expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)


def test_mtu(t, mtu):
    """Both ends with another MTU: the handshake's MSS follows it, and no frame is longer."""
    for host in ([], on_nic_host()):
        must(*host, "ip", "link", "set", NIC_IF if host else PEER_IF, "mtu", str(mtu))
    try:
        with contextlib.closing(packet_socket()) as sniffer, t.run_of(f"mtu_{mtu}", "--app", f"echo:{ECHO}") as nic:
            finish_nc(start_nc(t, nic.name, t.data(MIB)), 60)
            sniffer.settimeout(0.2)
            longest = 0
            with contextlib.suppress(TimeoutError):
                while True:
                    longest = max(longest, len(sniffer.recv(65536)))
            expect(mtu - 60 < longest <= mtu + 14, f"the longest frame has {longest} bytes")
            expect_equal(stat(nic.end_when_quiet(), LEFT), 0, LEFT)
    finally:
        for host in ([], on_nic_host()):
            must(*host, "ip", "link", "set", NIC_IF if host else PEER_IF, "mtu", "1500")


def group_bulk(t):
    """100 MiB each way, clean and at 0.1 % loss (too long for every run); small and jumbo MTU."""
    for mtu in (576, 9000):
        t.case(f"bulk_mtu_{mtu}", test_mtu, t, mtu)
    for name, options in (("clean", []), ("lossy", ["--fault", f"loss=0.001,seed={t.seed}"])):
        with t.run_of(f"bulk_{name}", "--app", f"echo:{ECHO}", *options) as nic:
            if nic:
                t.case(f"bulk_{name}_echo_100_mib_by_nc", test_bulk, t, nic, 100)


GROUPS = {"echo": group_echo, "kv": group_kv, "record": group_record, "hostile": group_hostile, "shared": group_shared, "bad": group_bad}
LATE = {"lossy": group_lossy, "bulk": group_bulk}   # only when asked for, and after the judge: harm is done behind the engine's back


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("groups", nargs="*", help=f"which of {' '.join(GROUPS)} (default: all), {' '.join(LATE)}")
    p.add_argument("--lockwire", default=str(HERE.parent / "build" / "lockwire"))
    p.add_argument("--engine", choices=["rtl", "ref"], default="rtl", help="what carries the data")
    p.add_argument("--work", default=str(HERE.parent / "build" / "test_live"), help="where files of the tests go")
    p.add_argument("--seed", type=int, default=1, help="of the data sent")
    p.add_argument("--keep", action="store_true", help="keep the capture also when all is well")
    a = p.parse_args()
    unknown = [g for g in a.groups if g not in GROUPS and g not in LATE]
    if unknown:
        p.error(f"no group called {unknown[0]}")
    if "LW_NIC_HOLDER" not in os.environ:
        p.error("run it as: scripts/netns.sh scripts/test_live.py")
    if not os.access(a.lockwire, os.X_OK):
        p.error(f"there is no {a.lockwire}: run `make build`")

    signal.signal(signal.SIGALRM, on_alarm)
    t = Runner(a)
    judge = Judge(t)
    judged = [g for g in a.groups if g in GROUPS] if a.groups else list(GROUPS)
    for name in judged:
        GROUPS[name](t)
    if judged:
        t.case("judge_sees_a_wrong_checksum", test_judge_judges, t)
    if judged and t.case("judge_finds_nothing_wrong_with_the_nic", test_judge, t, judge) and not a.keep:
        judge.path.unlink()
    for name in [g for g in a.groups if g in LATE]:
        LATE[name](t)
    print(f"{t.passed} passed, {t.failed} failed")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
