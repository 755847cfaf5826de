# SPDX-License-Identifier: Apache-2.0
"""Work in shares: by processes of this machine, by GNU parallel (on other machines, too), or by a Slurm array; a share that was lost is run again.

A share is a JSON object in a file of its own, FOLDER/RUN/N.json; a worker, `COMMAND FOLDER/RUN/N.json`, does it and leaves a list of rows beside
it (`finish`). RUN is by chance: what a worker of an earlier run still writes is not found. All three ways run the same worker; machines other
than this one must see the same files under the same names. However we end, the workers end, too."""
import concurrent.futures
import json
import os
import secrets
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from processes import WITH_US, Runs

WAYS = ("local", "parallel", "slurm")
TRIES = 3


class NotRun(Exception):
    """Nothing was run at all, and why."""


def result_of(share: Path) -> Path:
    return share.with_suffix(".done")


def finish(share: Path, rows: list[dict]) -> None:
    """The worker's last act: its rows are there whole, or not at all. Who was taken for lost may do the same now."""
    part = share.with_suffix(f".{socket.gethostname()}-{os.getpid()}")
    part.write_text(json.dumps(rows), encoding="utf-8")
    part.rename(result_of(share))


# --- the three ways: each has the workers of some shares started and a way to stop them ---------------------------------------


class Local:
    def __init__(self, worker: list[str], shares: list[Path], jobs: int, folder: Path):
        self.worker, self.shares = worker, shares
        self.runs, self.pool = Runs(), concurrent.futures.ThreadPoolExecutor(jobs)

    def start(self) -> None:
        self.all = [self.pool.submit(self.one, s) for s in self.shares]

    def one(self, share: Path) -> None:
        with open(share.with_suffix(".log"), "wb") as out:
            p = self.runs.start([*self.worker, str(share)], stdout=out, stderr=out)
            p.wait()
            self.runs.done(p)

    def ended(self, seconds: float) -> bool:
        return not concurrent.futures.wait(self.all, seconds).not_done

    def stop(self) -> None:
        self.runs.end()
        self.pool.shutdown(cancel_futures=True)


class Process:
    """A command that starts the workers and ends with the last of them."""

    def __init__(self, cmd: list[str], log: Path):
        self.cmd, self.log, self.proc = cmd, log, None

    def start(self) -> None:
        with open(self.log, "wb") as out:
            self.proc = subprocess.Popen(self.cmd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

    def ended(self, seconds: float) -> bool:
        try:
            self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        if self.proc:
            self.proc.terminate()
            self.proc.wait()


class Parallel(Process):
    def __init__(self, worker: list[str], shares: list[Path], jobs: int, folder: Path):
        names = folder / "shares.txt"
        names.write_text("".join(f"{s}\n" for s in shares), encoding="utf-8")
        machines = os.environ.get("MACHINES", "").split()
        where = ["--sshlogin", ",".join(machines), "--workdir", os.getcwd()] if machines else []
        super().__init__([*WITH_US, "parallel", "--will-cite", "--jobs", str(jobs), "--termseq", "TERM,2000,KILL,25", *where, "--arg-file", str(names),
                          f"exec {shlex.join(WITH_US + worker)} {{}} > {{.}}.log 2>&1"], folder / "parallel.log")

    def stop(self) -> None:
        if self.proc:
            self.proc.terminate()   # begin no more
        super().stop()              # and end what runs


# Told to end, it ends sbatch, which may be about to submit, and then what was submitted. Slurm would not notice that we are gone.
SBATCH = 'trap \'kill -9 $!; wait $!; scancel --name="$0"; exit\' TERM; sbatch --job-name="$0" "$@" & wait $!'


class Slurm(Process):
    def __init__(self, worker: list[str], shares: list[Path], jobs: int, folder: Path):
        script = folder / "array.sh"
        script.write_text("#!/bin/bash\nshares=(" + shlex.join(map(str, shares)) + ")\n"
                          f'exec {shlex.join(worker)} "${{shares[$SLURM_ARRAY_TASK_ID]}}"\n', encoding="utf-8")
        super().__init__(["setpriv", "--pdeathsig", "TERM", "--", "bash", "-c", SBATCH, f"lockwire-{folder.name}", "--wait", f"--array=0-{len(shares) - 1}",
                          f"--output={folder}/slurm-%a.log", "--no-requeue", str(script)], folder / "sbatch.log")


NEEDS = {"local": None, "parallel": "parallel", "slurm": "sbatch"}


def missing(way: str) -> str | None:
    """Why this way is not possible here."""
    tool = NEEDS[way]
    return None if tool is None or shutil.which(tool) else f"no {tool} on this machine (scripts/deps.sh --accept installs it)"


def run(shares: list[dict], worker: list[str], folder: Path, way: str, jobs: int, whole: Callable[[dict, list[dict]], bool],
        told: Callable[[int], None] = lambda done: None) -> list[list[dict] | None]:
    """Every share's rows, None for one that was lost TRIES times, as it also is while its rows are not `whole`. folder is emptied first; told gets
    the number of shares done, a few times a second. NotRun when there is no share that was done."""
    shutil.rmtree(folder, ignore_errors=True)
    folder = folder.resolve() / secrets.token_hex(8)
    folder.mkdir(parents=True)
    files = [folder / f"{i}.json" for i in range(len(shares))]
    for f, share in zip(files, shares):
        f.write_text(json.dumps(share), encoding="utf-8")
    results: list[list[dict] | None] = [None] * len(shares)

    def look() -> int:
        for i, f in enumerate(files):
            if results[i] is None and result_of(f).exists() and whole(shares[i], rows := json.loads(result_of(f).read_text(encoding="utf-8"))):
                results[i] = rows
        return sum(r is not None for r in results)

    for attempt in range(TRIES):
        left = [f for f, r in zip(files, results) if r is None]
        if not left:
            break
        if attempt:
            print(f"{len(left)} of {len(files)} shares were lost and are run again", flush=True)
        crew = {"local": Local, "parallel": Parallel, "slurm": Slurm}[way](worker, left, jobs, folder)
        try:
            crew.start()
            while not crew.ended(0.3):
                told(look())
        except BaseException:
            crew.stop()
            raise
        if not look() and attempt + 1 == TRIES:
            said = [line for log in sorted(folder.glob("*.log")) for line in log.read_text(errors="replace").strip().splitlines()[-1:]]
            raise NotRun(f"{way}: no share was done: {said[-1] if said else 'nothing was said'}")
    return results
