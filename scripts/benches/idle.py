# SPDX-License-Identifier: Apache-2.0
"""What a NIC costs that has nothing to do: processor time, alone and with connections open; and how long and how much it takes to start."""
import contextlib
import socket
import time
from pathlib import Path

from benches.common import CHECKED, KV, REFERENCE, UNCHECKED, Bench, Job, nic, nic_ip

NAME, LIVE, NEEDS = "idle", True, ("lockwire",)
START, MEMORY = "start, from the command to ready", "resident memory at start"
ALONE, OPEN = "idle, no connection", "idle, 16 connections"
FIGURES = {START: "ms", MEMORY: "MiB", ALONE: "% CPU", OPEN: "% CPU"}
SETTLE_SECONDS = 0.5


def cpu_seconds(pid: int) -> float:
    """Of all threads, by the scheduler's clock."""
    return sum(int(t.read_text().split()[0]) for t in Path(f"/proc/{pid}/task").glob("*/schedstat")) * 1e-9


def idle_percent(pid: int, seconds: float) -> float:
    time.sleep(SETTLE_SECONDS)
    was, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - was) / (time.monotonic() - began)


def resident_mib(pid: int) -> float:
    return int(next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024


def measure(b: Bench, subject: str) -> dict[str, float]:
    seconds, began = b.size(5, 0.5), time.monotonic()
    with nic(b, subject, "--app", f"kv:{KV}") as n, contextlib.ExitStack() as clients:
        f = {START: 1e3 * (time.monotonic() - began), MEMORY: resident_mib(n.pid), ALONE: idle_percent(n.pid, seconds)}
        for _ in range(16):
            s = clients.enter_context(socket.create_connection((nic_ip(), KV), 10))
            s.sendall(b"PING\r\n")
            s.recv(100)
        f[OPEN] = idle_percent(n.pid, seconds)
    return f


def jobs(b: Bench) -> list[Job]:
    return [Job(s, NAME, lambda s=s: measure(b, s)) for s in (UNCHECKED, CHECKED, REFERENCE)]
