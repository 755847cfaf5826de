#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures goodput of one connection each way, for both engines beside Linux's own TCP on the same veth, in one run.

First what the NIC does in a cycle, by build/nic_rate. Writes build/bench/report.md and report.json; every figure is a median of several runs, with its spread."""
import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
LINUX_IP = "10.99.0.3"
SINK, SOURCE = 9, 19
UNCHECKED, CHECKED, RECORDED = "NIC, --check off", "NIC", "NIC, --record"

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
print("ready", flush=True)
threading.Thread(target=serve, args=(at[{SOURCE}], source), daemon=True).start()
serve(at[{SINK}], sink)
"""


def on_nic_host(*cmd):
    return ["nsenter", f"--net=/proc/{os.environ['LW_NIC_HOLDER']}/ns/net", "--", *cmd]


def start(cmd, ready: str) -> subprocess.Popen:
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in p.stdout:
        if ready in line:
            return p
    raise SystemExit(f"bench: {' '.join(cmd[:8])} did not start")


def to_sink(ip: str, size: int) -> float:
    """Mbit/s of size bytes sent, until the other end has read them all."""
    data = bytes(MIB)
    with socket.create_connection((ip, SINK), 10) as s:
        s.settimeout(60)
        began = time.monotonic()
        for _ in range(size // MIB):
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
        return size * 8e-6 / (time.monotonic() - began)


def from_source(ip: str, size: int) -> float:
    with socket.create_connection((ip, SOURCE), 10) as s:
        s.settimeout(60)
        began = time.monotonic()
        left = size
        while left > 0:
            got = len(s.recv(MIB))
            if not got:
                raise SystemExit("bench: the source ended early")
            left -= got
        return size * 8e-6 / (time.monotonic() - began)


def measure(ip: str, size: int) -> dict:
    return {"to_us": to_sink(ip, size), "from_us": from_source(ip, size)}


def bench_lockwire(lockwire: str, size: int, *options) -> dict:
    """One transfer each way; Mbit/s, and what the simulation did in a second of evaluation."""
    p = start(on_nic_host(lockwire, "run", "--wire", f"afpacket:{os.environ['LW_NIC_IF']}", "--ip", f"{os.environ['LW_NIC_IP']}/24",
                          "--app", f"sink:{SINK}", "--app", f"source:{SOURCE}", *options), "ready")
    try:
        figures = measure(os.environ["LW_NIC_IP"], size)
    finally:
        p.send_signal(signal.SIGINT)
        rest = p.communicate(timeout=20)[0]
    if p.returncode:
        raise RuntimeError(f"lockwire ends with status {p.returncode}: {rest[-300:]}")
    cycles = re.search(r"cycles_per_second +(\d+)", rest)
    return figures | ({"cycles_per_second": int(cycles[1])} if cycles else {})


def bench_linux(size: int) -> dict:
    subprocess.run(on_nic_host("ip", "addr", "replace", f"{LINUX_IP}/24", "dev", os.environ["LW_NIC_IF"]), check=True)
    subprocess.run(on_nic_host("ethtool", "-K", os.environ["LW_NIC_IF"], "tx", "off"), check=True, capture_output=True)
    p = start(on_nic_host(sys.executable, "-c", LINUX_SERVER), "ready")
    try:
        return measure(LINUX_IP, size)
    finally:
        p.kill()
        p.wait()


def recorded(lockwire: str, size: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="lockwire-bench-") as folder:
        return bench_lockwire(lockwire, size, "--record", folder)


def median(values: list[float], unit: str) -> dict:
    return {"median": round(statistics.median(values), 1), "low": round(min(values), 1), "high": round(max(values), 1), "runs": len(values),
            "unit": unit}


def collect(jobs: dict, runs: int) -> dict:
    """Every job in turn, so that what the machine does beside them meets all alike; then the medians."""
    rounds = []
    for i in range(runs):
        rounds.append({})
        for name, job in jobs.items():
            print(f"bench: {i + 1} of {runs}: {name}", file=sys.stderr, flush=True)
            rounds[-1][name] = job()
    return {name: {k: median([r[name][k] for r in rounds], "1/s" if "cycles" in k else "Mbit/s") for k in rounds[0][name]} for name in jobs}


def report(results: dict) -> str:
    lines = ["| what | to us, Mbit/s | from us, Mbit/s | against Linux | cycles/s |", "|---|---|---|---|---|"]
    linux = results["linux"]
    for name, f in results.items():
        cells = [f"{f[k]['median']} ({f[k]['low']}..{f[k]['high']})" for k in ("to_us", "from_us")]
        ratio = " / ".join(f"{f[k]['median'] / linux[k]['median']:.2f}" for k in ("to_us", "from_us"))
        cycles = f"{f['cycles_per_second']['median']:,.0f}" if "cycles_per_second" in f else ""
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {ratio} | {cycles} |")
    lines += ["", "| what it costs, of the goodput without | to us | from us |", "|---|---|---|"]
    for what, name, base in (("the checker", CHECKED, UNCHECKED), ("recording", RECORDED, CHECKED)):
        cost = [f"{100 * (1 - results[name][k]['median'] / results[base][k]['median']):.0f} %" for k in ("to_us", "from_us")]
        lines.append(f"| {what} | {cost[0]} | {cost[1]} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--lockwire", default=str(HERE.parent / "build" / "lockwire"))
    ap.add_argument("--nic-rate", default=str(HERE.parent / "build" / "nic_rate"))
    ap.add_argument("--out", default=str(HERE.parent / "build" / "bench"))
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--mib", type=int, default=64, help="bytes a transfer, in MiB; Linux and the reference get four times that")
    a = ap.parse_args()
    if "LW_NIC_HOLDER" not in os.environ:
        ap.error("run it as: scripts/netns.sh scripts/bench.py")
    nic, four = a.mib * MIB, 4 * a.mib * MIB
    results = collect({
        "linux": lambda: bench_linux(four), "reference": lambda: bench_lockwire(a.lockwire, four, "--engine", "ref"),
        UNCHECKED: lambda: bench_lockwire(a.lockwire, nic, "--check", "off"), CHECKED: lambda: bench_lockwire(a.lockwire, nic),
        RECORDED: lambda: recorded(a.lockwire, nic)}, a.runs)
    os.makedirs(a.out, exist_ok=True)
    text = subprocess.run([a.nic_rate], check=True, capture_output=True, text=True).stdout + "\n" + report(results)
    results["cycles"] = json.loads(subprocess.run([a.nic_rate, "--json"], check=True, capture_output=True, text=True).stdout)
    (Path(a.out) / "report.md").write_text(text, encoding="ascii")
    (Path(a.out) / "report.json").write_text(json.dumps(results, indent=2) + "\n", encoding="ascii")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
