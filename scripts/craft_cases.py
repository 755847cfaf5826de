#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the crafted cases of pcaps/ (capture, paragraph, options) from their scripts in scripts/craft/, or checks that they are what is there."""
import argparse
import importlib
import sys
from pathlib import Path

import craft
from craft.talk import Capture

MODULES = ("handshake", "order", "resets", "closing", "windows", "options", "links")


def files(case) -> dict[str, bytes]:
    c = Capture()
    case.build(c)
    out = {"in.pcap": craft.pcap(c.frames), "why.md": case.why.encode()}
    if case.args:
        out["args"] = (case.args + "\n").encode()
    return out


def differs(folder: Path, name: str, want: bytes) -> bool:
    f = folder / name
    return not f.exists() or f.read_bytes() != want


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--pcaps", type=Path, default=Path("pcaps"))
    ap.add_argument("--check", action="store_true", help="write nothing: status 1 when a committed file is not what its script makes")
    ap.add_argument("--list", action="store_true", help="the cases' names")
    ap.add_argument("cases", nargs="*", help="(default: all)")
    a = ap.parse_args()
    for m in MODULES:
        importlib.import_module(f"craft.{m}")
    if unknown := set(a.cases) - set(craft.CASES):
        ap.error(f"no case called {unknown.pop()}")
    if a.list:
        print(*craft.CASES, sep="\n")
        return 0
    stale = []
    for name, case in craft.CASES.items():
        if a.cases and name not in a.cases:
            continue
        folder = a.pcaps / name
        want = files(case)
        changed = [f for f, data in want.items() if differs(folder, f, data)]
        changed += [f for f in ("args",) if f not in want and (folder / f).exists()]
        stale += [f"{name}/{f}" for f in changed]
        if a.check or not changed:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for f in changed:
            (folder / f).write_bytes(want[f]) if f in want else (folder / f).unlink()
    for f in stale:
        print(f"{'not what its script makes' if a.check else 'written'}: {a.pcaps / f}")
    return 1 if a.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
