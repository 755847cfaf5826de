# SPDX-License-Identifier: Apache-2.0
"""What all live tests use: expectations, the network as netns.sh made it, commands and clients in it."""
import collections
import contextlib
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

from testing import Fail, expect, expect_equal

SCRIPTS = Path(__file__).resolve().parent.parent
MIB = 1 << 20
FLOWS = int(os.environ.get("LW_NUM_FLOWS", "64"))   # of the build under test
CASE_SECONDS = 150          # no test takes longer; far above what any needs
SHARED_IP = "10.99.0.3"     # the NIC host's own address, for --shared-ip
ECHO, KV = 7, 6379


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# --- the network, as netns.sh made it ---------------------------------------------------------------------------------

PEER_IF, PEER_IP = os.environ.get("LW_PEER_IF", ""), os.environ.get("LW_PEER_IP", "")
NIC_IF, NIC_IP = os.environ.get("LW_NIC_IF", ""), os.environ.get("LW_NIC_IP", "")
LOCAL = (NIC_IP, ECHO)
WIRE, IP, APP = f"--wire=afpacket:{NIC_IF}", f"--ip={NIC_IP}/24", f"--app=echo:{ECHO}"
SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETH_P_ALL = 3


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


def spread(*options):
    """--key=value as two arguments, which is how the command line wants them."""
    return [part for o in options for part in (o.split("=", 1) if o.startswith("--") and "=" in o else [o])]


def own_mac():
    """The peer interface's own MAC (/sys shows the network of whoever mounted it)."""
    return json.loads(must("ip", "-j", "link", "show", "dev", PEER_IF))[0]["address"]


def mac_of(ip):
    """The MAC that the peer's kernel has learnt for an address."""
    run("ping", "-c", "1", "-W", "2", ip)
    m = re.search(r"lladdr (\S+)", must("ip", "neigh", "show", ip, "dev", PEER_IF))
    expect(m, f"no ARP answer for {ip}")
    return m.group(1)


def set_mtu(mtu):
    """Of both ends of the wire."""
    must("ip", "link", "set", PEER_IF, "mtu", str(mtu))
    must(*on_nic_host("ip", "link", "set", NIC_IF, "mtu", str(mtu)))


def open_connections():
    """The peer's connections to the NIC, except those in TIME-WAIT."""
    nic = socket.inet_aton(NIC_IP)[::-1].hex().upper()
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [x for x in lines if x[2].startswith(nic) and x[3] != "06"]


def packet_socket(vnet_hdr=False):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL) if not vnet_hdr else 0)
    if vnet_hdr:
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.bind((PEER_IF, ETH_P_ALL if not vnet_hdr else 0))
    s.settimeout(5)
    return s


def await_silence(seconds):
    """Until nobody has sent anything for so long."""
    with packet_socket() as sniffer, contextlib.suppress(TimeoutError):
        sniffer.settimeout(seconds)
        while True:
            sniffer.recv(65536)


Segment = collections.namedtuple("Segment", "src_ip src_port dst_port seq ack flags window length")


def segment_of(frame):
    """A frame's TCP segment, None when it has none. The window as it stands there, length that of the payload."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    total, = struct.unpack("!H", frame[16:18])
    src_port, dst_port, seq, ack, offset, flags, window = struct.unpack("!HHIIBBH", frame[34:50])
    return Segment(socket.inet_ntoa(frame[26:30]), src_port, dst_port, seq, ack, flags, window, total - 20 - (offset >> 4) * 4)


# --- clients ----------------------------------------------------------------------------------------------------------


def connect(address=LOCAL, seconds=15):
    s = socket.create_connection(address, timeout=seconds)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def ask(address, request):
    """What comes back to a request, up to the end of the connection."""
    with connect(address) as s:
        s.sendall(request)
        got = b""
        while data := s.recv(65536):
            got += data
        return got


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


def start_nc(t, name, data, address=LOCAL, on=None):
    """nc with a file as input and one as output; on: what puts a command line onto another host."""
    path = t.work / f"{name}.in"
    path.write_bytes(data)
    with open(path, "rb") as i, open(t.work / f"{name}.out", "wb") as o:
        cmd = ["nc", "-N", *map(str, address)]
        p = subprocess.Popen(on(*cmd) if on else cmd, stdin=i, stdout=o, stderr=subprocess.PIPE)
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


# --- a server ----------------------------------------------------------------------------------------------------------

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
def kernel_echo(on, ip, port):
    """An echo server in the kernel TCP of a host; on: what puts a command line onto it."""
    cmd = on(sys.executable, "-c", SERVER, ip, str(port))
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline()
        expect(line == "ready\n", f"kernel server on port {port}: {p.stderr.read()[-300:] if not line else line}")
        yield
    finally:
        p.kill()
        p.communicate()
