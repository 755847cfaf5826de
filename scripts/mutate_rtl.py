#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the RTL in many small ways and shows what the checker, the wire monitor and the pair make of each.

All faults are in one copy of the sources under build/mutate/tree, each a choice by number (rtl_faults.py), so one build serves all
and LW_MUTANT=N says which it has: those made by hand (mutants.py) and those drawn by a seed from rtl/rx and rtl/tx. Each runs
the NIC in `lockwire seeds`; it is caught in a seed that does not end well: by the checker, the wire monitor, an assertion, the
pair's own proof, a crash, a hang. By hand: caught in 3 of 5 hard seeds. Drawn: 9 of 10 caught within --most seeds, and each that is not
explained in mutate_survivors.json. A few by hand are in the transport core, and there only the wire monitor counts; a few more are hazards
that only nic_hazards has to catch. The table is build/mutate/report.md and .json. More are had by more lines in mutants.py, and by --drawn and --seed.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rtl_faults
import mutants
from processes import Runs, stop_on_signals

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/mutate"
TREE = OUT / "tree"
TOOL, HAZARDS = TREE / "build/lockwire", TREE / "build/nic_hazards"
SURVIVORS = ROOT / "scripts/mutate_survivors.json"
DRAWN_FROM = ("rtl/rx", "rtl/tx")
# Congestion control that the NIC is not built with by default: no seed can reach it, tb/cc_tb.sv does.
NOT_BUILT = ("rtl/tx/cc_none.sv", "rtl/tx/cc_reno.sv", "rtl/tx/cc_cubic.sv", "rtl/tx/cubic_curve.sv")
SEED_SECONDS = 15                # of processor time; no seed takes a tenth of that
STUCK_SECONDS = 600              # of any
LEAST_SEEDS = 3 / 5              # of each made by hand
LEAST_SHARE = 9 / 10             # of those drawn
MEMORY = 2_000_000_000           # bytes of address space: a fault may eat memory without end

# --- the copy ------------------------------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    """Only what changed, for make's sake."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


PACKAGE = """package mutant;
  int n;
endpackage
"""
CHOICE = """  import "DPI-C" function int lw_mutant();
  initial mutant::n = lw_mutant();
endmodule
"""
GETTER = """#include <stdlib.h>
extern int mutant;
int mutant;
int lw_mutant(void);
int lw_mutant(void) { return mutant; }
__attribute__((constructor)) static void choose(void)
{
  const char *n = getenv("LW_MUTANT");
  mutant = n ? atoi(n) : 0;
}
"""
CORE_H = "dpi/tcp/core/core.h"
LINT = """
// The copy holds many designs at once.
lint_off -file "*"
"""


def plant(faults: list, texts: dict) -> None:
    """A tree like ours, whose rtl/ and core have the faults, and whose cosim_top and core.h say which one holds."""
    files = {name: rtl_faults.render(text, [f for f in faults if f.file == name]) for name, text in texts.items()}
    files |= {str(p.relative_to(ROOT)): p.read_text() for d in ("sim", "dpi") for p in (ROOT / d).rglob("*.*")
              if str(p.relative_to(ROOT)) not in files}
    files[CORE_H] += "extern int mutant;\n"
    files["rtl/mutant.sv"] = PACKAGE
    files["rtl/nic.f"] = "rtl/mutant.sv\n" + (ROOT / "rtl/nic.f").read_text()
    files["sim/mutant.c"] = GETTER
    files["sim/cosim_top.sv"] = files["sim/cosim_top.sv"].replace("endmodule\n", CHOICE)
    files["sim/lint.vlt"] += LINT
    if (TREE / "dpi").is_symlink():
        (TREE / "dpi").unlink()
    for name, text in files.items():
        write(TREE / name, text)
    for name in ("scripts", "Makefile"):
        if not (TREE / name).is_symlink():
            (TREE / name).symlink_to(ROOT / name)
    for path in [p for d in ("rtl", "sim", "dpi") for p in (TREE / d).rglob("*") if p.is_file() and str(p.relative_to(TREE)) not in files]:
        path.unlink()


