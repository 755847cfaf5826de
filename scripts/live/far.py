# SPDX-License-Identifier: Apache-2.0
"""A third host, beyond the peer host, which becomes a router:  far0 10.98.0.2 ---- far1 10.98.0.1 [peer host] peer0 ---- NIC.

It is one more nameless network namespace, held by a child of ours in the PID namespace of netns.sh: whatever ends that ends it."""
import contextlib
import os
import subprocess
from pathlib import Path

from live.common import must, run
from testing import until

FAR_IP, ROUTER_IP = "10.98.0.2", "10.98.0.1"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Far:
    def __init__(self, pid):
        self.pid = pid

    def on(self, *cmd):
        """The command line that runs cmd on the far host; the process started becomes cmd."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *cmd]

    def set_mtu(self, mtu):
        must(*self.on("ip", "link", "set", "far0", "mtu", str(mtu)))
        must("ip", "link", "set", "far1", "mtu", str(mtu))

    def plug(self, state):
        """Its end of the cable "up" or "down"; its route goes with the cable."""
        must(*self.on("ip", "link", "set", "far0", state))
        if state == "up":
            must(*self.on("ip", "route", "add", "default", "via", ROUTER_IP))


def is_apart(pid):
    return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")


@contextlib.contextmanager
def far_host():
    holder = subprocess.Popen(["unshare", "-n", "--", "sleep", "infinity"])
    try:
        until(lambda: is_apart(holder.pid), 10, "the far host's namespace")
        far = Far(holder.pid)
        must("ip", "link", "add", "far1", "type", "veth", "peer", "name", "far0", "netns", str(holder.pid))
        must("ip", "addr", "add", f"{ROUTER_IP}/24", "dev", "far1")
        must("ip", "link", "set", "far1", "up")
        must(*far.on("ip", "addr", "add", f"{FAR_IP}/24", "dev", "far0"))
        far.plug("up")
        FORWARDING.write_text("1")
        yield far
    finally:
        FORWARDING.write_text("0")
        run("ip", "link", "del", "far1")   # would go with the namespace, but later
        holder.kill()
        holder.wait()
