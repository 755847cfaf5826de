#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the NIC with other parameters and holds each build against the same tests: seeds of the pair under checker and wire monitor,
nic_rate and nic_hazards under the checker, and a short live run where a network can be made.

Eight builds: the smallest, the default, and six found by search to bring as many pairs of values together as eight builds can reach
(--list says which are missing). What passed is not run again until the build differs; --again runs all."""
import argparse
import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

# Parameter, make variable, values: the ends, and what lies between.
PARAMETERS = [
    ("flows", "NUM_FLOWS", (16, 64, 1024, 4096)),
    ("width", "DATA_W", (64, 128, 256, 512)),
    ("tx_ring", "TX_BUF", (4096, 32768, 262144)),
    ("rx_ring", "RX_BUF", (4096, 32768, 262144)),
    ("cc", "CONGESTION", (0, 1, 2, 3)),
]
BUILDS = {
    "smallest": (16, 64, 4096, 4096, 0),
    "default": (64, 512, 32768, 32768, 2),
    "flows4096-w128": (4096, 128, 32768, 4096, 1),
    "flows1024-w256": (1024, 256, 32768, 262144, 0),
    "flows4096-w256": (4096, 256, 4096, 32768, 3),
    "flows1024-w64": (1024, 64, 262144, 32768, 1),
    "flows64-w512": (64, 512, 4096, 262144, 1),
    "flows16-w128": (16, 128, 262144, 262144, 3),
}

TOOLS = ("nic_rate", "nic_hazards")


def pairs(build: tuple) -> set:
    return set(itertools.combinations(zip((p[0] for p in PARAMETERS), build), 2))


def list_builds() -> None:
    """The builds, and of each two parameters the pairs of values that no build has."""
    for name, build in BUILDS.items():
        print(f"{name:16}", *(f"{v}={x}" for (_, v, _), x in zip(PARAMETERS, build)))
    met = set().union(*map(pairs, BUILDS.values()))
    wanted = set().union(*map(pairs, itertools.product(*(p[2] for p in PARAMETERS))))
    print(f"{len(met & wanted)} of {len(wanted)} pairs of values meet in a build. Those that do not:")
    for (a, _, xs), (b, _, ys) in itertools.combinations(PARAMETERS, 2):
        missing = [f"{x}/{y}" for x in xs for y in ys if ((a, x), (b, y)) not in met]
        print(f"  {a}/{b}: {' '.join(missing) or 'none'}")


class Build:
    """One build and its tests; each step returns what goes into the table, and raises when it fails."""

    def __init__(self, name: str, a: argparse.Namespace):
        self.name, self.seeds, self.hazard, self.live = name, a.seeds, a.hazards, a.live
        self.folder = Path(a.out) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"

    def run(self, *command: str, env: dict | None = None) -> str:
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            p = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True, check=False,
                               env=dict(os.environ, **(env or {})))
            log.write(p.stdout)
        if p.returncode:
            said = p.stdout.splitlines() or [""]
            why = next((line for line in said if line.startswith("FAIL")), said[0])
            raise RuntimeError(f"{' '.join(command[:4])}: status {p.returncode}: {why[:200]}")
        return p.stdout

    def make(self) -> str:
        """The build itself; what identifies it."""
        self.log.unlink(missing_ok=True)
        variables = [f"{v}={x}" for (_, v, _), x in zip(PARAMETERS, BUILDS[self.name])]
        self.run("make", "--no-print-directory", f"B={self.folder}", *variables, "build", *(str(self.folder / t) for t in TOOLS))
        digest = hashlib.sha256()
        for tool in ("lockwire", *TOOLS):
            digest.update((self.folder / tool).read_bytes())
        return digest.hexdigest()

    def pair(self) -> dict:
        self.run("scripts/regress.py", "--engine", "rtl", "--lockwire", str(self.folder / "lockwire"), "--out", str(self.folder / "pair"),
                 "--memory", "0", "--limit", "600", str(self.seeds))
        report = json.loads((self.folder / "pair" / "report.json").read_text())
        return {"seeds": report["passed"], "frames": report["sums"]["frames"]}

    def rate(self) -> dict:
        """Of the least frames on all flows, both ways at once."""
        rows = json.loads(self.run(str(self.folder / "nic_rate"), "--json"))
        flows = BUILDS[self.name][0]
        row = next(r for r in rows if r.get("way") == "both" and r["flows"] == flows and r["frame_bytes"] == 64)
        if not row["segments_in"] or not row["segments_out"]:
            raise RuntimeError("nic_rate: nothing moves")
        return {"in": row["segments_in"], "out": row["segments_out"]}

    def hazards(self) -> dict:
        out = self.run(str(self.folder / "nic_hazards"), *(["--state", self.hazard] if self.hazard else []))
        return {"hazards": int(out.splitlines()[-1].split()[0])}

    def brief(self) -> dict:
        out = self.run("scripts/netns.sh", "scripts/test_live.py", "--lockwire", str(self.folder / "lockwire"),
                       "--work", str(self.folder / "live"), "brief", env={"LW_NUM_FLOWS": str(BUILDS[self.name][0])})
        return {"live": int(out.splitlines()[-1].split()[0])}

    def test(self) -> dict:
        """All of them, in order."""
        row = self.pair() | self.rate() | self.hazards()
        return row | self.brief() if self.live else row


def network() -> bool:
    """Whether one can be made here."""
    return subprocess.run(["scripts/netns.sh", "true"], capture_output=True, check=False).returncode == 0


def show(name: str, row: dict) -> None:
    values = " | ".join(str(x) for x in BUILDS[name])
    figures = " | ".join(str(row.get(k, "-")) for k in ("seeds", "frames", "in", "out", "hazards", "live", "seconds"))
    print(f"| {name} | {values} | {figures} | {'ok' if row['passed'] else 'FAIL ' + row['why']} |", flush=True)


def one(name: str, a: argparse.Namespace, book: dict) -> dict:
    began, build, row = time.monotonic(), Build(name, a), {"passed": False}
    try:
        what = [build.make(), a.seeds, a.hazards, a.live]
        if not a.again and book.get(name, {}).get("passed") and book[name].get("what") == what:
            return book[name]
        row = {"what": what} | build.test() | {"passed": True}
    except RuntimeError as e:
        row["why"] = f"{e} ({build.log})"
    return row | {"seconds": round(time.monotonic() - began)}


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default="build/params", help="where builds, logs and report.json go")
    ap.add_argument("--seeds", type=int, default=60, help="of the pair, each build")
    ap.add_argument("--hazards", metavar="STATE", help="only this state of nic_hazards (default: all)")
    ap.add_argument("--again", action="store_true", help="also what passed with the same build")
    ap.add_argument("--list", action="store_true", help="the builds, and the pairs of values that they leave out")
    ap.add_argument("builds", nargs="*", metavar="BUILD", help=f"of {', '.join(BUILDS)} (default: all)")
    a = ap.parse_args()
    unknown = [b for b in a.builds if b not in BUILDS]
    if unknown:
        ap.error(f"no build called {unknown[0]}")
    if a.list:
        list_builds()
        return 0
    a.live = network()
    if not a.live:
        print("no network can be made here (scripts/netns.sh true fails): no live runs", flush=True)
    report = Path(a.out) / "report.json"
    book = json.loads(report.read_text()) if report.exists() else {}
    print(f"| build | {' | '.join(p[0] for p in PARAMETERS)} | seeds | frames | segments in | out (a cycle) | hazards | live tests | s | |")
    print(f"|{'---|' * (len(PARAMETERS) + 9)}")
    names = [b for b in BUILDS if not a.builds or b in a.builds]
    for name in names:
        book[name] = one(name, a, book)
        Path(a.out).mkdir(parents=True, exist_ok=True)
        part = report.with_suffix(".part")   # whole or not at all, should we be killed
        part.write_text(json.dumps(book, indent=1) + "\n", encoding="ascii")
        part.replace(report)
        show(name, book[name])
    failed = sum(not book[n]["passed"] for n in names)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
