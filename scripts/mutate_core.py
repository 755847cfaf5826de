#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the transport core in many small ways and shows which of them the tests notice.

A fault is one changed token, constant, condition or a dropped statement in dpi/tcp/core/*.c, chosen by seed. Each is compiled
and run against the core's unit tests and ref_test, and what these let through against seeds of the pair. Results go to
build/mutate/mutants.json, where a broken-off run goes on. Survivors that change nothing a test could see are explained in
dpi/tcp/core/README.md.
"""
import argparse
import concurrent.futures
import hashlib
import json
import random
import re
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/mutate"
SOURCES = ["dpi/tcp/core/intervals.c", "dpi/tcp/core/rcv.c", "dpi/tcp/core/snd.c", "dpi/tcp/core/cc.c", "dpi/tcp/core/cubic.c", "dpi/tcp/core/ecn.c"]
REST = ["dpi/tcp/ref.c", "dpi/tcp/segment.c", "dpi/net/eth.c", "dpi/net/ipv4.c", "dpi/net/tuple.c", "dpi/base/rng.c",
        "dpi/base/recq.c", "dpi/base/blob.c", "dpi/base/timers.c", "dpi/base/cksum.c", "dpi/base/siphash.c"]
TESTS = ["dpi/tcp/core/intervals_test.c", "dpi/tcp/core/rcv_test.c", "dpi/tcp/core/rcv_full_test.c", "dpi/tcp/core/snd_test.c",
         "dpi/tcp/core/snd_full_test.c", "dpi/tcp/core/cubic_test.c", "dpi/tcp/core/ecn_test.c", "dpi/tcp/core/loop_test.c", "dpi/tcp/ref_test.c"]
PAIR = ["sim/tools/pair_seeds.c", "sim/seeds.c", "sim/pair.c", "sim/recording.c", "sim/stranger.c", "sim/load.c", "sim/endpoint.c", "sim/carrier_ref.c"]
CFLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-w", f"-I{ROOT}/dpi", f"-I{ROOT}/build/gen"]
TEST_SECONDS = 30
PAIR_SECONDS = 300
PAIR_BYTES = 2000000000    # of address space: a fault may have it allocate for ever

# What a token may become. Longer ones first, so that `<<` is not taken for `<`.
SWAPS = {
    "<<": [">>"], ">>": ["<<"], "<=": ["<"], ">=": [">"], "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"],
    "++": ["--"], "--": ["++"], "+=": ["-=", "="], "-=": ["+="], "|=": ["="], "<": ["<="], ">": [">="], "+": ["-"], "-": ["+"],
    "*": ["/"], "/": ["*"], "!": [""], "true": ["false"], "false": ["true"],
    "seq_lt": ["seq_leq"], "seq_leq": ["seq_lt"], "seq_min": ["seq_max"], "seq_max": ["seq_min"],
    "min_u32": ["max_u32"], "max_u32": ["min_u32"],
}
TOKEN = re.compile(r"->|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|\+=|-=|\|=|[A-Za-z_]\w*|\d\w*|[<>+\-*/!]")


def blank_comments(text: str) -> str:
    """The text with comments and preprocessor lines as blanks, so that places stay what they are."""
    blank = lambda m: " " * len(m.group())
    return re.sub(r'"[^"\n]*"', blank, re.sub(r"^#.*$", blank, re.sub(r"//[^\n]*", blank, text), flags=re.M))


def token_faults(code: str):
    """(start, end, replacement) of each changed token inside a function body or constant."""
    for m in TOKEN.finditer(code):
        t, before, after = m.group(), code[:m.start()].rstrip()[-1:], code[m.end():m.end() + 1]
        if t in ("*", "-", "+", "<", ">") and (after != " " or not code[m.start() - 1].isspace()):
            continue                                    # a pointer, a sign
        for new in SWAPS.get(t, []):
            yield m.start(), m.end(), new, f"{t} -> {new or 'nothing'}"
        if re.fullmatch(r"\d+", t) and before != "[":
            for new in (int(t) + 1, int(t) - 1):
                if new >= 0:
                    yield m.start(), m.end(), str(new), f"{t} -> {new}"


