#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every case of pcaps/: its capture is replayed to the NIC under checker and wire monitor, and to the reference, and what comes out is held
against expect.txt. Ends with `N passed, M failed`."""
import argparse
import concurrent.futures
import difflib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from processes import WITH_US

ENGINES = ("rtl", "ref")
PARTS = ("frames", "connections", "counters")
TOPICS = {
    "ack": "acknowledgements of ours", "arp": "ARP", "close": "how connections end", "drop": "what the parser drops", "icmp": "ICMP",
    "ip": "IPv4: addresses, options, fragments", "keep": "keep-alives", "loss": "what of ours is lost on the way", "opt": "TCP options of every length",
    "order": "data in every order and overlap", "real": "recorded from real clients", "rfc5961": "blind attacks", "rst": "resets",
    "seq": "where sequence numbers wrap", "syn": "how connections begin", "time": "TIME-WAIT", "ts": "time stamps", "udp": "UDP",
    "urg": "urgent data", "vlan": "VLANs", "win": "the peer's window",
}
# Counters that no capture can reach, and why. All others of drops, segments, slow ways and stack must be reached by a case.
UNREACHED = {
    "stack.arp_no_answer": "the peers of a replay answer ARP for every address",
    "stack.arp_dropped": "the same",
    "stack.ping_out": "pings of our own programs; the played one has none",
    "stack.ping_in": "the same",
    "stack.ping_queue_full": "the same",
    "stack.udp_in": "datagrams to our own programs; the played one has none",
    "stack.udp_out": "the same",
    "stack.udp_queue_full": "the same",
    "stack.other_ethertype": "a replay leaves out what is neither IPv4 nor ARP",
    "stack.tcp_backlog_full": "the played program accepts at once",
    "stack.tcp_policy_refused": "a policy is a program's, and the played one has none",
    "stack.orphan_timeout": "the played program shuts down its half and stays, so no connection is without a program",
    "stack.handover_dropped": "64 frames of one connection in the few cycles of its opening; handover_test has it",
    "stack.time_wait_recycled": "more than 4096 connections in TIME-WAIT; end_test has it",
    "stack.out_dropped": "the wire of a replay takes everything",
}
# What RFC 5961 tells apart: the case that has it, and what the NIC counts there.
BRANCHES = {
    "RST at exactly RCV.NXT": ("rst-exact", "segments.reset 1"),
    "RST inside the window": ("rst-in-window", "segments.challenged 3"),
    "RST outside the window": ("rst-outside", "segments.stray_reset 4"),
    "RST, challenges limited": ("rst-challenge-limit", "segments.challenged 101"),
    "SYN inside the window": ("rfc5961-syn-in-window", "segments.challenged 2"),
    "SYN outside the window": ("rfc5961-syn-outside", "segments.challenged 1"),
    "ACK of what was never sent": ("rfc5961-ack-beyond", "segments.challenged 3"),
    "ACK older than any window": ("rfc5961-ack-too-old", "segments.challenged 2"),
    "old ACK that may be": ("rfc5961-ack-old-but-plausible", "segments.accepted 5"),
}
BEGIN, END = "<!-- cases: written by make golden -->", "<!-- end of cases -->"


# --- a case and what came of it -----------------------------------------------------------------------------------------

def parts_of(text: str) -> dict[str, str]:
    """What `lockwire replay --text` writes, apart."""
    found = re.split(r"^--\n", text, flags=re.M)
    return dict(zip(PARTS, found + [""] * (len(PARTS) - len(found))))


def render(got: dict[str, dict[str, str]]) -> str:
    """Both engines' parts as expect.txt has them: once where they are the same."""
    out = []
    for part in PARTS:
        texts = {e: got[e][part] for e in ENGINES}
        same = len(set(texts.values())) == 1
        for name, text in [(" and ".join(ENGINES), texts[ENGINES[0]])] if same else texts.items():
            out.append(f"== {part}, {name}\n{text}")
    return "".join(out)


def parse(text: str) -> dict[str, dict[str, str]]:
    """The other way round. A part that is missing is None."""
    want: dict = {e: dict.fromkeys(PARTS) for e in ENGINES}
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, _, body = block.partition("\n")
        part, _, engines = head.partition(", ")
        for e in engines.split(" and "):
            if e in want and part in PARTS:
                want[e][part] = body
    return want


