#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds dpi/tcp/RFC9293.md against code and tests: every MUST and SHOULD once, no row that names nothing or what is not there."""
import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = [f"MUST-{i}" for i in range(1, 70)] + [f"SHLD-{i}" for i in range(1, 32)]
EXCUSE = re.compile(r"not here: .{5,}")


def functions(name: str) -> set[str]:
    path = ROOT / name
    return set(re.findall(r"^[a-z][\w *]*?\b(\w+)\(", path.read_text(), re.M)) if path.is_file() else set()


def all_tests() -> set[str]:
    found = set()
    for path in [*ROOT.glob("dpi/**/*_test.c"), *ROOT.glob("scripts/live/*.py")]:
        found |= set(re.findall(r"^(?:static void|def) (test_\w+)\(", path.read_text(), re.M))
    return found


def check_row(number: str, code: str, test: str, tests: set[str]) -> list[str]:
    if EXCUSE.match(code):
        return [] if test == "–" else [f"{number}: says '{code[:8]}' and names a test"]
    wrong = []
    for place in code.split(", "):
        name, _, function = place.partition(":")
        if function not in functions(name):
            wrong.append(f"{number}: no function {function or '?'} in {name or '?'}")
    if not EXCUSE.match(test):
        wrong += [f"{number}: no test {t or '?'}" for t in test.split(", ") if t not in tests]
    return wrong


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("table", nargs="?", type=Path, default=ROOT / "dpi/tcp/RFC9293.md")
    table = p.parse_args().table
    rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in table.read_text().splitlines()
            if re.match(r"\| (MUST|SHLD)-", line)]
    tests, wrong = all_tests(), []
    wrong += [f"{n}: {k} rows" for n in NUMBERS if (k := sum(r[0] == n for r in rows)) != 1]
    for r in rows:
        wrong += [f"{r[0]}: {len(r)} columns"] if len(r) != 4 else check_row(r[0], r[2], r[3], tests)
    for line in wrong:
        print(line)
    print(f"{len(rows)} rows, {sum(r[2].startswith('not here') for r in rows if len(r) > 2)} not here, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