def statement_faults(code: str):
    """Conditions turned round, and statements left out."""
    for m in re.finditer(r"\bif \(", code):
        depth, end = 1, m.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(code[end], 0)
            end += 1
        yield m.end(), end - 1, f"!({code[m.end():end - 1]})", "condition turned round"
    for m in re.finditer(r"^ +((?:if \([^\n]*\) |else )?)([a-z][\w>.\-]*(?:\([^;\n]*\)| [|+\-]?= [^;\n]*|\+\+|--));", code, re.M):
        if not re.match(r"(return|struct|bool|u?int|unsigned)", m.group(2)):
            yield m.start(2), m.end(2), "", "statement dropped"


def all_faults(name: str):
    text = (ROOT / name).read_text()
    code = blank_comments(text)
    seen = set()
    for start, end, new, kind in [*token_faults(code), *statement_faults(code)]:
        line = text.count("\n", 0, start)
        if (start, end, new) in seen or text.splitlines()[line].startswith(("static const", "enum {")):
            continue
        seen.add((start, end, new))
        mutated = text[:start] + new + text[end:]
        yield {"file": name, "line": line + 1, "kind": kind, "was": text.splitlines()[line].strip(),
               "is": " ".join(mutated[mutated.rfind("\n", 0, start) + 1:].split("\n", 1)[0].split()), "text": mutated}


def run(cmd, seconds=120, **kw):
    """Exit status; a hanging program is stopped and counts as failed."""
    try:
        return subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds, **kw).returncode
    except subprocess.TimeoutExpired:
        return -1


def compile_c(source: Path, obj: Path) -> bool:
    obj.parent.mkdir(parents=True, exist_ok=True)
    return run(["gcc", *CFLAGS, "-c", "-o", obj, source]) == 0


def object_of(name: str) -> Path:
    return OUT / "obj" / (name.replace("/", "_") + ".o")


def fingerprint() -> str:
    h = hashlib.sha256()
    for name in [*SOURCES, *REST, *TESTS, *PAIR, "dpi/tcp/core/core.h", "scripts/mutate_core.py"]:
        h.update((ROOT / name).read_bytes())
    return h.hexdigest()


def code_bytes(obj: Path, scratch: Path) -> bytes:
    run(["objcopy", "-O", "binary", "--only-section=.text*", "--only-section=.rodata*", obj, scratch])
    return scratch.read_bytes()


def pair_notices(obj: Path, box: Path, seeds: int) -> bool:
    # The broken object comes first, so that its healthy twin stays in the archive.
    rest = [ROOT / "build/obj" / name.replace(".c", ".o") for name in PAIR]
    if run(["gcc", "-o", box / "pair", obj, *rest, ROOT / "build/libdpi.a", "-lz"]) != 0:
        raise SystemExit(f"the pair does not link with {obj}")
    return run(["prlimit", f"--as={PAIR_BYTES}", box / "pair", "1", str(seeds)], PAIR_SECONDS) != 0


def try_fault(fault, seeds):
    """'unbuildable', 'same code', 'survived', or the name of what caught it."""
    box = OUT / "box" / str(threading.get_ident())
    box.mkdir(parents=True, exist_ok=True)
    source, obj = box / "mutant.c", box / "mutant.o"
    source.write_text(fault["text"])
    if not compile_c(source, obj):
        return "unbuildable"
    if code_bytes(obj, box / "a.bin") == code_bytes(object_of(fault["file"]), box / "b.bin"):
        return "same code"
    core = [obj if s == fault["file"] else object_of(s) for s in SOURCES]
    for test in TESTS:
        program = box / "test"
        rest = [object_of(s) for s in REST if test.endswith("ref_test.c") or "rng" in s]
        if run(["gcc", "-o", program, object_of(test), *core, *rest, "-lcmocka", "-lm"]) != 0:
            return "unbuildable"
        if run([program], TEST_SECONDS) != 0:
            return Path(test).stem
    return "pair" if seeds and pair_notices(obj, box, seeds) else "survived"


