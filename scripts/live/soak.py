# SPDX-License-Identifier: Apache-2.0
"""Group soak: everything at once for --soak seconds over a wire that does harm: requests, pages, bulk both ways, connections that come and
go. The checker follows, memory stays flat, the last part of it is recorded and judged."""
import contextlib
import json
import random
import socket
import statistics
import struct
import threading
import time

from live.common import ECHO, KV, MIB, NIC_IP, connect, echo_once, expect, expect_equal, finish_nc, must, recv_exactly, run, sha256, start_nc
from live.nic import CLOSED, LEFT, OPENED, stat

HTTP, SINK = 80, 9
FAULT = "loss=0.0005,dup=0.002,reorder=0.002,corrupt=0.0002"
RECORD_MIB = 128            # of the recording; the rest is followed by the checker alone
BULK, PAGE = 4 * MIB, 20_000
CHURNERS = 4
SAMPLE_SECONDS = 1
FLOWS, TOUCHED = 64, 131_072   # of the default build; octets there and back, more than each of a flow's rings holds
WARM_SECONDS = 90           # until there are as many connections in TIME-WAIT as there will be
GROWTH_KIB = 512            # of resident memory, from the median of the first quarter behind that to that of the last: no more
REST_SECONDS = 100          # for what is under way when the time is over, and for the end


class Load:
    """Clients of one kind after another until the time is over, all kinds at once. What one of them finds wrong ends them all."""

    def __init__(self, seconds):
        self.until, self.wrong, self.lock = time.monotonic() + seconds, [], threading.Lock()
        self.done, self.threads = {}, []

    def goes_on(self):
        return time.monotonic() < self.until and not self.wrong

    def count(self, what, n=1):
        with self.lock:
            self.done[what] = self.done.get(what, 0) + n

    def start(self, job, *args):
        def guarded():
            try:
                while self.goes_on():
                    job(self, *args)
            except Exception as e:   # a thread's own: told by the test
                with self.lock:
                    self.wrong.append(f"{job.__name__}: {type(e).__name__}: {e}")
        self.threads.append(threading.Thread(target=guarded))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join()


# --- clients ----------------------------------------------------------------------------------------------------------


def requests(load):
    r = run("redis-benchmark", "-h", NIC_IP, "-t", "ping,set,get,incr,mset", "-c", "12", "-n", "5000", "-q", seconds=REST_SECONDS)
    expect_equal(r.returncode, 0, f"redis-benchmark's status ({r.stderr.strip()[-200:]})")
    load.count("redis-benchmarks")


def pages(load):
    r = run("wrk", "-t", "1", "-c", "8", "-d", "10s", "--timeout", "20s", f"http://{NIC_IP}/page", seconds=REST_SECONDS)
    expect_equal(r.returncode, 0, f"wrk's status ({r.stderr.strip()[-200:]})")
    expect("requests in" in r.stdout and "Socket errors" not in r.stdout and "Non-2xx" not in r.stdout, r.stdout)
    load.count("wrk runs")


def bulk(load, t, data):
    finish_nc(start_nc(t, "soak", data), REST_SECONDS)
    load.count("echoes of 4 MiB")


def download(load, t, data):
    out = t.work / "soak.big"
    must("curl", "-sS", "--max-time", str(REST_SECONDS), "-o", str(out), f"http://{NIC_IP}/big", seconds=REST_SECONDS + 10)
    expect_equal(sha256(out.read_bytes()), sha256(data), "what curl got")
    load.count("downloads of 4 MiB")


def upload(load, data):
    with connect((NIC_IP, SINK), REST_SECONDS) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        expect_equal(s.recv(1), b"", "what a sink says")
    load.count("uploads of 1 MiB")


def touch(t):
    """All flows at once, and as much over each as its rings hold: else their pages become resident one by one, for half an hour."""
    with contextlib.ExitStack() as flows:
        for s in [flows.enter_context(connect(seconds=REST_SECONDS)) for _ in range(FLOWS)]:
            echo_once(s, t.data(TOUCHED))


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def churn(load, rng):
    """A short conversation, and one of several ways to end it."""
    way = rng.randrange(5)
    with connect(seconds=REST_SECONDS) as s:
        if way:
            echo_once(s, rng.randbytes(rng.randrange(1, 3000)))
        if way == 1:
            s.shutdown(socket.SHUT_WR)
            expect_equal(s.recv(1), b"", "what comes behind the echo")
        elif way == 2:
            reset(s)
        elif way == 3:
            data = rng.randbytes(500)
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            expect(recv_exactly(s, 500) == data, "echo differs")
        elif way == 4:
            s.sendall(rng.randbytes(5000))
            reset(s)   # in the middle of the echo
    load.count("short connections")


