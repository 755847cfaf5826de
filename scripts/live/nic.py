# SPDX-License-Identifier: Apache-2.0
"""The program under test, and the runner of tests."""
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from live.common import (CASE_SECONDS, FLOWS, NIC_IF, NIC_IP, Fail, await_silence, expect, expect_equal, on_nic_host,
                         open_connections, run)
from testing import until

# Names of --stats, which is one flat object of "group.name". Where a name stands in several groups, its values are added.
RX_RING, TX_RING = "rx_ring_bytes", "tx_ring_bytes"
# Frames of a flow that came by the slow path after its fence: what C held before it goes through the NIC like the rest.
AFTER_FENCE = "after_fence"
OPENED, CLOSED, LEFT = "flows_opened", "flows_closed", "flows_left"


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Nic:
    """One run of lockwire on the NIC host, at 10.99.0.2 unless told otherwise (`on` makes command lines of another), under another program if there is one."""

    def __init__(self, t, name, *options, ip=NIC_IP, wire=NIC_IF, on=on_nic_host, under=(), forged=False, recorded=True, limit_mib=0):
        self.name, self.stderr_path = name, t.work / f"{name}.stderr"
        self.stdout_path, self.stats_path = t.work / f"{name}.stdout", t.work / f"{name}.json"
        self.stats_path.unlink(missing_ok=True)
        self.lockwire, self.also, self.engine, self.ip, self.forged = t.lockwire, t.also, t.engine, ip, forged
        self.on = on
        # Every run is recorded, unless its memory is measured; what passed is deleted (Runner.run_of).
        self.record = Path(options[options.index("--record") + 1]) if "--record" in options else t.work / f"{name}.rec"
        self.recorded = recorded
        if recorded and "--record" not in options:
            shutil.rmtree(self.record, ignore_errors=True)
            options = (*options, "--record", str(self.record), *(["--record-limit", str(limit_mib)] if limit_mib else []))
        self.cmd = [*under, t.lockwire, "run", "--engine", t.engine, "--wire", f"afpacket:{wire}", "--ip", f"{ip}/24",
                    *(["--flows", str(FLOWS)] if t.engine == "ref" else []), "--stats", str(self.stats_path), *options]
        self.proc = self.descriptors = None
        self.replayed_seconds = self.judged_seconds = 0.0   # what the replay took, and all of judge()

    def start(self):
        with open(self.stderr_path, "wb") as err, open(self.stdout_path, "wb") as out:
            self.proc = subprocess.Popen(self.on(*self.cmd), stderr=err, stdout=out)
        until(lambda: b"lockwire: ready" in self.stderr_path.read_bytes() or self.proc.poll() is not None, 30, "ready")
        expect(self.proc.poll() is None, f"lockwire ended at once with status {self.proc.returncode}")

        self.descriptors = descriptors(self.proc.pid)

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def stop(self, sig=signal.SIGINT):
        """Ends the run; status and summary must be as they should."""
        expect(self.alive(), f"lockwire ended by itself with status {self.proc.poll() if self.proc else None}")
        self.proc.send_signal(sig)
        try:
            self.proc.wait(15)
        except subprocess.TimeoutExpired as e:
            raise Fail(f"lockwire did not end within 15 s of {sig.name}") from e
        expect_equal(self.proc.returncode, 0, "lockwire's status")
        expect("goodput" in self.stdout_path.read_text(), "no summary on stdout")

    def end(self, sig=signal.SIGINT):
        """Ends the run and judges it; returns its --stats."""
        self.stop(sig)
        self.judge()
        return self.stats()

    def run_through(self, seconds=60):
        """A run that ends by itself; its recording is judged, and deleted."""
        r = run(*self.on(*self.cmd), seconds=seconds)
        self.judge()
        shutil.rmtree(self.record)
        return r

    def stats(self):
        expect(self.stats_path.exists(), "no --stats file")
        return json.loads(self.stats_path.read_text())

    def judge(self):
        """The recording must do the same again, cycle for cycle, and what passed on the wire must be as the RFCs want it."""
        if not self.recorded:
            return
        began = time.monotonic()
        if self.engine == "rtl":
            self.replayed_seconds, r = replay(self)
            expect_equal(r.returncode, 0, f"status of the replay: {(r.stdout + r.stderr).strip()[-600:]}")
            if self.also:
                self.replay_also(r.stdout)
        # The wire monitor, over what the NIC saw and sent, segment by segment; of the peer, too, unless a test has forged frames in its name.
        captures = sorted(self.record.glob("wire*.pcapng"))
        expect(captures, f"no capture in {self.record}")
        for capture in captures:
            r = run(self.lockwire, "monitor", str(capture), "--at", self.ip, *(["--host", self.ip] if self.forged else []), seconds=CASE_SECONDS)
            expect_equal(r.returncode, 0, f"status of the wire monitor over {capture.name}: {(r.stdout + r.stderr).strip()[-600:]}")
        self.judged_seconds = time.monotonic() - began

    def replay_also(self, said):
        """With the other build of lockwire it comes to the same: as many cycles and beats. On Icarus that takes long."""
        def without_time(text):
            return re.sub(r"in [0-9.]+ s", "", text)

        signal.alarm(0)
        began = time.monotonic()
        r = run(self.also, "replay", str(self.record), seconds=7200)
        expect_equal((r.returncode, without_time(r.stdout)), (0, without_time(said)), f"what {self.also} makes of it")
        cycles = int(re.search(r"replayed (\d+) cycles", r.stdout).group(1))
        print(f"  {self.name}: {cycles} cycles with {self.also} too, {cycles / (time.monotonic() - began):.0f} a second", flush=True)

    def end_when_quiet(self, lossy=False):
        """Ends the run when each connection has come to its end on the NIC's side too."""
        until(lambda: not open_connections(), 30, "connections of the peer have ended")
        if lossy:   # the last ACK may be lost, and the NIC's FIN is sent once more, after 0.2, 0.4, 0.8 s
            await_silence(1)
        else:       # behind the last ACK on the wire: when it is answered, that has arrived
            run("ping", "-c", "1", "-W", "2", NIC_IP)
        expect_equal(descriptors(self.proc.pid), self.descriptors, "open files, against those at the start")
        return self.end()

    def kill(self):
        if self.alive():
            self.proc.kill()
            self.proc.wait()

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def resident_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.proc.pid}/status").read_text()).group(1))

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.proc.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def replay(nic):
    """Replays a run's recording: how long that took, and what came of it."""
    began = time.monotonic()
    r = run(nic.lockwire, "replay", str(nic.record), seconds=CASE_SECONDS)
    return time.monotonic() - began, r