def report(done) -> int:
    counted = [d for d in done if d["result"] not in ("unbuildable", "same code")]
    alive = [d for d in counted if d["result"] == "survived"]
    for d in sorted(alive, key=lambda d: (d["file"], d["line"])):
        print(f"{d['file']}:{d['line']}: {d['kind']}\n    was  {d['was']}\n    is   {d['is']}")
    by = {}
    for d in counted:
        by[d["result"]] = by.get(d["result"], 0) + 1
    for name, n in sorted(by.items(), key=lambda x: -x[1]):
        print(f"{n:5} {name}")
    print(f"caught {len(counted) - len(alive)} of {len(counted)}")
    return len(counted) - len(alive)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("-n", type=int, default=200, help="faults to try (200)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--least", type=float, default=0.9, help="share that must be caught, else exit status 1 (0.9)")
    p.add_argument("--pair", type=int, default=300, metavar="N", help="seeds of the pair for what the tests let through (300; 0: none)")
    p.add_argument("--fresh", action="store_true", help="forget results of an earlier run")
    a = p.parse_args()
    if run(["make", "-C", ROOT, "build/gen/nic_layout.h", "build/libdpi.a",
            *("build/obj/" + name.replace(".c", ".o") for name in PAIR)], 600) != 0:
        print("make fails", file=sys.stderr)
        return 2
    for name in [*SOURCES, *REST, *TESTS]:
        if not compile_c(ROOT / name, object_of(name)):
            print(f"{name} does not compile", file=sys.stderr)
            return 2
    healthy = {"file": SOURCES[0], "text": (ROOT / SOURCES[0]).read_text() + "\nint mutant_none;\nint mutant_f(void) { return 1; }\n"}
    if (verdict := try_fault(healthy, a.pair)) != "survived":
        print(f"the tests fail without a fault: {verdict}", file=sys.stderr)
        return 2

    faults = [f for name in SOURCES for f in all_faults(name)]
    random.Random(a.seed).shuffle(faults)
    path = OUT / "mutants.json"
    state = json.loads(path.read_text()) if path.exists() and not a.fresh else {}
    if state.get("fingerprint") != fingerprint() or state.get("pair") != a.pair:
        state = {"fingerprint": fingerprint(), "pair": a.pair, "done": {}}
    lock, todo, good = threading.Lock(), iter(faults), [0]

    def key(f):
        return f"{f['file']}:{hashlib.sha256(f['text'].encode()).hexdigest()[:16]}"

    order = []

    def work():
        while True:
            with lock:
                f = next(todo, None) if good[0] < a.n else None
                if f is None:
                    return
                good[0] += 1
                order.append(key(f))
                known = state["done"].get(key(f))
            result = known["result"] if known else try_fault(f, a.pair)
            with lock:
                state["done"][key(f)] = {k: v for k, v in f.items() if k != "text"} | {"result": result}
                if result in ("unbuildable", "same code"):
                    good[0] -= 1
                if not known:
                    path.write_text(json.dumps(state, indent=1))
                print(f"\r{good[0]} of {a.n}", end="", file=sys.stderr, flush=True)

    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for w in [pool.submit(work) for _ in range(a.jobs)]:
            w.result()
    print(file=sys.stderr)
    done = [state["done"][k] for k in order]
    counted = sum(d["result"] not in ("unbuildable", "same code") for d in done)
    print(f"{len(faults)} faults possible, {counted} tried")
    return 0 if report(done) >= a.least * counted else 1


if __name__ == "__main__":
    sys.exit(main())