# --- tests ------------------------------------------------------------------------------------------------------------


def sample(nic, load, seconds):
    """Resident memory in KiB, once in a while, as long as the load lasts."""
    samples, end = [], time.monotonic() + seconds
    while time.monotonic() < end and load.goes_on() and nic.alive():
        samples.append(nic.resident_kib())
        time.sleep(SAMPLE_SECONDS)
    return samples


def growth(samples):
    """By medians: restart points of the recording come and go. A run too short for it has none."""
    warm = samples[WARM_SECONDS // SAMPLE_SECONDS:]
    quarter = len(warm) // 4
    return statistics.median(warm[-quarter:]) - statistics.median(warm[:quarter]) if quarter else 0


def report(t, nic, load, samples, stats, seconds):
    rows = {"seconds": seconds, "connections": stat(stats, OPENED), "frames in": stats["wire.rx_frames"], "frames out": stats["wire.tx_frames"],
            "bytes received": stat(stats, "rx_ring_bytes"), "bytes sent": stat(stats, "tx_ring_bytes"), "retransmissions": stat(stats, "retransmissions"),
            "frames harmed": sum(stats[f"fault.{way}_{how}"] for way in ("rx", "tx") for how in ("lost", "duplicated", "reordered", "corrupted")),
            "cycles": stats.get("run.cycles", 0), "resident KiB": [samples[0], samples[len(samples) // 2], samples[-1]], "growth KiB": growth(samples),
            "seconds of replay and monitor": round(nic.judged_seconds), **load.done}
    (t.work / "soak.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="ascii")
    print("  " + "; ".join(f"{k} {' '.join(map(str, v)) if isinstance(v, list) else f'{v:,}'}" for k, v in rows.items()), flush=True)


def test_soak(t, nic, root, seconds):
    touch(t)
    load, big, part = Load(seconds), (root / "big").read_bytes(), t.data(MIB)
    load.start(requests)
    load.start(pages)
    load.start(bulk, t, t.data(BULK))
    load.start(download, t, big)
    load.start(upload, part)
    for i in range(CHURNERS):
        load.start(churn, random.Random(f"{t.seed} {i}"))
    samples = sample(nic, load, seconds)
    load.join()
    expect(not load.wrong, "; ".join(load.wrong[:3]))
    stats = nic.end_when_quiet(lossy=True)
    expect_equal(stat(stats, LEFT), 0, LEFT)
    expect_equal(stat(stats, CLOSED), stat(stats, OPENED), "flows closed, of those opened")
    report(t, nic, load, samples, stats, seconds)
    expect(growth(samples) <= GROWTH_KIB, f"resident memory has grown by {growth(samples):.0f} KiB: {samples[::max(1, len(samples) // 40)]}")
    expect(all(load.done.get(k) for k in ("redis-benchmarks", "wrk runs", "echoes of 4 MiB", "downloads of 4 MiB", "uploads of 1 MiB", "short connections")),
           f"not every kind of client came to its end: {load.done}")


def group(t):
    root = t.work / "soak.root"
    root.mkdir(exist_ok=True)
    (root / "page").write_bytes(t.data(PAGE))
    (root / "big").write_bytes(t.data(BULK))
    options = ["--app", f"echo:{ECHO}", "--app", f"kv:{KV}", "--app", f"httpd:{HTTP},root={root}", "--app", f"sink:{SINK}", "--fault", f"{FAULT},seed={t.seed}"]
    with t.run_of("soak", *options, limit_mib=RECORD_MIB) as nic:
        if nic:
            t.case(f"soak_of_{t.soak_seconds}_seconds", test_soak, t, nic, root, t.soak_seconds, seconds=t.soak_seconds + 4 * REST_SECONDS)
