#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What replay --events writes agrees with the wire, and the report's page has what the recording has."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("MPLCONFIGDIR", str(ROOT / "build/matplotlib"))
import matplotlib.image  # noqa: E402

import report_blame  # noqa: E402
import report_page  # noqa: E402
import report_tables  # noqa: E402
from report_data import ACK, SYN, FrameName, Run, Unreadable, ip_text, rel, wires  # noqa: E402
from testing import Fail, expect, run_tests, tests_of  # noqa: E402

SEED = 4  # no forged frames, a connection each way round
SEED_OF_SEGMENTS = 2  # several, the first of them made room
MOST_BYTES = 8 << 20  # of a page


class Page(HTMLParser):
    """Its text, and what it would load."""

    VOID = {"meta", "br", "input", "link", "img", "path", "use", "rect"}

    def __init__(self, path: Path):
        super().__init__()
        self.words, self.loads, self.open, self.bad = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        self.text = " ".join(" ".join(self.words).split())
        self.bad += self.open

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loads += [v for k, v in values.items() if k in ("src", "href", "xlink:href", "data") and v and not v.startswith("#")] + [tag] * (
            tag in ("script", "iframe", "link")
        )
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.bad.append(f"/{tag}")

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


class Tests:
    def __init__(self, a: argparse.Namespace):
        self.lockwire, self.work = a.lockwire, Path(a.work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.whole = self.record("whole")

    def record(self, name: str, *options, seed: int = SEED) -> Path:
        r = subprocess.run(
            [self.lockwire, "run", "--wire", "pair", "--seed", str(seed), "--record", str(self.work / name), *options],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        expect(r.returncode == 0, f"recording: status {r.returncode}: {r.stdout[-300:]}{r.stderr[-300:]}")
        return self.work / name

    def report(self, folder: Path, *options) -> tuple[Page, str]:
        r = subprocess.run(
            [sys.executable, str(ROOT / "scripts/report.py"), str(folder), "--lockwire", self.lockwire, *map(str, options)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        expect(r.returncode == 0, f"report: status {r.returncode}: {r.stdout}{r.stderr[-600:]}")
        expect((folder / "report.html").stat().st_size < MOST_BYTES, "the page is too large")
        return Page(folder / "report.html"), (folder / "report.html").read_text(encoding="utf-8")

    def events(self, folder: Path, *options) -> list:
        path = self.work / "events.jsonl"
        r = subprocess.run(
            [self.lockwire, "replay", str(folder), "--events", str(path), *map(str, options)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        expect(r.returncode == 0, f"replay: status {r.returncode}: {r.stdout}{r.stderr}")
        return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]

    # --- the events ---

    def test_events_have_every_step_that_the_checker_compared(self):
        counts, events = json.loads((self.whole / "report.json").read_text())["checked"], self.events(self.whole)
        for name, want in (("receive", "receive_steps"), ("send", "send_steps"), ("sample", "samples")):
            got = sum(e["event"] == name for e in events)
            expect(got == counts[want], f"{got} of {counts[want]} {want}")
        expect([e["cycle"] for e in events] == sorted(e["cycle"] for e in events), "cycles go back")

    def test_events_agree_with_the_wire(self):
        run, compared = Run(self.whole, self.lockwire), 0
        for c in [c for c in run.conns if c.opened is not None]:
            left = [e for e in c.events if e["event"] == "sample" and e.get("frame")]
            sent = [f for f in c.frames if not f.rx and not f.flags & SYN and f.at > c.opened]
            ours = [((e["desc"].get("seq", 0), e["rcv"].get("nxt", 0), e["desc"].get("len", 0))) for e in left]
            expect(ours == [(f.seq, f.ack, f.pay) for f in sent][: len(ours)], f"{c.name}: what was sampled is not what left")
            *_, (last, _, ctx) = report_blame.contexts(c, "send")
            heard = max(
                (rel(f.ack, ctx["una"]) for f in c.frames if f.rx and f.flags & ACK and f.at < last["cycle"] and rel(f.ack, ctx["max"]) <= 0),
                default=0,
            )
            expect(heard == 0, f"{c.name}: the last una is {heard} octets off the last ACK")
            compared += len(ours)
        expect(compared > 300, f"{compared} frames compared")

    def test_events_of_some_cycles_are_those_of_all_between_them(self):
        every = self.events(self.whole)
        lo, hi = every[len(every) // 3]["cycle"], every[len(every) // 2]["cycle"]
        some, want = self.events(self.whole, "--from", lo, "--to", hi), [e for e in every if lo <= e["cycle"] <= hi]
        expect([{**e, "ctx": 0} for e in some] == [{**e, "ctx": 0} for e in want], "not the same")
        state: dict = {}
        for e in every:
            if "ctx" in e:
                state.setdefault((e["event"], e["flow"]), {}).update(e["ctx"])
        part: dict = {}
        for e in self.events(self.whole, "--from", lo):
            if "ctx" in e:
                part.setdefault((e["event"], e["flow"]), {}).update(e["ctx"])
        expect(part and all(state[k] == v for k, v in part.items()), "contexts differ")

    def test_usage(self):
        for args, words in (
            (("--events", "x", "--check", "off"), "needs the checker"),
            (("--events", "x", "--frame", "1"), "either --events or"),
            (("--from", "-1"), "not understood"),
            (("--to", "1x"), "not understood"),
            (("--events", "/proc/none/x"), "/proc/none/x"),
        ):
            r = subprocess.run([self.lockwire, "replay", str(self.whole), *args], capture_output=True, text=True, timeout=120, check=False)
            expect(r.returncode == 2 and r.stderr.count("\n") == 1 and words in r.stderr, f"{args}: {r.returncode} {r.stderr}")
        r = subprocess.run(
            [sys.executable, str(ROOT / "scripts/report.py"), str(self.work / "none"), "--lockwire", self.lockwire],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        expect(r.returncode == 2 and "no recording" in r.stderr, f"{r.returncode} {r.stderr}")

    # --- the page ---

    def check_page(self, page: Page) -> None:
        expect(not page.bad, f"tags do not match: {page.bad[:5]}")
        expect(not page.loads, f"it loads {page.loads[:3]}")

    def check_pictures(self, folder: Path, page: Page) -> None:
        pictures = list(folder.glob("*.png"))
        expect(len(pictures) >= 3, f"{len(pictures)} pictures")
        for p in pictures:
            pixels = matplotlib.image.imread(p)
            expect(min(pixels.shape[:2]) > 100 and pixels.std() > 0.01, f"{p.name} is empty")
            expect(p.name in page.text, f"{p.name} is not on the page")

    def test_page_has_frames_flows_and_pictures(self):
        page, text = self.report(self.whole)
        run = Run(self.whole, self.lockwire)
        self.check_page(page)
        self.check_pictures(self.whole, page)
        expect(f"{run.total['rx']} in, {run.total['tx']} out" in page.text and "Nothing wrong was found" in page.text, "frames, or verdict")
        for c in run.conns:
            expect(f"{ip_text(c.key[2])}:{c.key[3]}" in page.text, f"{c.name} is not there")
        shown = [int(n) for n in re.findall(r'<tr id="f(\d+)"', text)]
        expect(shown == list(range(1, len(shown) + 1)) and len(shown) >= 300, f"frames {shown[:3]} to {shown[-3:]}")
        expect("nic.retransmissions" in page.text and "CmdOpen" in page.text and "nothing wrong" in page.text, "counters, host events, wire monitor")
        expect("What went wrong" not in page.text, "it speaks of a failure")

    def test_page_has_where_it_began_and_words_and_buttons_for_flows(self):
        run = Run(self.whole, self.lockwire)
        events = [e for e in run.events if e["event"] == "sample" and e.get("frame")]
        at = events[len(events) // 2]["cycle"]
        began = report_page.cause(run, at, at + 1)
        expect(f"Where it began: cycle {at}" in began and "clears the ACK bit" in began and f"<td class=\"n\">{at}</td>" in began, began[:300])
        expect(not report_page.cause(run, at, at) and not report_page.cause(run, None, at), "what is shown already is shown again")
        flows = {report_page.flow_of(e) for e in run.events if e["event"] == "send"}
        table = report_page.event_table("x", [e for e in run.events if e["event"] == "send"], at)
        expect(len(flows) > 1 and all(f'for="x{i}">{f}<' in table and f'class="k{i}"' in table for i, f in enumerate(sorted(flows))), "buttons")
        words = dict(report_tables.words())
        expect(all(n in words for n in ("dd_next", "RevRead", "RcvDuplicate", "dd_incoming.sv", "rcv_segment.sv", "nic_top.sv")), f"{sorted(words)}")

    def test_page_around_a_frame_is_the_same_twice(self):
        before = {}
        for _ in range(2):
            page, text = self.report(self.whole, "--frame", 500, "--flows", 1)
            now = {p.name: p.read_bytes() for p in self.whole.glob("*.png")} | {"page": text}
            expect(not before or now == before, f"differ: {[k for k in now if before.get(k) != now[k]]}")
            before = now
        expect('<tr id="f500" class="here' in text, "the frame is not marked")
        self.check_page(page)

    def test_page_of_a_recording_that_differs(self):
        folder = self.record("damaged")
        data = bytearray((folder / "stimulus.bin").read_bytes())
        data[len(data) // 2] ^= 1
        (folder / "stimulus.bin").write_bytes(data)
        page, _ = self.report(folder, "--flows", 0)
        expect("does not replay as it was" in page.text, "it is not told")

    def test_page_of_the_reference(self):
        page, _ = self.report(self.record("ref", "--engine", "ref"), "--flows", 0)
        self.check_page(page)
        expect("there is no NIC to look into" in page.text, "it is not told")

    def test_page_of_a_limited_recording(self):
        page, _ = self.report(self.record("limited", "--record-limit", "12"), "--flows", 0)
        self.check_page(page)

    def test_frame_of_a_segment_is_that_of_replay(self):
        """S:N in a recording of segments, N in one without: the same frame, or the same refusal."""
        limited = self.record("segments", "--record-limit", "12", seed=SEED_OF_SEGMENTS)
        segment = list(wires(limited))[-2]
        expect(segment > 2, "it is whole")
        for folder, name in ((limited, f"{segment}:7"), (self.whole, "7")):
            frame = [f for f in Run(folder, self.lockwire).frames if f.name == name][0]
            _, text = self.report(folder, "--frame", name, "--flows", 0)
            row = re.search(rf'<tr id="f{name}" class="here[^>]*>(.*?)</tr>', text, re.S)
            expect(row and f">{frame.cycle}<" in row[1], f"frame {name} is not marked, or at another cycle: {row and row[1][:200]}")
            r = subprocess.run([self.lockwire, "replay", str(folder), "--frame", name], capture_output=True, text=True, timeout=120, check=False)
            told = re.search(rf"^> +{name} +(in|out) .*", r.stdout, re.M)
            expect(told and (told[1] == "in") == frame.rx, f"replay --frame {name}: {r.stdout[:300]}{r.stderr}")
        for folder, names in ((limited, ("7", f"{segment}:9999999", "999:1", f"{segment}:0", "0:7", "x", "1:2:3")), (self.whole, ("1:7", "9999999", "0", "-1"))):
            report = [sys.executable, str(ROOT / "scripts/report.py"), str(folder), "--lockwire", self.lockwire, "--frame", names[0]]
            for command in [report] + [[self.lockwire, "replay", str(folder), "--frame", name] for name in names]:
                r = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
                expect(r.returncode == 2 and "Traceback" not in r.stderr and command[-1] in r.stderr, f"{command}: status {r.returncode}: {r.stderr}")
            for name in names[1:]:
                try:
                    Run(folder, self.lockwire, FrameName.parse(name))
                except (ValueError, Unreadable) as e:
                    expect(name in str(e), e)
                else:
                    raise Fail(f"a report of frame {name} is made")

    def test_failure_names_what_commits_it(self):
        for pick, rule, row, module in (
            (lambda e: e.get("dd_kind") == "DdAck" and "una" in e["ctx"], "send context", {"name": "srtt_us"}, "rtl/tx/rtt_estimate.sv"),
            (lambda e: e.get("class") == "RcvAccept", "receive context", {"name": "ts_recent"}, "rtl/rx/rcv_segment.sv"),
            (lambda e: e.get("kind") == "SevNext" and e.get("emit"), "sampled", {"name": "ACK owed"}, "rtl/tx/ack_bits.sv"),
        ):
            folder = self.record("failed")
            fitting = [e for e in self.events(folder) if pick(e)]
            e = fitting[len(fitting) // 2]
            found = json.loads((folder / "report.json").read_text()) | {
                "ok": False,
                "cycle": e["cycle"],
                "flow": e["flow"],
                "rule": rule,
                "what": "Made up.",
                "differs": [row | {"rule": rule, "expected": 1, "got": 77777}],
            }
            (folder / "report.json").write_text(json.dumps(found))
            page, _ = self.report(folder, "--flows", 0)
            self.check_page(page)
            said = page.text[page.text.index("Which RTL commits that") :]
            expect(module in said[:300] and "77777" in page.text and f"cycle {e['cycle']}" in page.text, f"{rule}: {said[:300]}")
            expect("did not come to the failure" in page.text, "the replay comes to nothing")
            right = re.search(r"Which RTL commits", page.text).start()
            expect("context" not in rule or re.search(r"(una|nxt) [0-9(+ )]+ right", page.text[:right]), f"{rule}: not what the step changed rightly")

    def test_every_rule_of_the_checker_has_a_module(self):
        """In the checker's sources stands which rules there are; each is made up at steps of all kinds."""
        text = "".join((ROOT / "dpi/check" / f"{n}.c").read_text() for n in ("duty", "host", "rcv", "snd"))
        rules = set(re.findall(r'(?:diff|late)\(k, [^"]*?, "([A-Za-z -]+)", "', text)) | set(re.findall(r'frame_same\(k, -1, "([a-z ]+)"', text))
        expect(len(rules) > 25, f"rules: {sorted(rules)}")
        run = Run(self.whole, self.lockwire)
        for rule in sorted(rules - {"command", "memory"}):
            for e in self.steps_of_all_kinds(run):
                rows = [{"name": n, "rule": rule, "expected": 1, "got": 7} for n in ("window", "byte", "ACK owed", "una", "emit", "len")]
                what = f"Made up at sequence number {e.get('consumed', 0)}."
                run.check = {"ok": False, "cycle": e["cycle"], "now_us": e["us"], "flow": e["flow"], "rule": rule, "what": what, "differs": rows}
                d = report_blame.diagnose(run)
                expect(d.modules and d.stage, f"{rule} at {e['event']} {e.get('kind')}: {d.stage} {d.modules}")

    def steps_of_all_kinds(self, run) -> list:
        found = {}
        for e in (e for e in run.events[len(run.events) // 2 :] if "flow" in e):
            found.setdefault((e["event"], e.get("kind"), e.get("class"), e.get("port"), e.get("emit"), e.get("last")), e)
        return list(found.values())

    def test_modules_that_are_named_are_there(self):
        named = set()
        for name in ("report_tables.py", "report_blame.py", "report_origin.py"):
            text = (ROOT / "scripts" / name).read_text()
            named |= {f"rtl/{d.lower()}/{f}" if d else f for d, f in re.findall(r'(?:(RX|TX|PRIM) \+ )"(\w+\.sv)"', text)} | set(
                re.findall(r'"(rtl/\w+\.sv)"', text)
            )
        expect(
            len(named) > 40 and all((ROOT / n).exists() for n in named), f"not there: {[n for n in named if not (ROOT / n).exists()]} of {len(named)}"
        )


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--lockwire", default="build/lockwire")
    p.add_argument("--work", default="build/test_report", help="where recordings go; deleted when all is well")
    p.add_argument("only", nargs="*", help="tests whose name holds this")
    a = p.parse_args()
    t = Tests(a)
    good = run_tests(tests_of(t, a.only))
    if good:
        shutil.rmtree(t.work)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
