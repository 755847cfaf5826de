# SPDX-License-Identifier: Apache-2.0
"""Work in shares: by processes of this machine, by GNU parallel (on other machines, too), or by a Slurm array; a share that was lost is run again.

A share is a JSON object in a file of its own, FOLDER/N.json; a worker, `COMMAND FOLDER/N.json`, does it and leaves a list of rows beside it
(`finish`). All three ways run the same worker; machines other than this one must see the same files under the same names."""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

WAYS = ("local", "parallel", "slurm")
TRIES = 3


def result_of(share: Path) -> Path:
    return share.with_suffix(".done")


def finish(share: Path, rows: list[dict]) -> None:
    """The worker's last act: its rows are there whole, or not at all."""
    part = share.with_suffix(".part")
    part.write_text(json.dumps(rows), encoding="utf-8")
    part.rename(result_of(share))


# --- the three ways: each starts the workers of some shares and has a way to stop them ----------------------------------------


class Local:
    def __init__(self, worker: list[str], shares: list[Path], jobs: int, folder: Path):
        self.running: set[subprocess.Popen] = set()
        self.stopped = False
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.all = [self.pool.submit(self.one, [*worker, str(s)], s.with_suffix(".log")) for s in shares]

    def one(self, cmd: list[str], log: Path) -> None:
        if self.stopped:
            return
        with open(log, "wb") as out, subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True) as p:
            self.running.add(p)
            p.wait()
            self.running.discard(p)

    def ended(self, seconds: float) -> bool:
        return not concurrent.futures.wait(self.all, seconds).not_done

    def stop(self) -> None:
        self.stopped = True
        for p in list(self.running):
            os.killpg(p.pid, 15)
        self.pool.shutdown()


class Process:
    """A command that starts the workers and ends with the last of them."""

    def __init__(self, cmd: list[str], log: Path, **kw):
        with open(log, "wb") as out:
            self.proc = subprocess.Popen(cmd, stdout=out, stderr=out, start_new_session=True, **kw)

    def ended(self, seconds: float) -> bool:
        try:
            self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        self.proc.terminate()   # parallel: begin no more
        self.proc.terminate()   # and end what runs
        self.proc.wait()


class Parallel(Process):
    def __init__(self, worker: list[str], shares: list[Path], jobs: int, folder: Path):
        names = folder / "shares.txt"
        names.write_text("".join(f"{s}\n" for s in shares), encoding="utf-8")
        machines = os.environ.get("MACHINES", "").split()
        where = ["--sshlogin", ",".join(machines), "--workdir", os.getcwd()] if machines else []
        super().__init__(["parallel", "--will-cite", "--jobs", str(jobs), "--termseq", "TERM,2000,KILL,25", *where, "--arg-file", str(names),
                          f"{shlex.join(worker)} {{}} > {{.}}.log 2>&1"], folder / "parallel.log", stdin=subprocess.DEVNULL)


class Slurm(Process):
    def __init__(self, worker: list[str], shares: list[Path], jobs: int, folder: Path):
        self.name = f"lockwire-{os.getpid()}"
        script = folder / "array.sh"
        script.write_text("#!/bin/bash\nshares=(" + shlex.join(map(str, shares)) + ")\n"
                          f'exec {shlex.join(worker)} "${{shares[$SLURM_ARRAY_TASK_ID]}}"\n', encoding="utf-8")
        super().__init__(["sbatch", "--wait", f"--job-name={self.name}", f"--array=0-{len(shares) - 1}", f"--output={folder}/slurm-%a.log",
                          "--no-requeue", str(script)], folder / "sbatch.log", stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        subprocess.run(["scancel", f"--name={self.name}"], check=False)
        super().stop()


NEEDS = {"local": None, "parallel": "parallel", "slurm": "sbatch"}


def missing(way: str) -> str | None:
    """Why this way is not possible here."""
    tool = NEEDS[way]
    return None if tool is None or shutil.which(tool) else f"no {tool} on this machine (scripts/deps.sh --accept installs it)"


def run(shares: list[dict], worker: list[str], folder: Path, way: str, jobs: int, told: Callable[[int], None] = lambda done: None) -> list[list[dict] | None]:
    """Every share's rows, None for one that was lost TRIES times. folder is emptied first; told gets the number of shares done, a few times a second."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = [folder.resolve() / f"{i}.json" for i in range(len(shares))]
    for f, share in zip(files, shares):
        f.write_text(json.dumps(share), encoding="utf-8")
    start = {"local": Local, "parallel": Parallel, "slurm": Slurm}[way]
    for attempt in range(TRIES):
        left = [f for f in files if not result_of(f).exists()]
        if not left:
            break
        if attempt:
            print(f"{len(left)} of {len(files)} shares were lost and are run again", flush=True)
        began, crew = time.monotonic(), start(worker, left, jobs, folder)
        try:
            while not crew.ended(0.3):
                told(sum(result_of(f).exists() for f in files))
        except BaseException:
            crew.stop()
            raise
        if len(left) == len(files) and not any(result_of(f).exists() for f in left) and time.monotonic() - began < 5:
            said = [line for log in sorted(folder.glob("*.log")) for line in log.read_text(errors="replace").strip().splitlines()[-1:]]
            print(f"{way}: no share was done: {said[-1] if said else 'nothing was said'}", file=sys.stderr)
    return [json.loads(result_of(f).read_text(encoding="utf-8")) if result_of(f).exists() else None for f in files]
