# SPDX-License-Identifier: Apache-2.0
"""Bulk transfer of one connection: to the NIC, from it, and one of each at once, in Mbit/s of payload."""
import socket
import sys
import threading
import time

from benches.common import (CHECKED, FULL_PAYLOAD, LINUX, LINUX_IP, MIB, RECORDED, REFERENCE, SINK, SOURCE, UNCHECKED, Bench, Job, linux, nic, nic_ip)
from testing import Fail

NAME, LIVE, NEEDS = "goodput", True, ("lockwire",)
TO, FROM, BOTH = "bulk to the NIC", "bulk from the NIC", "bulk both ways at once, the sum"
TO_FRAMES, FROM_FRAMES = "full frames of bulk to the NIC, 1514 bytes", "full frames of bulk from the NIC, 1514 bytes"
SPEED = "simulated cycles meanwhile"
COSTS = {"bulk to the NIC, less than in the column before": TO, "bulk from the NIC, less than in the column before": FROM}
FIGURES = {TO: "Mbit/s", FROM: "Mbit/s", BOTH: "Mbit/s", TO_FRAMES: "1/s", FROM_FRAMES: "1/s"} | dict.fromkeys(COSTS, "%") | {SPEED: "1/s"}

LINUX_SERVER = f"""
import socket, threading
def serve(l, job):
    while True:
        c, _ = l.accept()
        threading.Thread(target=job, args=(c,), daemon=True).start()
def sink(c):
    while c.recv(1 << 20): pass
    c.close()
def source(c):
    try:
        while True: c.sendall(bytes(1 << 20))
    except OSError: pass
at = {{port: socket.create_server(("{LINUX_IP}", port)) for port in ({SOURCE}, {SINK})}}
threading.Thread(target=serve, args=(at[{SOURCE}], source), daemon=True).start()
serve(at[{SINK}], sink)
"""


def to_sink(ip: str, size: int) -> None:
    """size bytes sent, until the other end has read them all."""
    data = bytes(MIB)
    with socket.create_connection((ip, SINK), 10) as s:
        s.settimeout(60)
        for _ in range(size // MIB):
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)


def from_source(ip: str, size: int) -> None:
    with socket.create_connection((ip, SOURCE), 10) as s:
        s.settimeout(60)
        while size > 0:
            got = len(s.recv(MIB))
            if not got:
                raise Fail("the source ended early")
            size -= got


def both(ip: str, size: int) -> None:
    wrong: list[Exception] = []

    def sends() -> None:
        try:
            to_sink(ip, size)
        except Exception as e:   # a thread's own, raised below
            wrong.append(e)
    t = threading.Thread(target=sends)
    t.start()
    from_source(ip, size)
    t.join()
    if wrong:
        raise wrong[0]


def rate(transfer, ip: str, size: int, ways: int = 1) -> float:
    began = time.monotonic()
    transfer(ip, size)
    return ways * size * 8e-6 / (time.monotonic() - began)


def measure(ip: str, size: int) -> dict[str, float]:
    f = {TO: rate(to_sink, ip, size), FROM: rate(from_source, ip, size), BOTH: rate(both, ip, size // 2, 2)}
    return f | {frames: f[bits] * 1e6 / 8 / FULL_PAYLOAD for frames, bits in ((TO_FRAMES, TO), (FROM_FRAMES, FROM))}


def on_nic(b: Bench, subject: str, size: int) -> dict[str, float]:
    with nic(b, subject, "--app", f"sink:{SINK}", "--app", f"source:{SOURCE}") as n:
        figures = measure(nic_ip(), size)
    speed = n.stats.get("run.cycles_per_second")
    return figures | ({SPEED: speed} if speed else {})


def on_linux(size: int) -> dict[str, float]:
    with linux([sys.executable, "-c", LINUX_SERVER], SINK):
        return measure(LINUX_IP, size)


def jobs(b: Bench) -> list[Job]:
    size = int(b.size(64, 4)) * MIB
    return [Job(s, "bulk", lambda s=s, n=n: on_nic(b, s, n)) for s, n in ((UNCHECKED, size), (CHECKED, size), (RECORDED, size), (REFERENCE, 4 * size))] + [
        Job(LINUX, "bulk", lambda: on_linux(4 * size))]


def derive(of_round: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What the checker costs, and recording, in a round."""
    costs = {}
    for cost, figure in COSTS.items():
        of = of_round.get(figure, {})
        costs[cost] = {s: 100 * (1 - of[s] / of[base]) for s, base in ((CHECKED, UNCHECKED), (RECORDED, CHECKED)) if s in of and base in of}
    return costs
