# SPDX-License-Identifier: Apache-2.0
"""What the groups share: subjects and jobs, and programs on the network as netns.sh made it."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import WITH_US
from testing import Fail, until

ROOT = Path(__file__).resolve().parent.parent.parent
MIB = 1 << 20

# The columns of the table.
UNCHECKED, CHECKED, RECORDED = "NIC, --check off", "NIC", "NIC, --record"
REFERENCE, LINUX, LOOP = "reference", "Linux", "loop-back"
SUBJECTS = (UNCHECKED, CHECKED, RECORDED, REFERENCE, LINUX, LOOP)
OPTIONS = {UNCHECKED: ("--check", "off"), LOOP: ("--check", "off"), CHECKED: (), RECORDED: (), REFERENCE: ("--engine", "ref")}

LINUX_IP = "10.99.0.3"
SINK, SOURCE, KV, HTTP = 9, 19, 6379, 80

# The frames of the comparison with the loop-back: a full segment with time stamps, and a GET of redis-benchmark.
FULL_FRAME, FULL_PAYLOAD, REQUEST_FRAME = 1514, 1448, 102


@dataclass
class Bench:
    build: Path
    out: Path                    # where builds of its own stay
    work: Path                   # for what a run leaves behind
    quick: bool = False          # small sizes: to see that all works, not how fast

    def tool(self, name: str) -> str:
        return str(self.build / name)

    def size(self, whole: float, quick: float) -> float:
        return quick if self.quick else whole


@dataclass
class Job:
    subject: str
    what: str                                  # in a word or two
    run: Callable[[], dict[str, float]]        # figures of one run
    runs: int = 1 << 20                        # at most


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make(files: list[str], build: Path, *variables: str) -> None:
    """Files below a build's directory, named as make names them when it is called by hand: dependencies on headers are by name."""
    say(" ".join(["make", *variables, *files]))
    b = os.path.relpath(build, ROOT)
    output("make", "--no-print-directory", f"B={b}", *variables, *(f"{b}/{f}" for f in files), seconds=3600)


def output(*cmd: str, seconds: float = 600, env: dict | None = None) -> str:
    """What a command says. When it is not waited for to its end, all that it has started ends with it."""
    p = subprocess.Popen([*WITH_US, *cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT, process_group=0)
    try:
        out, err = p.communicate(timeout=seconds)
    except BaseException:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()      # until the last of them has closed its end
        raise
    if p.returncode:
        raise Fail(f"{' '.join(cmd[:6])}: status {p.returncode}: {(out + err).strip()[-400:]}")
    return out


def nic_ip() -> str:
    return os.environ["LW_NIC_IP"]


def nic_if() -> str:
    return os.environ["LW_NIC_IF"]


def peer_if() -> str:
    return os.environ["LW_PEER_IF"]


def on_nic_host(*cmd: str) -> list[str]:
    return ["nsenter", f"--net=/proc/{os.environ['LW_NIC_HOLDER']}/ns/net", "--", *cmd]


def start(cmd: list[str], ready: str) -> tuple[subprocess.Popen, str]:
    """The program, and the line in which it says that it is ready."""
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    for line in p.stdout:
        said.append(line)
        if ready in line:
            return p, line
    p.wait()
    raise Fail(f"{' '.join(cmd[3:9])} did not start: {''.join(said)[-400:]}")


class Nic:
    """A run of lockwire that serves; when it has ended, `stats` is what --stats wrote."""

    def __init__(self, proc: subprocess.Popen, said: str):
        self.proc, self.pid, self.said, self.stats = proc, proc.pid, said, {}


@contextlib.contextmanager
def nic(b: Bench, subject: str, *options: str, program: str = "lockwire", keep: Path | None = None) -> Iterator[Nic]:
    """keep: where its recording is to be; else that of RECORDED is thrown away."""
    folder = keep or (b.work / "recording" if subject == RECORDED else None)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        options = (*options, "--record", str(folder))
    stats = b.work / "stats.json"
    n = Nic(*start(on_nic_host(b.tool(program), "run", "--wire", f"afpacket:{nic_if()}", "--ip", f"{nic_ip()}/24", "--stats", str(stats),
                              *OPTIONS.get(subject, ()), *options), "lockwire: ready"))
    try:
        yield n
    finally:
        n.proc.send_signal(signal.SIGINT)
        try:
            said = n.proc.communicate(timeout=20)[0]
        except subprocess.TimeoutExpired:
            n.proc.kill()
            said = n.proc.communicate()[0]
        if folder and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if n.proc.returncode:
        raise Fail(f"lockwire ends with status {n.proc.returncode}: {said[-400:]}")
    n.stats = json.loads(stats.read_text())


def give_linux_an_address() -> None:
    output(*on_nic_host("ip", "addr", "replace", f"{LINUX_IP}/24", "dev", nic_if()))


@contextlib.contextmanager
def linux(cmd: list[str], port: int) -> Iterator[None]:
    """A server on Linux' own stack, on the NIC's host, from when it listens."""
    give_linux_an_address()
    p = subprocess.Popen(on_nic_host(*cmd), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    listens = on_nic_host("ss", "-Hltn", f"src {LINUX_IP}:{port}")
    try:
        until(lambda: p.poll() is not None or output(*listens), 20, f"{cmd[0]} listens")
        if p.poll() is not None:
            raise Fail(f"{cmd[0]} ended at once: {p.stderr.read()[-400:]}")
        yield
    finally:
        p.terminate()
        try:
            p.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()


def found(pattern: str, text: str) -> str:
    m = re.search(pattern, text)
    if not m:
        raise Fail(f"no {pattern} in: {text[-400:]}")
    return m[1]