def difference(want: str, got: dict[str, dict[str, str]]) -> list[str]:
    """Lines of a unified diff, none when all is as expected."""
    expected, out = parse(want), []
    for e in ENGINES:
        for part in PARTS:
            if expected[e][part] != got[e][part]:
                old, new = (expected[e][part] or "").splitlines(), got[e][part].splitlines()
                out += difflib.unified_diff(old, new, f"{part}, {e}: expected", f"{part}, {e}: came", lineterm="", n=2)
    return out or ([] if want == render(got) else ["expect.txt has more in it than that"])


class Case:
    def __init__(self, folder: Path):
        self.folder, self.name = folder, folder.name
        self.got: dict[str, dict[str, str]] = {}
        self.wrong: list[str] = []
        self.seconds = 0.0

    @property
    def expect(self) -> Path:
        return self.folder / "expect.txt"

    def args(self) -> list[str]:
        f = self.folder / "args"
        return f.read_text().split() if f.exists() else []

    def why(self) -> str:
        f = self.folder / "why.md"
        return f.read_text(encoding="utf-8").strip() if f.exists() else ""

    def run(self, lockwire: str, out: Path) -> None:
        began = time.monotonic()
        for e in ENGINES:
            text = out / f"{self.name}.{e}.txt"
            text.unlink(missing_ok=True)
            cmd = [*WITH_US, lockwire, "replay", str(self.folder / "in.pcap"), *self.args(), "--engine", e, "--text", str(text)]
            try:
                r = subprocess.run(cmd, capture_output=True, text=True, timeout=60)
                if r.returncode:
                    said = (r.stdout + r.stderr).strip().splitlines()
                    self.wrong.append(f"{e}: status {r.returncode}: {' / '.join(said[-3:])}")
            except subprocess.TimeoutExpired:
                self.wrong.append(f"{e}: not at its end after 60 s")
            self.got[e] = parts_of(text.read_text(encoding="utf-8", errors="replace") if text.exists() else "")
        self.seconds = time.monotonic() - began

    def judge(self) -> None:
        if not self.why():
            self.wrong.append("no why.md: what it shows, and why it is kept")
        if not self.expect.exists():
            self.wrong.append("no expect.txt: read what came, then make golden")
        else:
            self.wrong += difference(self.expect.read_text(encoding="utf-8"), self.got)

    def update(self) -> None:
        new, old = render(self.got), self.expect.read_text(encoding="utf-8") if self.expect.exists() else ""
        if new == old or any("status" in w or "its end" in w for w in self.wrong):
            return
        print(f"-- {self.name}")
        if old:
            print(*difflib.unified_diff(old.splitlines(), new.splitlines(), "was", "is", lineterm="", n=2), sep="\n")
        else:
            print(new, end="")
        self.expect.write_text(new, encoding="utf-8")


# --- the self-test -------------------------------------------------------------------------------------------------------

def another_number(rng, line):
    found = [m for m in re.finditer(r"\d+", line)]
    m = rng.choice(found)
    return line[:m.start()] + str(int(m[0]) + rng.choice((1, 10))) + line[m.end():]


def another_flag(rng, line):
    m = re.search(r"\[([FSRP.UEW]*)\]", line)
    other = rng.choice([f for f in ("S", "S.", "F.", "R", "R.", ".", "P.", "") if f != m[1]])
    return f"{line[:m.start()]}[{other}]{line[m.end():]}"


# kind: the part in which it is done, what a line must have for it, what becomes of the line.
KINDS = {
    "a number": ("frames", r"\d", another_number),
    "a flag": ("frames", r"\[[FSRP.UEW]*\]", another_flag),
    "a connection's figure": ("connections", r"\d", another_number),
    "a counter": ("counters", r" \d+$", another_number),
    "a line dropped": (None, r"", lambda rng, line: None),
    "a line added": (None, r"", lambda rng, line: f"{line}\n{line}"),
}


def perturbed(text: str, kind: str, rng) -> str | None:
    """The expectation with one thing in it changed; None when it has no such thing."""
    part, needs, change = KINDS[kind]
    lines, inside, places = text.splitlines(), "", []
    for i, line in enumerate(lines):
        if line.startswith("== "):
            inside = line[3:].partition(",")[0]
        elif (part is None or inside == part) and re.search(needs, line):
            places.append(i)
    if not places:
        return None
    i = rng.choice(places)
    new = change(rng, lines[i])
    return "\n".join(lines[:i] + ([] if new is None else [new]) + lines[i + 1:]) + "\n"


def self_test(cases: list[Case]) -> tuple[int, list[str]]:
    """Each case's expectation, perturbed in each way, must be told from what came."""
    tried, missed = 0, []
    for c in cases:
        if c.wrong or not c.expect.exists():
            continue
        text = c.expect.read_text(encoding="utf-8")
        rng = random.Random(c.name)
        for kind in KINDS:
            bad = perturbed(text, kind, rng)
            if bad is None:
                continue
            tried += 1
            if not difference(bad, c.got):
                missed.append(f"{c.name}: {kind} of expect.txt can change unseen")
    return tried, missed