def stat(stats, name):
    """The value called name, in whatever group; added up where several groups have it."""
    found = [v for k, v in stats.items() if k.rpartition(".")[2] == name]
    expect(found, f"--stats has no '{name}'")
    return sum(found)


# --- running tests ----------------------------------------------------------------------------------------------------


class Runner:
    def __init__(self, a):
        self.lockwire = str(Path(a.lockwire).resolve())
        self.also = a.also and str(Path(a.also).resolve())
        self.engine = a.engine
        self.seed = a.seed
        self.soak_seconds = a.soak
        self.work = Path(a.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.rng = random.Random(a.seed)
        self.passed = self.failed = 0
        self.nic = None
        # The peer's ports of connections into which frames are forged, and of those that the NIC may reset.
        self.ports = {"forged": set(), "reset": set()}

    def case(self, name, fn, *args, seconds=CASE_SECONDS):
        """Runs one test, for so long at most; False when it failed."""
        began = time.monotonic()
        signal.alarm(seconds)
        try:
            fn(*args)
        except (Fail, OSError, subprocess.SubprocessError, ValueError) as e:
            self.failed += 1
            print(f"FAIL {name}: {type(e).__name__ + ': ' if not isinstance(e, Fail) else ''}{e}", flush=True)
            self.show_stderr()
            return False
        finally:
            signal.alarm(0)
        self.passed += 1
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
        return True

    def show_stderr(self):
        if not self.nic or not self.nic.stderr_path.exists():
            return
        print(f"  the end of lockwire's stderr ({self.nic.stderr_path}):")
        for line in self.nic.stderr().splitlines()[-15:]:
            print(f"  | {line}")

    @contextlib.contextmanager
    def run_of(self, name, *options, **kw):
        """A run that several tests share. None when it does not come up: that is one failed test."""
        self.nic = Nic(self, name, *options, **kw)
        failed = self.failed
        try:
            yield self.nic if self.case(f"{name}_comes_up", self.nic.start) else None
        finally:
            self.nic.kill()
            if failed == self.failed:
                shutil.rmtree(self.nic.record, ignore_errors=True)
            self.nic = None

    def data(self, n):
        return self.rng.randbytes(n)


def on_alarm(_sig, _frame):
    raise Fail("not done in time")
