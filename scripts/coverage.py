#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts by Verilator what of rtl/ is gone through: by the benches, the pair, nic_rate, nic_hazards, and
real clients where a network can be made.

The clients' counts are reported; they differ from run to run, so what is held is reached without them: a line, branch or case that is
not needs its reason in scripts/coverage_unreached.json; of no module may the share of signal bits that toggle fall more than a point
below scripts/coverage_figures.json. build/coverage/report.md has all of it, annotated/ the sources with their counts. What has not been
built anew is not run again."""
import argparse
import collections
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from params import network
from synth import load, save

UNREACHED, FIGURES = "scripts/coverage_unreached.json", "scripts/coverage_figures.json"
FALL = 1.0                              # points that a module's toggles may fall
LIVE = "live"
LIVE_GROUPS = ["brief", "echo", "hostile", "window"]


def runs(build: Path, seeds: int) -> dict:
    """name: (program that must be the same for the run to be the same, command). All but LIVE follow from their seeds."""
    lockwire = str(build / "lockwire")
    out = {
        "benches": (build / "tbv/tb", [str(build / "tbv/tb")]),
        "pair": (lockwire, ["scripts/regress.py", "--engine", "rtl", "--lockwire", lockwire, "--out", str(build / "pair"), "--memory", "0",
                            "--limit", "1800", str(seeds)]),
        "hard": (lockwire, [lockwire, "seeds", "1", str(seeds // 10), "--hard"]),
        "nic_rate": (build / "nic_rate", [str(build / "nic_rate")]),
        "hazards": (build / "nic_hazards", [str(build / "nic_hazards")]),
    }
    if network():
        out[LIVE] = (lockwire, ["scripts/netns.sh", "scripts/test_live.py", "--lockwire", lockwire, "--work", str(build / "live"), *LIVE_GROUPS])
    else:
        print("no network can be made here (scripts/netns.sh true fails): no live run", flush=True)
    return out


def run(command: list, log: Path, env: dict | None = None) -> None:
    with open(log, "w", encoding="utf-8") as f:
        status = subprocess.run(command, stdout=f, stderr=f, stdin=subprocess.DEVNULL, env=dict(os.environ, **(env or {})), check=False).returncode
    if status:
        raise RuntimeError(f"{' '.join(map(str, command[:3]))}: status {status}: see {log}")


def count(name: str, program: str, command: list, out: Path, again: bool) -> Path:
    """Runs the command, unless it ran with the same program; where its counts are."""
    merged, key, parts = out / f"{name}.dat", out / f"{name}.key", out / name
    what = hashlib.sha256(Path(program).read_bytes() + " ".join(command).encode()).hexdigest()
    if not again and merged.exists() and key.exists() and key.read_text() == what:
        print(f"   {name:10} unchanged since", flush=True)
        return merged
    key.unlink(missing_ok=True)
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    began = time.monotonic()
    run(command, out / f"{name}.log", {"LW_COVERAGE": str(parts.absolute())})
    run(["verilator_coverage", "--write", str(merged), *map(str, sorted(parts.iterdir()))], out / f"{name}.merge.log")
    shutil.rmtree(parts)
    key.write_text(what)
    print(f"   {name:10} {time.monotonic() - began:.0f} s", flush=True)
    return merged


def points(path: Path) -> tuple[collections.Counter, collections.Counter]:
    """What of rtl/ a file of Verilator counts, by place, all parameters of a module taken together: (lines, toggles)."""
    lines, toggles = collections.Counter(), collections.Counter()
    with open(path, encoding="ascii") as f:
        for row in f:
            body, _, n = row.rpartition("' ")
            at = dict(item.split("\2") for item in body.removeprefix("C '").split("\1") if item)
            if not at.get("f", "").startswith("rtl/"):
                continue
            if at["page"].startswith("v_toggle/"):
                toggles[at["f"], int(at["l"]), at["o"]] += int(n)
            else:
                lines[at["f"], int(at["l"]), int(at["n"]), at["o"]] += int(n)
    return lines, toggles


def together(runs_points) -> tuple[collections.Counter, collections.Counter]:
    lines, toggles = collections.Counter(), collections.Counter()
    for more in runs_points:
        lines.update(more[0])
        toggles.update(more[1])
    return lines, toggles


def share(values) -> tuple[int, int]:
    values = list(values)
    return sum(n > 0 for n in values), len(values)


def modules(lines: dict, toggles: dict) -> dict:
    """Of each file: lines reached, lines, toggles reached, toggles, and the signals of which no bit toggles."""
    out = {}
    for file in sorted({k[0] for k in [*lines, *toggles]}):
        signals = collections.Counter()
        for (f, _, name), n in toggles.items():
            if f == file:
                signals[name.partition("[")[0]] += n
        out[file] = {"lines": share(n for k, n in lines.items() if k[0] == file),
                     "toggles": share(n for k, n in toggles.items() if k[0] == file), "still": sorted(s for s, n in signals.items() if not n)}
    return out


def unreached(lines: dict) -> list[dict]:
    """Each point of line kind that nothing reaches, with the reason that is known."""
    why = {(e["file"], e["line"], e["kind"]): e["why"] for e in load(UNREACHED) or []}
    out = []
    for (file, line, _, kind), n in sorted(lines.items()):
        if not n:
            text = Path(file).read_text(encoding="utf-8").splitlines()[line - 1].strip()
            out.append({"file": file, "at": line, "line": text, "kind": kind, "why": why.get((file, text, kind), "")})
    return out


def percent(part: tuple[int, int]) -> float:
    return round(100 * part[0] / part[1], 1) if part[1] else 100.0


def report(rows: dict, by_run: dict, missing: list, stale: list, figures: dict) -> str:
    def line(name: str, lines: tuple, toggles: tuple, was: str = "") -> str:
        return f"| {name} | {lines[0]}/{lines[1]} | {toggles[0]}/{toggles[1]} | {percent(toggles)} | {was} |"

    def line_of(name: str, p: tuple) -> str:
        return line(name, share(p[0].values()), share(p[1].values()))

    out = ["# Coverage of rtl/", "", "Lines: basic blocks, branches (an `else` that is not written, too) and cases. Toggles: bits of signals of up to 256 bits, "
           "either way. In the last column the committed share of toggles. Modules, and what is below them: without real clients.", "",
           "| | lines | toggles | % | committed |", "|---|---:|---:|---:|---:|"]
    out += [line_of(f"by {name}", p) for name, p in by_run.items()]
    out += [line_of("**all but real clients**", together(p for name, p in by_run.items() if name != LIVE))]
    out += [line_of("**all**", together(by_run.values()))] + [line(f, r["lines"], r["toggles"], figures.get(f, "-")) for f, r in rows.items()]
    out += ["", "## Not reached", ""] + [f"- {m['file']}:{m['at']} ({m['kind']}) `{m['line']}`: {m['why'] or '**not explained**'}" for m in missing]
    if stale:
        out += ["", "## Explained, but reached", "", *[f"- {s}" for s in stale]]
    out += ["", "## Signals of which no bit toggles", ""] + [f"- {f}: {', '.join(r['still'])}" for f, r in rows.items() if r["still"]]
    return "\n".join(out) + "\n"


def judge(rows: dict, missing: list, figures: dict) -> list[str]:
    out = [f"{m['file']}:{m['at']}: nothing reaches this, and nothing in {UNREACHED} says why ({m['kind']}): {m['line']}" for m in missing if not m["why"]]
    for file, row in rows.items():
        if file not in figures:
            out.append(f"{file}: no committed share of toggles; `scripts/coverage.py --update` writes it")
        elif percent(row["toggles"]) < figures[file] - FALL:
            out.append(f"{file}: its toggles fell from {figures[file]} to {percent(row['toggles'])} %")
    return out


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default="build/coverage", help="where build, counts and report go")
    ap.add_argument("--seeds", type=int, default=100, help="of the pair; a tenth as many hard ones")
    ap.add_argument("--again", action="store_true", help="also what has not been built anew")
    ap.add_argument("--update", action="store_true", help=f"write the shares of toggles to {FIGURES}")
    a = ap.parse_args()
    out, build = Path(a.out), Path(a.out) / "build"
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print(f"   build      {out}/build.log", flush=True)
    try:
        run(["make", "--no-print-directory", "COVERAGE=1", f"B={build}", "build", *[str(build / tool) for tool in ("nic_rate", "nic_hazards", "tbv/tb")]],
            out / "build.log")
        files = {name: count(name, *how, out, a.again) for name, how in runs(build, a.seeds).items()}
        run(["verilator_coverage", "--write", str(out / "all.dat"), *map(str, files.values())], out / "merge.log")
        run(["verilator_coverage", "--annotate", str(out / "annotated"), "--annotate-all", "--annotate-min", "1", str(out / "all.dat")], out / "annotate.log")
    except RuntimeError as e:
        print(f"FAIL {e}")
        return 1
    by_run = {name: points(path) for name, path in files.items()}
    lines, toggles = together(p for name, p in by_run.items() if name != LIVE)
    rows, missing, figures = modules(lines, toggles), unreached(lines), load(FIGURES)
    if a.update:
        figures = {file: percent(row["toggles"]) for file, row in rows.items()}
        save(FIGURES, figures)
    known = {(m["file"], m["line"], m["kind"]) for m in missing}
    stale = [f"{e['file']}: {e['line']} ({e['kind']})" for e in load(UNREACHED) or [] if (e["file"], e["line"], e["kind"]) not in known]
    save(str(out / "report.json"), {"modules": rows, "unreached": missing, "stale": stale})
    (out / "report.md").write_text(report(rows, by_run, missing, stale, figures), encoding="utf-8")
    faults = judge(rows, missing, figures)
    for text in [f"stale: reached, but {UNREACHED} says why not: {s}" for s in stale] + [f"FAIL {f}" for f in faults]:
        print(text)
    reached, total = share(lines.values())
    print(f"{reached} of {total} lines, {percent(share(toggles.values()))} % of toggles; {len(missing)} not reached, {len(faults)} faults; "
          f"{out}/report.md; {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
