#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes the simulated NIC: libFuzzer drives frames, host commands and time into it, step by step, under the checker and the wire monitor.

What a run learns stays in OUT/corpus for the next. An input that fails is cut down to the steps that it needs and kept in OUT/found/NAME/,
with its frames (wire.pcapng), its steps (steps.txt) and a recording that `lockwire replay` does again; what was found before is tried first.
--resume counts the seconds of earlier runs of the same build. --add makes a regression of what was found, which CI runs from then on.
--mutants shows instead in how many broken NICs it finds something."""
import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGRESSIONS = ROOT / "sim/fuzz/found"   # a folder each: input, why.md (scripts/test_fuzz_nic.py)
STEP = 20                   # bytes of a record (sim/fuzz/step.h)
STEPS = 48
SEEDS = 192
HUNT_SEED = 3               # mutants are found after the same number of runs each time
PIECE = 300                 # seconds, after which --resume may go on later
CASE_SECONDS = 60           # no input takes a hundredth of that
# Each must be found in --seconds: stores, mailboxes, timers, windows, intervals, the parser.
MUTANTS = ("ack-cleared-at-frame-end", "send-context-not-forwarded", "window-edge-goes-back", "interval-held-twice", "timer-not-cleared", "options-overtake",
           "scoreboard-not-trimmed", "odd-byte-not-summed", "tail-not-forwarded", "dsack-taken-as-it-is-put", "due-timer-not-held", "release-before-the-frames")


class Tool:
    """The fuzzer of one build, and what shows its inputs."""

    def __init__(self, build: Path, env: dict | None = None):
        self.fuzz, self.case, self.lockwire = build / "nic_fuzz", build / "nic_case", build / "lockwire_san"
        self.env = {**os.environ, **(env or {})}

    def identity(self) -> str:
        return hashlib.sha256(self.fuzz.read_bytes()).hexdigest()

    def seeds(self, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run([self.case, "--seeds", folder, str(SEEDS)], check=True, env=self.env)
        return folder

    def run(self, folders: list, log: Path, artifacts: Path, how: list) -> tuple[int, str]:
        """libFuzzer over corpora; its status, and all it said."""
        command = [self.fuzz, f"-max_len={STEP * (STEPS + 1)}", "-entropic=0", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={artifacts}/", *how, *folders]
        with open(log, "wb") as out:
            status = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.env, check=False).returncode
        return status, log.read_text(encoding="utf-8", errors="replace")

    def verdict(self, data: bytes) -> str:
        """What is wrong with an input, without its numbers; empty when nothing is."""
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            try:
                p = subprocess.run([self.case, f.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env, timeout=CASE_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                return "takes too long"
        return "" if p.returncode == 0 else kind(p.stdout.decode(errors="replace"), p.returncode)

    def show(self, data: bytes, folder: Path) -> str:
        """Writes the case; what nic_case said of it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "input").write_bytes(data)
        p = subprocess.run([self.case, folder / "input", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env, check=False)
        return p.stdout.decode(errors="replace")


WRONG = re.compile(r"^wrong: (.*)", re.M)
STOPPED = re.compile(r"^%Error: [^\n]*|^SUMMARY: [^\n]*|^[^\n]*runtime error: [^\n]*|^[^\n]*Assertion [^\n]*failed[^\n]*", re.M)


def reason(text: str, status: int) -> str:
    found = STOPPED.search(text) or WRONG.search(text)
    return (found.group(1) if found and found.re is WRONG else found.group()) if found else f"status {status}"


def kind(text: str, status: int) -> str:
    """The reason as far as it stays the same when the input gets shorter."""
    return re.sub(r"\d+|0x[0-9a-f]+|, (expected|got) .*", "", reason(text, status))


# --- an input cut down ------------------------------------------------------------------------------------------------------


def records(data: bytes) -> list[bytes]:
    return [data[i:i + STEP] for i in range(0, len(data) - STEP + 1, STEP)]


def shorten(rows: list[bytes], fails, until: float) -> list[bytes]:
    """Without the steps that it fails without, longer pieces first."""
    size = len(rows)
    while size >= 1:
        at = 1
        while at < len(rows) and time.monotonic() < until:
            less = rows[:at] + rows[at + size:]
            if fails(less):
                rows = less
            else:
                at += size
        size //= 2
    return rows


def plainer(rows: list[bytes], fails, until: float) -> list[bytes]:
    """With zeros for the bytes that do not matter; a step comes when the NIC is at rest, if that will do."""
    for i in range(len(rows) - 1, -1, -1):
        for at in range(STEP):
            for value in (255, 0) if at == 2 and i else (0,):
                if rows[i][at] == value or time.monotonic() > until:
                    break
                tried = rows[:i] + [rows[i][:at] + bytes([value]) + rows[i][at + 1:]] + rows[i + 1:]
                if fails(tried):
                    rows = tried
                    break
    return rows


def minimise(tool: Tool, data: bytes, seconds: float) -> bytes:
    wanted, until = tool.verdict(data), time.monotonic() + seconds
    if not wanted:
        return data

    def fails(rows: list[bytes]) -> bool:
        return tool.verdict(b"".join(rows)) == wanted
    rows = shorten(records(data), fails, until)
    return b"".join(shorten(plainer(rows, fails, until), fails, until))


# --- a run ------------------------------------------------------------------------------------------------------------------


def tell(tool: Tool, folder: Path, said: str, status: int) -> None:
    print(f"FAIL fuzz-nic: {reason(said, status)}")
    print("\n".join("     " + line for line in said.splitlines()[-45:]))
    print(f"     {tool.case} {folder}/input        shows it; the same in {folder}/steps.txt, frames in {folder}/wire.pcapng\n"
          f"     {tool.lockwire} replay {folder}   does it again, cycle for cycle\n"
          f"     make fuzz-case FOUND={folder} NAME=topic-what WHY=\"what it was\"   makes a regression of it", flush=True)


def keep(tool: Tool, out: Path, artifact: Path, seconds: float) -> None:
    data = minimise(tool, artifact.read_bytes(), seconds)
    folder = out / "found" / hashlib.sha256(data).hexdigest()[:12]
    said = tool.show(data, folder)
    shutil.move(artifact, folder / "as-found")
    tell(tool, folder, said, 1)


def try_found(tool: Tool, out: Path) -> bool:
    """What was found before; true when nothing of it fails any more."""
    good = True
    for folder in sorted(p.parent for p in (out / "found").glob("*/input")):
        data = (folder / "input").read_bytes()
        if tool.verdict(data):
            tell(tool, folder, tool.show(data, folder), 1)
            good = False
        else:
            print(f"     {folder}, found before, is well now", flush=True)
    return good


def last(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    return found[-1] if found else "?"


def artifact_of(text: str) -> Path | None:
    path = last(r"Test unit written to (\S+)", text)
    return Path(path) if path != "?" else None


def fuzz(tool: Tool, a: argparse.Namespace) -> bool:
    out, corpus, artifacts, done = a.out, a.out / "corpus", a.out / "artifacts", a.out / "done.json"
    for folder in (corpus, artifacts, out / "found"):
        folder.mkdir(parents=True, exist_ok=True)
    if not try_found(tool, out):
        return False
    seeds, identity = tool.seeds(out / "seeds"), tool.identity()
    before = json.loads(done.read_text()) if a.resume and done.exists() else {}
    went, runs, edges = (before["seconds"], before["runs"], before["edges"]) if before.get("build") == identity else (0, 0, "?")
    while went < a.seconds or (a.runs and not runs):
        piece = min(PIECE, a.seconds - went)
        how = [f"-runs={a.runs}", "-seed=1"] if a.runs else [f"-max_total_time={piece}"]
        status, text = tool.run([corpus, seeds] if not a.runs else [seeds], out / "log", artifacts, how)
        runs += int(last(r"stat::number_of_executed_units: (\d+)", text).replace("?", "0"))
        edges = last(r"cov: (\d+)", text)
        if status:
            artifact = artifact_of(text)
            if artifact:
                keep(tool, out, artifact, a.minimise)
            else:
                print("FAIL fuzz-nic: " + "\n     ".join([f"status {status}", *text.splitlines()[-30:]]))
            return False
        went += piece
        done.write_text(json.dumps({"build": identity, "seconds": went, "runs": runs, "edges": edges}) + "\n", encoding="ascii")
    print(f"ok fuzz-nic: {runs} executions{f' in {went} s' if went else ''}, {edges} edges, {'from the seeds' if a.runs else f'{len(list(corpus.iterdir()))} inputs in the corpus'}", flush=True)
    return True


# --- a regression of it -----------------------------------------------------------------------------------------------------


def add(tool: Tool, a: argparse.Namespace, p: argparse.ArgumentParser) -> int:
    if not a.name or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", a.name):
        p.error("--name: topic-what, of small letters, digits and dashes")
    if not a.why.strip() or "\n" in a.why.strip():
        p.error("--why: a line that says what it was")
    folder, source = a.regressions / a.name, a.add / "input" if a.add.is_dir() else a.add
    if folder.exists():
        p.error(f"{folder} is there already")
    if not source.is_file():
        p.error(f"{source}: no such file")
    folder.mkdir(parents=True)
    shutil.copyfile(source, folder / "input")
    (folder / "why.md").write_text(a.why.strip() + "\n", encoding="utf-8")
    print(f"fuzz-nic: {folder} is added; this build finds: {tool.verdict(source.read_bytes()) or 'nothing wrong with it'}")
    return 0


# --- broken NICs ------------------------------------------------------------------------------------------------------------


def hunt(tool: Tool, sound: Tool, work: Path, seconds: int) -> tuple[str, str, str]:
    """A broken NIC fuzzed from the seeds alone: what is wrong with it, empty when nothing was found; the runs; else what happened.

    An end of the fuzzer is no finding by itself: it must leave an input in which nic_case sees it too, and with which a sound NIC is well."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "corpus").mkdir(parents=True)
    status, text = tool.run([work / "corpus", tool.seeds(work / "seeds")], work / "log", work, [f"-seed={HUNT_SEED}", f"-max_total_time={seconds}"])
    shutil.rmtree(work / "corpus")
    runs, artifact = last(r"stat::number_of_executed_units: (\d+)", text), artifact_of(text)
    if not artifact:
        return "", runs, f"status {status} without an input: {work}/log" if status else "nothing"
    data = artifact.read_bytes()
    wrong, alike = tool.verdict(data), sound.verdict(data)
    if not wrong or wrong.startswith("status "):
        return "", runs, f"nic_case does not see it ({wrong or 'nothing is wrong'}): {artifact}"
    if alike:
        return "", runs, f"a sound NIC does it, too ({alike}): {artifact}"
    why = re.search(r"^nic_fuzz: (.*)", text, re.M)
    return why.group(1) if why else reason(text, status), runs, ""


def mutants(a: argparse.Namespace) -> bool:
    """First the NIC without a fault, in which there must be nothing; then each of the chosen ones: found or not, by what, after how long."""
    import mutate_rtl   # its tree of sources with all faults in it, one chosen by LW_MUTANT
    mutate_rtl.OUT, mutate_rtl.TREE = a.out / "mutants", (a.out / "mutants/tree").resolve()
    faults, texts = mutate_rtl.collect(argparse.Namespace(seed=1, drawn=100))
    names = MUTANTS if a.mutants == ["all"] else a.mutants
    chosen = [next((f for f in faults if f.name == n), n) for n in names]
    if unknown := [n for n in chosen if isinstance(n, str)]:
        print(f"fuzz_nic: no mutant called {unknown[0]} (scripts/mutate_rtl.py --list)", file=sys.stderr)
        return False
    mutate_rtl.plant(faults, texts)
    subprocess.run(["make", "-s", "-C", mutate_rtl.TREE, "B=build", "fuzz-nic-build"], check=True, stdout=subprocess.DEVNULL)
    build, good = mutate_rtl.TREE / "build/fuzz-nic", 0
    sound = Tool(build, {"LW_MUTANT": "0"})
    for name, number in [("none", 0)] + [(f.name, f.number) for f in chosen]:
        began = time.monotonic()
        found, runs, else_ = hunt(Tool(build, {"LW_MUTANT": str(number)}), sound, a.out / "mutants" / name, a.seconds)
        well = bool(found) if number else else_ == "nothing"
        good += well
        print(f"{'ok' if well else 'FAIL'} {name}: {found or else_} ({runs} executions, {time.monotonic() - began:.0f} s)", flush=True)
    print(f"{good} passed, {len(chosen) + 1 - good} failed")
    return good == len(chosen) + 1


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=0)
    p.add_argument("--runs", type=int, default=0, help="so many executions from the seeds alone, always the same, in place of a time")
    p.add_argument("--resume", action="store_true", help="the seconds count together with those of earlier runs of the same build")
    p.add_argument("--build", type=Path, default=Path("build/fuzz-nic"), help="where nic_fuzz, nic_case and lockwire_san are")
    p.add_argument("--out", type=Path, default=Path("build/fuzz-nic"), help="for corpus, log, what was found")
    p.add_argument("--minimise", type=float, default=120, metavar="SECONDS", help="for making what was found shorter (120)")
    p.add_argument("--mutants", nargs="+", metavar="NAME",
                   help=f"broken NICs by name (scripts/mutate_rtl.py --list), or `all` for {', '.join(MUTANTS)}: --seconds each")
    p.add_argument("--add", type=Path, metavar="DIR", help="what was found, or an input, as a regression; with it:")
    p.add_argument("--name", help="topic-what")
    p.add_argument("--why", default="", help="a line that says what it was")
    p.add_argument("--regressions", type=Path, default=REGRESSIONS, metavar="DIR", help="where they are (sim/fuzz/found)")
    a = p.parse_args()
    if a.add:
        return add(Tool(a.build), a, p)
    if bool(a.seconds) == bool(a.runs):
        p.error("either --seconds or --runs")
    if a.mutants:
        return 0 if mutants(a) else 1
    if not a.build.joinpath("nic_fuzz").exists():
        p.error(f"there is no {a.build}/nic_fuzz: run `make fuzz`")
    return 0 if fuzz(Tool(a.build), a) else 1


if __name__ == "__main__":
    sys.exit(main())
