# SPDX-License-Identifier: Apache-2.0
"""wrk on the program httpd, with connections that stay and with one for each request; and on nginx over Linux' own stack."""
from pathlib import Path

from benches.common import CHECKED, HTTP, LINUX, LINUX_IP, REFERENCE, UNCHECKED, Bench, Job, found, linux, nic, nic_ip, output
from testing import Fail

NAME, LIVE, NEEDS = "http", True, ("lockwire",)
CLIENTS = (1, 16, 64)
FILE_BYTES = 200
CONNECTIONS = "connections, each with one request, 16 clients"
MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def figure(clients: int, part: str = "") -> str:
    return f"wrk, {FILE_BYTES} bytes, {clients} client{'s' * (clients > 1)}{part}"


FIGURES = {figure(c, part): unit for c in CLIENTS for part, unit in (("", "requests/s"), (", p50", "ms"), (", p99", "ms"))} | {CONNECTIONS: "1/s"}


def wrk(b: Bench, ip: str, clients: int, *options: str) -> str:
    said = output("wrk", "-t", str(min(clients, 2)), "-c", str(clients), "-d", f"{b.size(3, 1):.0f}s", "--latency", *options, f"http://{ip}:{HTTP}/small.txt")
    if "Non-2xx" in said or "Socket errors" in said:
        raise Fail(f"wrk: {said}")
    return said


def latency_ms(said: str, part: str) -> float:
    text = found(rf"\n +{part}% +([\d.]+[mu]?s)\n", said)
    number = text.rstrip("mus")
    return float(number) * MS[text[len(number):]]


def give_ports() -> None:
    """Both ends close at once, so the client's kernel keeps a port for a minute, too, and after 28,000 connections has none. This is of our own network alone."""
    ipv4 = Path("/proc/sys/net/ipv4")
    (ipv4 / "tcp_tw_reuse").write_text("1")
    (ipv4 / "ip_local_port_range").write_text("1024 65535")


def measure(b: Bench, ip: str) -> dict[str, float]:
    give_ports()
    figures = {}
    for clients in CLIENTS:
        said = wrk(b, ip, clients)
        figures |= {figure(clients): float(found(r"Requests/sec: +([\d.]+)", said)), figure(clients, ", p50"): latency_ms(said, "50"),
                    figure(clients, ", p99"): latency_ms(said, "99")}
    said = wrk(b, ip, 16, "-H", "Connection: close")
    return figures | {CONNECTIONS: float(found(r"Requests/sec: +([\d.]+)", said))}


def root(b: Bench) -> Path:
    folder = b.work / "www"
    folder.mkdir(exist_ok=True)
    (folder / "small.txt").write_text("x" * FILE_BYTES)
    return folder


def on_nic(b: Bench, subject: str) -> dict[str, float]:
    with nic(b, subject, "--app", f"httpd:{HTTP},root={root(b)}"):
        return measure(b, nic_ip())


def on_linux(b: Bench) -> dict[str, float]:
    conf = b.work / "nginx.conf"
    paths = "".join(f"{kind}_temp_path {b.work}/nginx_{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf.write_text(f"daemon off; master_process off; pid {b.work}/nginx.pid; error_log {b.work}/nginx.log;\nevents {{}}\n"
                    f"http {{ access_log off; keepalive_requests 100000000; {paths}\nserver {{ listen {LINUX_IP}:{HTTP}; root {root(b)}; }} }}\n")
    with linux(["nginx", "-c", str(conf), "-e", f"{b.work}/nginx.log"], HTTP):
        return measure(b, LINUX_IP)


def jobs(b: Bench) -> list[Job]:
    subjects = (CHECKED,) if b.quick else (UNCHECKED, CHECKED, REFERENCE)   # wrk takes no fractions of a second
    return [Job(s, NAME, lambda s=s: on_nic(b, s)) for s in subjects] + [Job(LINUX, NAME, lambda: on_linux(b))]