def build(tree: Path) -> bool:
    log = OUT / "build.log"
    with open(log, "w", encoding="utf-8") as f:
        good = subprocess.run(["make", "-C", tree, "build", "build/nic_hazards"], stdout=f, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode == 0
    if not good:
        print(f"mutate: {tree} does not build: {log}", file=sys.stderr)
    return good

# --- the judge -----------------------------------------------------------------------------------------------------------


RUNS = Runs()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lines(p):
    """What it prints, line by line; at last None when it works for too long on one."""
    rest, began, since = b"", 0.0, time.monotonic()
    while True:
        if not select.select([p.stdout], [], [], 1)[0]:
            if cpu_seconds(p.pid) - began > SEED_SECONDS or time.monotonic() - since > STUCK_SECONDS:
                yield None
                return
            continue
        more = os.read(p.stdout.fileno(), 65536)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        if whole:
            began, since = cpu_seconds(p.pid), time.monotonic()
        yield from (line.decode() for line in whole)


def watch(command: list, f, heard) -> tuple:
    """Runs a tool with a fault, every line that it prints to `heard`, until that is true: (how it came to its end, if not by that;
    what it said beside)."""
    hung, said = False, ""
    with tempfile.TemporaryFile("w+") as err:
        p = RUNS.start(["prlimit", f"--as={MEMORY}", *command], stdout=subprocess.PIPE, stderr=err, env={**os.environ, "LW_MUTANT": str(f.number)})
        try:
            for line in lines(p):
                hung = line is None
                if hung:
                    break
                if heard(line):
                    return "", said
                said += line + "\n"
            RUNS.end_one(p, hung)
        finally:
            RUNS.done(p)
        err.seek(0)
        said += err.read()
    return "hang" if hung else "assertion" if "ssert" in said else f"crash ({p.returncode})" if p.returncode not in (0, 1) else "", said


def seeds_once(tool: Path, f, first: int, count: int, stop: bool) -> list:
    """Results of seeds until one ends the process (the last then says how), or, with `stop`, until the first that is bad."""
    rows = []

    def heard(line: str) -> bool:
        if line.startswith("{"):                         # else the simulator's
            rows.append(json.loads(line))
        return bool(stop and rows and not rows[-1]["ok"])
    command = [tool, "seeds", str(first), str(count), "--engine", f.engine] + ["--hard"] * (f.group == "by hand")
    how, _ = watch(command, f, heard)
    if len(rows) < count and not (stop and rows and not rows[-1]["ok"]):
        rows.append({"seed": first + len(rows), "ok": False, "rule": "", "why": how or "ends too early", "died": True})
    return rows


def hazards(f) -> list:
    """What nic_hazards finds first, as a seed's result."""
    how, said = watch([HAZARDS, "--stop"], f, lambda line: False)
    fail = re.search(r"^FAIL [^\n]*", said, re.M)
    rule = re.search(r"DIFFERENCE \(([^)]*)\)", said)
    why = rule.group(1) if rule else how or "octets, or how flows end"
    return [{"seed": 1, "ok": not fail and not how, "rule": why, "why": fail.group() if fail else how}]


def run_seeds(tool: Path, f, first: int, count: int, stop: bool) -> list:
    rows = []
    while len(rows) < count and not (stop and rows and not rows[-1]["ok"]):
        rows += seeds_once(tool, f, first + len(rows), count - len(rows), stop)
    return rows


MONITOR = re.compile(r"the wire monitor found host \d wrong: (\S+)")


def caught_by(row: dict) -> str:
    if row["rule"]:
        return row["rule"]
    if m := MONITOR.match(row["why"]):
        return "wire monitor: " + m.group(1)
    return row["why"] if row.get("died") else "the pair: " + row["why"]


def judge(f, a) -> dict:
    drawn = f.group == "drawn"
    rows = hazards(f) if f.group == "hazards" else run_seeds(TOOL, f, 1, a.most if drawn else a.seeds, drawn)
    by = collections.Counter(caught_by(r) for r in rows if not r["ok"])
    bad = [r for r in rows if not r["ok"] and (f.group != "in the core" or caught_by(r).startswith("wire monitor"))]
    first = bad[0] if bad else {}
    return {"name": f.name, "group": f.group, "file": f.file, "line": f.line, "kind": f.kind, "was": f.was, "is": f.now,
            "seeds": len(rows), "caught": len(bad), "by": dict(by.most_common()), "first_seed": first.get("seed"),
            "steps": first.get("rule_steps") or None, "cycle": first.get("rule_cycle") or None, "frames": first.get("frames") or None}

# --- telling -------------------------------------------------------------------------------------------------------------


def shorten(was: str, now: str, width: int = 64) -> tuple:
    """Both around the place where they differ."""
    i = 0
    while i < min(len(was), len(now)) and was[i] == now[i]:
        i += 1
    lo = max(0, i - width // 3)
    return tuple(("..." if lo else "") + t[lo:lo + width] + ("..." if lo + width < len(t) else "") for t in (was, now))


def change(d: dict) -> str:
    was, now = shorten(d["was"], d["is"])
    return f"`{was}` -> `{now}`"


TITLES = {"by hand": "Made by hand", "hazards": "Made by hand, for nic_hazards", "in the core": "In the transport core, for the wire monitor", "drawn": "Drawn"}


def row_of(d: dict) -> str:
    by = ", ".join(f"{b} ({n})" if d["seeds"] > 1 else b for b, n in d["by"].items()) or "nothing"
    after = f"{d['steps']} steps" if d["steps"] else f"{d['frames']} frames" if d["frames"] else ""
    seeds = f"{d['caught']} of {d['seeds']}" if d["group"] != "drawn" else str(d["first_seed"] or f"none of {d['seeds']}")
    text = change(d).replace("|", "\\|")
    return f"| {d['name']} | {d['file']}:{d['line']} | {text} | {by[:160]} | {seeds} | {after} |"


def report(done: list, idle: list) -> str:
    lines = ["# Mutants", "", "Written by `make mutate`. After: retired events, or frames sent, in the first seed that caught it. Seeds: "
             "those that caught it of those run; of those drawn the first.", ""]
    for group, title in TITLES.items():
        part = [d for d in done if d["group"] == group]
        lines += [f"## {title}: {sum(d['caught'] > 0 for d in part)} of {len(part)} caught", "",
                  "| name | where | change | caught by | seeds | after |", "|---|---|---|---|---|---|"]
        lines += [row_of(d) for d in sorted(part, key=lambda d: d["name"])] + [""]
    alive = [d for d in done if d["group"] == "drawn" and not d["caught"]]
    if alive:
        lines += ["## What nothing caught", ""]
        lines += [f"- {d['name']}: {d.get('why') or 'not explained'}" for d in alive] + [""]
    if idle:
        lines += ["## Explained, but caught or not drawn", "", *[f"- {m}" for m in idle], ""]
    return "\n".join(lines)


def verdict(d: dict, explained: dict) -> str:
    """Empty when the mutant counts as passed, else why not."""
    if d["group"] != "drawn":
        by = " by the wire monitor" if d["group"] == "in the core" else ""
        return "" if d["caught"] >= LEAST_SEEDS * d["seeds"] else f"caught in {d['caught']} of {d['seeds']} seeds{by}"
    if d["caught"]:
        return ""
    d["why"] = explained.get((d["file"], d["was"], d["is"]), "")
    return "" if d["why"] else f"survives {d['seeds']} seeds, and nothing explains it"


def judge_all(faults: list, a) -> list:
    done, tty = [], sys.stderr.isatty()
    pool = concurrent.futures.ThreadPoolExecutor(a.jobs)
    try:
        for job in concurrent.futures.as_completed([pool.submit(judge, f, a) for f in faults]):
            done.append(job.result())
            text = f"mutate: {len(done)} of {len(faults)}, {sum(not d['caught'] for d in done)} not caught"
            if tty:
                print(f"\r{text} ", end="", file=sys.stderr, flush=True)
            elif len(done) % 20 == 0:
                print(text, file=sys.stderr, flush=True)
    finally:
        RUNS.end()
        pool.shutdown(cancel_futures=True)
        if tty:
            print("\r\033[K", end="", file=sys.stderr)
    return done


def healthy(faults: list, a) -> bool:
    """Without a fault the copy does what the NIC and the reference themselves do, and has no hazard."""
    def without(group: str):
        return rtl_faults.Fault("", "", 0, 0, "", False, 0, "", "", "", 0, group)
    if any(f.group == "hazards" for f in faults) and not (row := hazards(without("hazards"))[0])["ok"]:
        print(f"mutate: without a fault nic_hazards must pass\n  {row['why']}", file=sys.stderr)
        return False
    for group in ("by hand", "in the core"):
        none = without(group)
        ours, copy = (run_seeds(t, none, 1, a.seeds, True) for t in (ROOT / "build/lockwire", TOOL))
        for o, c in zip(ours, copy):
            if not o["ok"] or o != c:
                print(f"mutate: without a fault seed {o['seed']} must pass, and as the copy has it, too ({none.engine})\n"
                      f"  ours:     {json.dumps(o)}\n  the copy: {json.dumps(c)}", file=sys.stderr)
                return False
    return True


def collect(a) -> tuple:
    """(all faults, numbered; the texts of what they change)."""
    rtl = [p for p in sorted((ROOT / "rtl").rglob("*.*v*")) if p.suffix in (".sv", ".svh", ".vlt")]
    texts = {str(p.relative_to(ROOT)): p.read_text() for p in rtl + [ROOT / f for f in sorted({m[1] for m in mutants.IN_CORE})]}
    faults = []
    for group, made in (("by hand", mutants.BY_HAND), ("hazards", mutants.HAZARDS), ("in the core", mutants.IN_CORE)):
        faults += [rtl_faults.by_hand(texts, group, *m) for m in made]
    drawn = {n: t for n, t in texts.items() if n.startswith(DRAWN_FROM) and n.endswith(".sv") and n not in NOT_BUILT}
    faults += rtl_faults.draw(drawn, a.seed, a.drawn)
    for number, f in enumerate(faults, 1):
        f.number = number
    return faults, texts


def show(faults: list) -> None:
    for f in faults:
        was, now = shorten(f.was, f.now)
        print(f"{f.number:4} {f.name:32} {f.file}:{f.line}: {f.kind}\n       {was}\n       {now}")


def close(done: list, a) -> int:
    """Prints what failed and the closing line, writes the reports. The exit status."""
    entries = json.loads(SURVIVORS.read_text()) if SURVIVORS.exists() else []
    explained = {(e["file"], e["was"], e["is"]): e["why"] for e in entries}
    good = {g: 0 for g in TITLES}
    for d in sorted(done, key=lambda d: d["name"]):
        if why := verdict(d, explained):
            print(f"FAIL {d['name']} ({d['file']}:{d['line']}): {why}\n     {d['was']}\n     {d['is']}")
        good[d["group"]] += not why
    of = {g: [d for d in done if d["group"] == g] for g in TITLES}
    drawn = of["drawn"]
    caught = sum(d["caught"] > 0 for d in drawn)
    enough = a.only or caught >= LEAST_SHARE * len(drawn)
    if not enough:
        print(f"FAIL of those drawn fewer than {LEAST_SHARE:.0%} are caught")
    alive = {(d["file"], d["was"], d["is"]): d["why"] for d in drawn if not d["caught"]}
    idle = [] if a.only else [f"{k[0]}: {k[2]}" for k in explained if k not in alive]
    failed = len(done) - sum(good.values()) + (not enough)
    (OUT / "report.json").write_text(json.dumps({"passed": sum(good.values()), "failed": failed, "seed": a.seed, "mutants": done}, indent=1) + "\n")
    (OUT / "report.md").write_text(report(done, idle))
    print(f"{good['by hand']} of {len(of['by hand'])} by hand caught, {good['hazards']} of {len(of['hazards'])} by nic_hazards, {good['in the core']} of {len(of['in the core'])} in the core by the wire "
          f"monitor, {caught} of {len(drawn)} drawn; {sum(w != '' for w in alive.values())} survivors explained; {OUT.relative_to(ROOT)}/report.md")
    return 1 if failed else 0


def run(a) -> int:
    faults, texts = collect(a)
    chosen = [f for f in faults if not a.only or any(o in f.name for o in a.only)]
    if not chosen:
        print(f"mutate: no mutant's name holds {' or '.join(a.only or ['anything'])}", file=sys.stderr)
        return 2
    if a.list:
        show(chosen)
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    plant(faults, texts)
    if not build(ROOT) or not build(TREE) or not healthy(chosen, a):
        return 2
    return close(judge_all(chosen, a), a)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", metavar="NAME", action="append", help="just those whose name holds this; may be given again")
    p.add_argument("--list", action="store_true", help="show the mutants and stop")
    p.add_argument("--seeds", type=int, default=5, help="of each made by hand, hard ones (5)")
    p.add_argument("--most", type=int, default=100, help="seeds of each drawn, until the first catch (100)")
    p.add_argument("--drawn", type=int, default=100, help="how many are drawn (100)")
    p.add_argument("--seed", type=int, default=1, help="they are drawn by (1)")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    a = p.parse_args()
    stop_on_signals()
    try:
        return run(a)
    except KeyboardInterrupt:
        print("mutate: stopped", file=sys.stderr)
        return 130
    finally:
        RUNS.end()


if __name__ == "__main__":
    sys.exit(main())
