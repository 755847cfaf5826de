# SPDX-License-Identifier: Apache-2.0
"""redis-benchmark with SET and GET on the program kv, and on a real redis-server over Linux' own stack."""
import csv
import io

from benches.common import CHECKED, KV, LINUX, LINUX_IP, REFERENCE, UNCHECKED, Bench, Job, linux, nic, nic_ip, output
from testing import redis_server

NAME, LIVE, NEEDS = "redis", True, ("lockwire",)
LOADS = [(clients, pipeline) for pipeline in (1, 16) for clients in (1, 16, 64)]
COMMANDS = ("SET", "GET")
PARTS = {"": ("rps", "requests/s"), ", p50": ("p50_latency_ms", "ms"), ", p99": ("p99_latency_ms", "ms")}


def figure(command: str, clients: int, pipeline: int, part: str = "") -> str:
    return f"redis-benchmark {command}, {clients} client{'s' * (clients > 1)}, pipeline {pipeline}{part}"


FIGURES = {figure(c, *load, part): unit for load in LOADS for c in COMMANDS for part, (_, unit) in PARTS.items()}


def measure(b: Bench, ip: str) -> dict[str, float]:
    figures = {}
    for clients, pipeline in LOADS:
        requests = int((6000 if clients == 1 else 20000) * (5 if pipeline > 1 else 1) * b.size(1, 0.05))
        said = output("redis-benchmark", "-h", ip, "-p", str(KV), "-t", "set,get", "-c", str(clients), "-P", str(pipeline), "-n", str(requests), "--csv")
        rows = {r["test"]: r for r in csv.DictReader(io.StringIO(said))}
        figures |= {figure(c, clients, pipeline, part): float(rows[c][column]) for c in COMMANDS for part, (column, _) in PARTS.items()}
    return figures


def on_nic(b: Bench, subject: str) -> dict[str, float]:
    with nic(b, subject, "--app", f"kv:{KV}"):
        return measure(b, nic_ip())


def on_linux(b: Bench) -> dict[str, float]:
    with linux([redis_server(b.work), "--bind", LINUX_IP, "--port", str(KV), "--save", "", "--protected-mode", "no"], KV):
        return measure(b, LINUX_IP)


def jobs(b: Bench) -> list[Job]:
    return [Job(s, NAME, lambda s=s: on_nic(b, s)) for s in (UNCHECKED, CHECKED, REFERENCE)] + [Job(LINUX, NAME, lambda: on_linux(b))]
