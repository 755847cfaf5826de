# SPDX-License-Identifier: Apache-2.0
"""Group window: windows that close, are probed while they are closed, and open again; both ways."""
import shutil
import socket
import threading
import time

from live.common import ECHO, MIB, NIC_IP, connect, expect, expect_equal, packet_socket, recv_exactly, segment_of, sha256, tshark
from live.nic import LEFT, stat

SINK, SOURCE = 9, 19
SIZE = 4 * MIB          # more than all buffers on the way together
PROBES = 3


def await_probes(s, closed_port, sniffer):
    """Returns when the end at closed_port of the connection of s has a window of 0 and the other end has probed it thrice:
    by the next byte, as the NIC does, or by the last one, as Linux does."""
    ports, acked, probes = {s.getsockname()[1], s.getpeername()[1]}, None, 0
    deadline = time.monotonic() + 20
    while probes < PROBES:
        expect(time.monotonic() < deadline, f"window {'open' if acked is None else 'closed'}, {probes} probes")
        x = segment_of(sniffer.recv(65536))
        if not x or {x.src_port, x.dst_port} != ports:
            continue
        if x.src_port == closed_port:
            acked = x.ack if x.window == 0 else None
        elif acked is not None:
            probes += (x.seq, x.length) in ((acked, 1), ((acked - 1) % (1 << 32), 0))


def small_client(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)   # before the handshake, which agrees on the window's scale
    s.settimeout(20)
    s.connect((NIC_IP, port))
    return s


def test_source(ports):
    """The client reads nothing: its window closes and we probe it. Then it reads all."""
    want = bytes((n + n // 256) % 256 for n in range(65536)) * (SIZE // 65536)
    with packet_socket() as sniffer, small_client(SOURCE) as s:
        ports.append(s.getsockname()[1])
        await_probes(s, ports[-1], sniffer)
        got = recv_exactly(s, SIZE)
        expect_equal(s.recv(1), b"", "end")
    expect_equal(sha256(got), sha256(want), "sha256 of what came")


def test_echo(t, ports):
    """The client sends and does not read its echo, so echo does not read either: our window closes and Linux probes it."""
    data = t.data(SIZE)
    with packet_socket() as sniffer, connect(seconds=30) as s:
        ports.append(s.getsockname()[1])
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        sender.start()
        await_probes(s, ECHO, sniffer)
        got = recv_exactly(s, SIZE)
        sender.join(30)
        expect_equal(s.recv(1), b"", "end")
    expect_equal(sha256(got), sha256(data), "sha256 of what came back")


def test_sink(t):
    """It takes what comes, says nothing, and ends when the client does."""
    with connect((NIC_IP, SINK), seconds=30) as s:
        s.sendall(t.data(SIZE))
        s.shutdown(socket.SHUT_WR)
        expect_equal(s.recv(1), b"", "the end")


def count(path, *conditions):
    return len(tshark(path, "-Y", " && ".join(conditions)).splitlines())


def test_capture(nic, path, source, echo):
    """tshark, too, saw the windows close and the probes. (Ours opens with data, which it does not call an update.)"""
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)
    found = {
        "client's windows of 0": count(path, f"tcp.srcport == {source}", "tcp.analysis.zero_window"),
        "our probes": count(path, f"tcp.dstport == {source}", "tcp.analysis.zero_window_probe"),
        "client's window updates": count(path, f"tcp.srcport == {source}", "tcp.analysis.window_update"),
        "our windows of 0": count(path, f"tcp.dstport == {echo}", "tcp.analysis.zero_window"),
        "Linux' probes": count(path, f"tcp.srcport == {echo}", "tcp.analysis.keep_alive"),
    }
    print("  " + ", ".join(f"{n} {what}" for what, n in found.items()))
    expect(all(found.values()), f"tshark found no {[what for what, n in found.items() if not n]}")
    expect(min(found["our probes"], found["Linux' probes"]) >= PROBES, f"too few probes: {found}")


def group(t):
    folder, ports = t.work / "window", []
    shutil.rmtree(folder, ignore_errors=True)
    apps = ["--app", f"echo:{ECHO}", "--app", f"source:{SOURCE},bytes={SIZE}", "--app", f"sink:{SINK}"]
    with t.run_of("window_run", *apps, "--record", str(folder)) as nic:
        if not nic:
            return
        ok = [t.case("window_of_the_peer_closes_is_probed_and_opens", test_source, ports),
              t.case("window_of_ours_closes_is_probed_and_opens", test_echo, t, ports)]
        ok.append(t.case("window_of_a_sink_stays_open", test_sink, t))
        if all(ok):
            t.case("window_closed_and_probes_are_in_the_recording", test_capture, nic, folder / "wire.pcapng", *ports)
