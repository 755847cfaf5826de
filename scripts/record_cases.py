#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Records the cases real-* of pcaps/ anew: real clients of Linux, and scanners, against the NIC on a network of their own
(scripts/netns.sh scripts/record_cases.py). Each time is another capture, so read the expectations that make golden then writes."""
import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from live.common import NIC_IF, NIC_IP, PEER_IP, on_nic_host

TOOLS = {"nc": "netcat-openbsd", "curl": "curl", "socat": "socat", "redis-benchmark": "redis-tools", "wrk": "wrk", "nmap": "nmap", "hping3": "hping3",
         "tshark": "tshark", "ping": "iputils-ping"}
ECHO = ("--app", "echo:7")
PORTS = "7,9,79-84"
SCAN = f"nmap -n -Pn --max-retries 1 --host-timeout 20s -p {PORTS}"


def linger_reset(work):
    """A client that aborts with data of ours unread."""
    with socket.create_connection((NIC_IP, 7)) as s:
        s.sendall(bytes(5000))
        time.sleep(0.1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def slow_reader(work):
    """A client with a small receive buffer that reads late: its window closes."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect((NIC_IP, 19))
        time.sleep(1.5)
        while s.recv(4096):
            pass


# name: options of the run, what the client is (a shell's command, with {work} and {ip}, or a function), frames that are kept at most, what it shows,
# options of the replay.
CASES = {
    "real-nc-echo": (ECHO, "head -c 20000 /dev/urandom | nc -N {ip} 7 | wc -c", 0, "nc sends 20 kB to the echo service, closes its half and reads what comes back."),
    "real-nc-lossy": ((*ECHO, "--seed", "3", "--fault", "loss=0.06,reorder=0.06,dup=0.04"), "head -c 60000 /dev/urandom | nc -N {ip} 7 | wc -c", 0,
                      "nc sends 60 kB to the echo service over a wire that loses, doubles and reorders: SACK, D-SACK, retransmissions and "
                      "duplicate ACKs of Linux as they come."),
    "real-curl": (("--app", "httpd:80,root={work}/www"), "curl -sS -o /dev/null http://{ip}/page -o /dev/null http://{ip}/page http://{ip}/none", 0,
                  "curl fetches a page twice over one connection, then one that is not there."),
    "real-wrk": (("--app", "httpd:80,root={work}/www"), "wrk -t1 -c8 -d1s http://{ip}/small", 300, "wrk with eight connections: the first 300 frames."),
    "real-redis-benchmark": (("--app", "kv:6379"), "redis-benchmark -h {ip} -t set,get -c 5 -n 60 -q", 0,
                             "redis-benchmark: five connections that speak at once, and open anew for the second test."),
    "real-redis-pipelined": (("--app", "kv:6379"), "redis-benchmark -h {ip} -t set -c 2 -n 200 -P 50 -d 100 -q", 0,
                             "redis-benchmark with fifty requests in flight on each connection."),
    "real-socat-half-close": (ECHO, "printf 'one\\ntwo\\n' | socat -t2 - TCP:{ip}:7", 0, "socat sends two lines, shuts its half down and waits for the rest."),
    "real-socat-reset": (ECHO, linger_reset, 0, "A client sends 5 kB and resets the connection (SO_LINGER of 0) with the echo unread."),
    "real-slow-reader": (("--app", "source:19,bytes=30000"), slow_reader, 0,
                         "A client with a receive buffer of 2 kB reads late: its kernel closes the window, is probed and opens it."),
    "real-wget-from-us": (("wget", f"http://{PEER_IP}:8000/page"), "server", 0,
                          "We are the client: lockwire wget fetches a page from Python's web server, which closes first.", f"--as {NIC_IP}"),
    "real-ping-fragments": (ECHO, "ping -c 3 -i 0.2 -s 3000 {ip}", 0, "Linux' ping with 3000 bytes: fragments both ways."),
    "real-nmap-sT": (ECHO, f"{SCAN} -sT {{ip}}", 0, "nmap's connect scan: a handshake and a reset at the open port, resets of ours at the others."),
    "real-nmap-sS": (ECHO, f"{SCAN} -sS {{ip}}", 0, "nmap's SYN scan: our SYN-ACK is answered by a reset, the half-open connection goes."),
    "real-nmap-sA": (ECHO, f"{SCAN} -sA {{ip}}", 0, "nmap's ACK scan: a reset for each, at the open port, too."),
    "real-nmap-sF": (ECHO, f"nc -z {{ip}} 7; {SCAN} -sF {{ip}}", 0,
                     "nmap's FIN scan, after a connect to the open port: silence at the open port, resets at the others (RFC 9293 section 3.10.7)."),
    "real-nmap-sN": (ECHO, f"nc -z {{ip}} 7; {SCAN} -sN {{ip}}", 0,
                     "nmap's null scan, segments without a flag, after a connect to the open port: silence at the open port, resets at the others."),
    "real-nmap-sX": (ECHO, f"nc -z {{ip}} 7; {SCAN} -sX {{ip}}", 0,
                     "nmap's Xmas scan, FIN with PSH and URG, after a connect to the open port: silence at the open port, resets at the others."),
    "real-nmap-O": (ECHO, "nmap -n -Pn -p 7,81 -O --max-os-tries 1 {ip}", 0,
                    "nmap asks for the system's fingerprint: SYNs with odd options, ECN, odd flags to the open and the closed port, pings with odd codes, "
                    "a datagram to a closed port.", f"--as {NIC_IP}"),
    "real-nmap-sU": (ECHO, "nmap -n -Pn -sU --max-retries 1 --host-timeout 10s -p 7,53,9999 {ip}", 0, "nmap's UDP scan: port unreachable for each."),
    "real-hping-fragments": (ECHO, "hping3 -q -S -f -d 100 -p 7 -c 3 -i u200000 {ip}; hping3 -q -S -x -d 20 -p 7 -c 1 {ip}; true", 0,
                             "hping3 -f: SYNs with data in fragments of 16 bytes, so that the TCP header itself is cut; and SYNs with MF set that never become "
                             "whole.", f"--as {NIC_IP}"),
    "real-hping-bad-checksum": (ECHO, "hping3 -q -S -b -p 7 -c 3 -i u100000 {ip}; hping3 -q -S -p 7 -c 3 -i u100000 {ip}; true", 0,
                                "hping3 -b: SYNs with a wrong checksum are not answered, then three good ones, which are.", f"--as {NIC_IP}"),
}


