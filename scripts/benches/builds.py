# SPDX-License-Identifier: Apache-2.0
"""How long builds take, in a copy of the tree with a ccache of its own: from nothing, after a change in a C file, after one of a line of the RTL."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from benches.common import CHECKED, ROOT, Bench, Job, output
from testing import Fail

NAME, LIVE, NEEDS = "builds", False, ()
CLEAN, C_FILE, RTL_LINE = "build from nothing", "build after a C file", "build after a line of RTL"
FIGURES = {CLEAN: "s", C_FILE: "s", RTL_LINE: "s"}
MOST_RUNS = 3
CHANGED_C = "dpi/tcp/core/snd.c"     # of those that the most is made from
CHANGED_RTL = "rtl/tx/dd_next.sv"


def copy_tree(to: Path) -> None:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0")
    for name in map(os.fsdecode, filter(None, names)):
        if not name.startswith("pcaps/") and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def build_seconds(tree: Path, **env: str) -> float:
    # Nothing of the make that may have started us.
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CCACHE_DISABLE")}
    began = time.monotonic()
    output("make", "--no-print-directory", "-C", str(tree), f"-j{len(os.sched_getaffinity(0))}", "build", seconds=3600,
           env=clean | {"CCACHE_DIR": str(tree / "ccache")} | env)
    return time.monotonic() - began


def change(file: Path, pattern: str, to: str) -> None:
    text, n = re.subn(pattern, to, file.read_text(encoding="ascii"), count=1)
    if not n:
        raise Fail(f"{file} has no {pattern}")
    file.write_text(text, encoding="ascii")


def measure(b: Bench) -> dict[str, float]:
    tree = b.work / "tree"
    copy_tree(tree)
    try:
        f = {CLEAN: build_seconds(tree)}     # its ccache is empty
        change(tree / CHANGED_C, r"\Z", "// changed\n")
        f[C_FILE] = build_seconds(tree, CCACHE_DISABLE="1")
        change(tree / CHANGED_RTL, r"\bseq_lt\(", "seq_leq(")
        f[RTL_LINE] = build_seconds(tree)
    finally:
        shutil.rmtree(tree)
    return f


def jobs(b: Bench) -> list[Job]:
    return [] if b.quick else [Job(CHECKED, "builds", lambda: measure(b), MOST_RUNS)]