# --- what must be reached --------------------------------------------------------------------------------------------------

def counters_wanted(root: Path) -> list[str]:
    """By name, from the sources that name them."""
    rows = re.findall(r'^    \{"(drops|segments|frames)", "(\w+)"', (root / "sim/summary.c").read_text(), re.M)
    stack = re.findall(r'\[ST_\w+\] = "(\w+)"', (root / "dpi/sock/stack.c").read_text())
    return [f"{g}.{n}" for g, n in rows] + [f"stack.{n}" for n in stack]


def reach(cases: list[Case], root: Path) -> list[str]:
    reached: dict[str, str] = {}
    for c in cases:
        for e in ENGINES:
            for line in c.got[e]["counters"].splitlines():
                reached.setdefault(line.split()[0], c.name)
    wanted, out = counters_wanted(root), []
    out += [f"{name} is reached by no case" for name in wanted if name not in reached and name not in UNREACHED]
    out += [f"{name} is said to be out of reach, but {reached[name]} reaches it" for name in UNREACHED if name in reached]
    out += [f"{name} is no counter" for name in UNREACHED if name not in wanted]
    by_name = {c.name: c for c in cases}
    for what, (name, count) in BRANCHES.items():
        if name not in by_name or count not in by_name[name].got["rtl"]["counters"].splitlines():
            out.append(f"RFC 5961, {what}: {name} does not come to {count}")
    return out


# --- the table of pcaps/README.md --------------------------------------------------------------------------------------------

def topic(name: str) -> str:
    return TOPICS.get(name.partition("-")[0], "others")


def table(cases: list[Case]) -> str:
    out = []
    for t in sorted(set(map(topic, (c.name for c in cases))), key=str.lower):
        of = [c for c in cases if topic(c.name) == t]
        out += [f"\n**{t[0].upper()}{t[1:]}** ({len(of)})\n", "| case | what it shows |", "|---|---|"]
        for c in of:
            text = re.split(r"(?<=[^. ]{2})[.](?:\s|$)", " ".join(c.why().split()), maxsplit=1)[0].replace("|", "\\|")
            out.append(f"| `{c.name}` | {text} |")
    return "\n".join(out) + "\n\n"


def readme(cases: list[Case], pcaps: Path, update: bool) -> list[str]:
    f = pcaps / "README.md"
    text = f.read_text(encoding="utf-8") if f.exists() else ""
    head, mark, rest = text.partition(BEGIN)
    _, mark2, tail = rest.partition(END)
    if not mark or not mark2:
        return [f"{f}: the marks between which its table stands are not there"]
    new = head + BEGIN + "\n" + table(cases) + END + tail
    if new == text:
        return []
    if update:
        f.write_text(new, encoding="utf-8")
        return []
    return [f"{f}: its table is not that of the cases (make golden)"]


# --- reports -------------------------------------------------------------------------------------------------------------------

def write_reports(out: Path, cases: list[Case], whole: dict[str, list[str]]) -> None:
    rows = [(topic(c.name), c.name, c.seconds, c.wrong) for c in cases] + [("all", name, 0.0, wrong) for name, wrong in whole.items()]
    failed = sum(bool(r[3]) for r in rows)
    xml = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuite name="replay" tests="{len(rows)}" failures="{failed}">']
    for group, name, seconds, wrong in rows:
        inside = f'<failure message={quoteattr(wrong[0])}>{escape(chr(10).join(wrong))}</failure>' if wrong else ""
        xml.append(f'  <testcase classname={quoteattr(group)} name={quoteattr(name)} time="{seconds:.3f}">{inside}</testcase>')
    (out / "junit.xml").write_text("\n".join([*xml, "</testsuite>"]) + "\n", encoding="utf-8")
    report = {"passed": len(rows) - failed, "failed": failed, "cases": {n: {"topic": g, "seconds": round(s, 3), "wrong": w} for g, n, s, w in rows}}
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def tell(cases: list[Case], whole: dict[str, list[str]]) -> int:
    """The summary table, each failure, the closing line."""
    for c in cases:
        if c.wrong:
            print(f"FAIL {c.name}", *(f"     {line}" for line in c.wrong[:40]), sep="\n")
    for name, wrong in whole.items():
        if wrong:
            print(f"FAIL {name}", *(f"     {line}" for line in wrong), sep="\n")
    print(f"{'':44} {'cases':>6} {'passed':>7} {'seconds':>8}")
    for t in sorted({topic(c.name) for c in cases}, key=str.lower):
        of = [c for c in cases if topic(c.name) == t]
        print(f"{t:44} {len(of):6} {sum(not c.wrong for c in of):7} {sum(c.seconds for c in of):8.1f}")
    failed = sum(bool(c.wrong) for c in cases) + sum(bool(w) for w in whole.values())
    print(f"{len(cases) + len(whole) - failed} passed, {failed} failed")
    return failed