def missing():
    return sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})


def serve(work):
    return subprocess.Popen([sys.executable, "-m", "http.server", "--bind", PEER_IP, "--directory", str(work / "www"), "8000"], stderr=subprocess.DEVNULL)


def start(a, options, work, record):
    command = [options[0]] if options[0] == "wget" else ["run"]
    rest = [o.format(work=work.resolve()) for o in (options[1:] if command != ["run"] else options)]
    common = ["--wire", f"afpacket:{NIC_IF}", "--ip", f"{NIC_IP}/24", "--record", str(record.resolve())]
    log = open(work / "log", "w", encoding="utf-8")
    return subprocess.Popen(on_nic_host(str(Path(a.lockwire).resolve()), *command, *common, *rest), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=work)


def wait_ready(proc, work):
    until = time.monotonic() + 20
    while "lockwire: ready" not in (work / "log").read_text() and proc.poll() is None and time.monotonic() < until:
        time.sleep(0.02)


def keep(a, name, record, spec):
    options, _, most, why, *args = spec
    folder = a.pcaps / name
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tshark", "-r", str(record / "wire.pcapng"), "-F", "pcap", "-w", str(folder / "in.pcap"), *(["-c", str(most)] if most else [])],
                   check=True, stderr=subprocess.DEVNULL)
    (folder / "why.md").write_text(f"{why}\n\nRecorded on our own network by scripts/record_cases.py.\n", encoding="utf-8")
    if args:
        (folder / "args").write_text(args[0] + "\n", encoding="utf-8")
    print(f"{name}: {(folder / 'in.pcap').stat().st_size} bytes")


def record(a, name, spec):
    options, client, *_ = spec
    work = a.work / name
    shutil.rmtree(work, ignore_errors=True)
    (work / "www").mkdir(parents=True)
    (work / "www/page").write_bytes(bytes(i % 251 for i in range(9000)))
    (work / "www/small").write_bytes(b"hello\n")
    server = serve(work) if client == "server" else None
    time.sleep(0.5 if server else 0)
    nic = start(a, options, work, work / "rec")
    if server:
        nic.wait(30)
        server.terminate()
        server.wait()
    else:
        wait_ready(nic, work)
        if callable(client):
            client(work)
        else:
            subprocess.run(client.format(ip=NIC_IP, work=work), shell=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        time.sleep(0.5)
        nic.send_signal(signal.SIGINT)
        nic.wait(20)
    if nic.returncode != 0:
        raise SystemExit(f"record_cases: {name}: lockwire ended with status {nic.returncode}: {(work / 'log').read_text()[-300:]}")
    keep(a, name, work / "rec", spec)


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--lockwire", default="build/lockwire")
    ap.add_argument("--pcaps", type=Path, default=Path("pcaps"))
    ap.add_argument("--work", type=Path, default=Path("build/record_cases"))
    ap.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)} (default: all)")
    a = ap.parse_args()
    if unknown := set(a.cases) - set(CASES):
        ap.error(f"no case called {unknown.pop()}")
    if packages := missing():
        ap.error(f"missing: {' '.join(packages)}; apt-get install them")
    if "LW_NIC_HOLDER" not in os.environ:
        ap.error("to be run as scripts/netns.sh scripts/record_cases.py")
    for name in a.cases or CASES:
        record(a, name, CASES[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
