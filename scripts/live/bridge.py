# SPDX-License-Identifier: Apache-2.0
"""Group bridge: eight NICs on one bridge, each in a network namespace of its own, and every one a client of every other.

The namespaces are nameless, held by children of ours in the PID namespace of netns.sh: whatever ends that ends them, and the bridge with it."""
import contextlib
import json
import shutil
import subprocess
import time

from live.common import ECHO, expect_equal, must, run
from live.far import is_apart
from live.nic import Nic, stat
from testing import until

STATIONS = 8
BYTES = 256 << 10                                  # there and back on each connection
ALL_BYTES = STATIONS * (STATIONS - 1) * 2 * BYTES
BRIDGE, WIRE = "bridge0", "wire0"


def ip_of(i):
    return f"10.97.0.{i + 1}"


class Station:
    """A namespace with one interface, whose other end is a port of the bridge."""

    def __init__(self, i):
        self.ip, self.port = ip_of(i), f"port{i}"
        self.holder = subprocess.Popen(["unshare", "-n", "--", "sleep", "infinity"])

    def plug(self):
        until(lambda: is_apart(self.holder.pid), 10, f"the namespace of {self.ip}")
        must("ip", "link", "add", "dev", self.port, "type", "veth", "peer", "name", WIRE, "netns", str(self.holder.pid))
        must("ip", "link", "set", "dev", self.port, "master", BRIDGE, "up")
        must(*self.on("ip", "link", "set", "dev", WIRE, "up"))

    def on(self, *cmd):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *cmd]

    def close(self):
        run("ip", "link", "del", "dev", self.port)   # would go with the namespace, but later
        self.holder.kill()
        self.holder.wait()


@contextlib.contextmanager
def stations():
    with contextlib.ExitStack() as stack:
        must("ip", "link", "add", "dev", BRIDGE, "type", "bridge")
        stack.callback(run, "ip", "link", "del", "dev", BRIDGE)
        must("ip", "link", "set", "dev", BRIDGE, "up")
        all_of_them = []
        for i in range(STATIONS):
            all_of_them.append(Station(i))
            stack.callback(all_of_them[-1].close)
        for s in all_of_them:
            s.plug()
        yield all_of_them


class Quiet:
    """All has passed the bridge, and no more within a second than the pings make. (The clients say what they had when the run ends.)"""

    def __init__(self, hosts):
        self.ports, self.seen = {s.port for s in hosts}, (0, 0.0)

    def now(self):
        links = json.loads(must("ip", "-j", "-s", "link", "show", "type", "veth"))
        octets, at = sum(link["stats64"]["rx"]["bytes"] for link in links if link["ifname"] in self.ports), time.monotonic()
        if octets - self.seen[0] > 10000:
            self.seen = octets, at
        return octets > ALL_BYTES and at - self.seen[1] > 1


def test_all_to_all(t):
    """Every octet comes back to each from each; then every recording does the same again, and the wire monitor is content with it."""
    with stations() as hosts, contextlib.ExitStack() as stack:
        nics = []
        for i, s in enumerate(hosts):
            clients = [("--app", f"echo-client:{4000 + j},to={ip_of(j)}:{ECHO},bytes={BYTES}") for j in range(STATIONS) if j != i]
            clients += [("--app", f"echo:{ECHO}"), ("--app", f"ping={ip_of((i + 1) % STATIONS)},count=0")]   # a run ends with its last client
            nics.append(Nic(t, f"bridge_{i}", *(a for c in clients for a in c), ip=s.ip, wire=WIRE, on=s.on))
            stack.callback(nics[-1].kill)
            nics[-1].start()
        began, octets, quiet = time.monotonic(), 0, Quiet(hosts)
        until(quiet.now, 60, "all has passed the bridge, and nothing but pings is left")
        seconds = quiet.seen[1] - began
        for n in nics:
            n.stop()
        for i, n in enumerate(nics):
            n.judge()
            stats = n.stats()
            expect_equal(n.stderr().count(f"{BYTES} bytes came back"), STATIONS - 1, f"clients of {ip_of(i)} that have had all of theirs")
            expect_equal((stat(stats, "flows_opened"), stat(stats, "flows_left")), (2 * (STATIONS - 1), 0), f"flows of {ip_of(i)}, opened and left")
            octets += stat(stats, "rx_ring_bytes")
            shutil.rmtree(n.record)
        expect_equal(octets, ALL_BYTES, "octets that all of them received")
        print(f"  {octets / 1e6:.0f} MB on {STATIONS * (STATIONS - 1)} connections within {seconds:.1f} s of when the last was up")


def group(t):
    t.case("bridge_all_to_all", test_all_to_all, t)