# --- adding one ------------------------------------------------------------------------------------------------------------------

def capture_of(run: Path) -> Path:
    """The capture that a recorded run left, or the file itself."""
    if not run.is_dir():
        return run
    if (run / "wire.pcapng").exists():
        return run / "wire.pcapng"
    parts = sorted(run.glob("wire-*.pcapng"))
    if len(parts) == 1:
        return parts[0]
    raise SystemExit(f"cases: {run}: " + ("its capture is in parts: give one of them, RUN=FILE" if parts else "no wire.pcapng in it"))


def add(a: argparse.Namespace, ap: argparse.ArgumentParser) -> int:
    if not a.name or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", a.name):
        ap.error("--name: topic-what, of small letters, digits and dashes")
    if not a.why:
        ap.error("--why: a paragraph on what it shows and why it is kept")
    folder, source = a.pcaps / a.name, capture_of(Path(a.add))
    if folder.exists():
        ap.error(f"{folder} is there already")
    if not source.is_file():
        ap.error(f"{source}: no such file")
    folder.mkdir(parents=True)
    shutil.copyfile(source, folder / "in.pcap")
    (folder / "why.md").write_text(a.why.strip() + "\n", encoding="utf-8")
    if a.args:
        (folder / "args").write_text(a.args.strip() + "\n", encoding="utf-8")
    if (folder / "in.pcap").stat().st_size > 200_000:
        print(f"cases: {folder}/in.pcap has {(folder / 'in.pcap').stat().st_size // 1000} kB; tens of them are enough for most", file=sys.stderr)
    a.cases, a.update = [a.name], True
    status = run(a)
    if not (folder / "expect.txt").exists():
        shutil.rmtree(folder)
        print(f"cases: {source} does not replay to its end: {folder} is not added", file=sys.stderr)
        readme([Case(f.parent) for f in sorted(a.pcaps.glob("*/in.pcap"))], a.pcaps, True)
    return status


# --- main ------------------------------------------------------------------------------------------------------------------------

def run(a: argparse.Namespace) -> int:
    a.out.mkdir(parents=True, exist_ok=True)
    every = [Case(f.parent) for f in sorted(a.pcaps.glob("*/in.pcap"))]
    cases = [c for c in every if not a.cases or c.name in a.cases]
    if unknown := set(a.cases) - {c.name for c in cases}:
        print(f"cases: no case called {unknown.pop()} in {a.pcaps}", file=sys.stderr)
        return 2
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(lambda c: c.run(a.lockwire, a.out), cases))
    if a.update:
        for c in cases:
            c.update()
    for c in cases:
        c.judge()
    whole = {"pcaps/README.md": readme(every, a.pcaps, a.update)}
    if not a.cases:
        whole["every counter and branch is reached"] = reach(cases, a.root)
    if a.perturb:
        tried, missed = self_test(cases)
        whole["perturbed expectations are seen"] = missed or ([] if tried else ["nothing was perturbed"])
        print(f"{tried} expectations perturbed, {tried - len(missed)} seen")
    write_reports(a.out, cases, whole)
    return 1 if tell(cases, whole) else 0


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--lockwire", default="build/lockwire")
    ap.add_argument("--pcaps", type=Path, default=Path("pcaps"))
    ap.add_argument("--root", type=Path, default=Path("."), help="of the source tree, in which counters have their names")
    ap.add_argument("--out", type=Path, default=Path("build/replay"), help="where the texts, junit.xml and report.json go")
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    ap.add_argument("--update", action="store_true", help="write expect.txt anew and show the difference")
    ap.add_argument("--perturb", action="store_true", help="the self-test: change each expectation in several ways, and see each found")
    ap.add_argument("--add", metavar="RUN", help="a new case from a recorded run's directory or a capture, with --name, --why and perhaps --args")
    ap.add_argument("--name")
    ap.add_argument("--why")
    ap.add_argument("--args", help="options that its replay needs")
    ap.add_argument("cases", nargs="*", help="(default: all)")
    a = ap.parse_args()
    return add(a, ap) if a.add else run(a)


if __name__ == "__main__":
    sys.exit(main())
