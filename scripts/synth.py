#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Synthesizes the NIC and its send pipeline with yosys and holds size, memories and relative timing against committed figures.

For each top and number of flows: no latch; no memory in flip-flops but those of REGISTERS; below LIMITS; not more than a
tenth above scripts/synth_figures.json. --timing measures each pipeline stage's longest path instead. What has not changed
since it was synthesized is not run again. The table is build/synth/report.md; --update makes what came out the figures.

LUT counts LUT1 to LUT6 and the LUTs inside LUT RAM; BRAM counts RAMB36, a RAMB18 as half; all over the whole hierarchy.
Timing is of flat netlists by abc9 and sta, without carry chains, wide multiplexers and DSPs, because sta has no arcs for
them: the sum of LUT delays of one path from register or input to register or output, good only for comparison."""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time

import gen_layout

FIGURES = "scripts/synth_figures.json"
TOPS = ["nic_top", "send_pipe"]
GROWTH = 1.10
# Read everywhere at once, or too small for a RAM: these may be flip-flops. module.memory: why.
REGISTERS = {
    "timers.bound_q": "a bound for each 16 flows, two of them read and two written in a cycle",
    "nic_counters.rx_q": "one counter of each class, counted and read in the same cycle",
    "nic_counters.rcv_q": "one counter of each class, counted and read in the same cycle",
}
# The whole NIC stays below Tonic's LUTs, which have neither payload nor receive path.
LIMITS = {("send_pipe", 1024): 40000, ("nic_top", 1024): 156815}
TONIC = [("Tonic (no payload, no receive path; flattened)", 64, 46668, None), ("Tonic (the same, hierarchical)", 1024, 156815, 195)]
# Tonic's blocks at 64 flows by the same script as timing() (yosys 0.23, its SACK logic): block, delay, LUTs on the path. Its context
# stores and FIFOs stand in no path of dd_core, which holds all steps of its delivery engine.
TONIC_DELAYS = [("Tonic's dd_core", 6920, 15), ("Tonic's dd_incoming", 6234, 12), ("Tonic's dd_next", 6109, 13), ("Tonic's dd_timeout", 2163, 4)]
# Pipeline stages, each with its parameters.
STAGES = {
    "rx_parser": "", "tcp_options": "", "flow_table": "NumFlows", "rcv_segment": "", "rcv_step": "", "rcv_read": "", "rcv_timeout": "",
    "rx_intervals": "", "rx_mover": "NumFlows", "rx_reader": "NumFlows", "dd_blocks": "", "dd_incoming": "", "dd_timeout": "", "dd_next": "",
    "cut_new": "", "cut_repair": "", "pacer": "", "rtt_estimate": "", "sack_insert": "", "sack_trim": "", "sack_lost": "", "sack_pipe": "",
    "cc_newreno": "", "cc_cubic": "", "cubic_curve": "", "rcv_sample": "", "ready_set": "NumFlows", "timers": "NumFlows", "ack_bits": "NumFlows",
    "dsack_box": "NumFlows", "tx_writer": "NumFlows", "tx_assembler": "NumFlows", "tx_header": "", "tx_merge": "", "tx_payload": "", "tx_mux": "",
}
LUT_RAM = {"RAM32M": 4, "RAM32M16": 8, "RAM64M": 4, "RAM64M8": 8, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8,
           "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM512X1S": 8}
LATCH = re.compile(r"dlatch|DLATCH|^LD[CP]E?$")
LONE_MODULE = re.compile(r"(?:\$paramod(?:\$[0-9a-f]+)?\\)?\\?([A-Za-z_]\w*)")


class Failed(Exception):
    pass


def module(name: str) -> str:
    """The module's name as it stands in the source."""
    return LONE_MODULE.match(name)[1]


def sources() -> list[str]:
    with open("rtl/nic.f", encoding="ascii") as f:
        return f.read().split()


def yosys(base: str, script: str) -> dict:
    """Runs it with its log in base.log, unless it ran on the same sources; what is known of the run."""
    h = hashlib.sha256(subprocess.run(["yosys", "-V"], capture_output=True, check=True).stdout + script.encode())
    for path in [*sources(), *sorted("rtl/" + f for f in os.listdir("rtl") if f.endswith(".svh"))]:
        with open(path, "rb") as f:
            h.update(f.read())
    old = load(base + ".json")
    if old.get("key") == h.hexdigest():
        return {"key": old["key"], "seconds": old["seconds"], "unchanged": True}
    if old:
        os.remove(base + ".json")
    with open(base + ".err", "w+", encoding="utf-8") as err:
        with subprocess.Popen(["yosys", "-q", "-l", base + ".log", "-p", script], stdout=err, stderr=err, stdin=subprocess.DEVNULL) as p:
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        said = [line for line in err.read().splitlines() if line.strip()]
    if p.returncode:
        raise Failed(said[-1] if said else f"yosys ended with {p.returncode}; see {base}.log")
    return {"key": h.hexdigest(), "seconds": round(used.ru_utime + used.ru_stime, 1), "unchanged": False}


# --- size and memories -------------------------------------------------------------------------------------------------
def memories(base: str, top: str) -> list[dict]:
    """Each memory of the design: where, its size, how often, and what it became."""
    held, inside, cell = {}, {}, None          # module -> memories; module -> [(instance, module)]
    with open(base + ".cells", encoding="utf-8") as f:
        for line in f:
            word = line.split()
            if line.startswith("module "):
                here = word[1].lstrip("\\")
            elif line.startswith("  cell "):
                cell = None
                if word[1] == "$mem_v2":
                    cell = {}
                    held.setdefault(here, []).append(cell)
                else:
                    inside.setdefault(here, []).append((word[2].lstrip("\\"), word[1].lstrip("\\")))
            elif cell is not None and line.startswith("    parameter ") and word[-2] in ("\\SIZE", "\\WIDTH", "\\MEMID"):
                value = word[-1]
                cell[word[-2][1:]] = value.strip('"').lstrip("\\") if value[0] == '"' else int(value.split("'")[-1], 2 if "'" in value else 10)
    became, lost = {}, set()
    with open(base + ".log", encoding="utf-8", errors="replace") as f:
        for line in f:
            found = re.match(r"mapping memory (\S+) via \$__XILINX_(\w+?)_?$", line)
            if found:
                became[found[1]] = found[2]
            found = re.match(r"using FF mapping for memory (\S+)", line)
            if found:
                became[found[1]] = "registers"
            found = re.search(r"Replacing memory \\(\S+) with list of registers. See (\S+)\.sv:", line)
            if found:                          # before it is a memory at all
                lost.add(f"{os.path.basename(found[2])}.{found[1]}")
    rows = {}

    def walk(name: str, path: list[str]) -> None:
        for m in held.get(name, []):
            at = f"{name}.{m['MEMID'].split(chr(92))[-1]}"
            row = rows.setdefault((module(name), m["MEMID"], m["SIZE"], m["WIDTH"], became.get(at)), {
                "memory": f"{module(name)}.{m['MEMID']}", "words": m["SIZE"], "bits": m["WIDTH"], "at": [], "became": became.get(at, "?")})
            row["at"].append(".".join(path) or name)
        for instance, sub in inside.get(name, []):
            walk(sub, path + [instance])

    walk(top, [])
    out = list(rows.values()) + [{"memory": m, "words": 0, "bits": 0, "at": [], "became": "registers"} for m in sorted(lost)]
    return sorted(out, key=lambda r: -r["words"] * r["bits"])


def size(top: str, flows: int, out: str) -> dict:
    base = os.path.join(out, f"{top}_{flows}")
    synth = f"synth_xilinx -family xcup -top {top} -noiopad -noclkbuf"
    script = "; ".join([
        f"read_verilog -sv -Irtl {' '.join(sources())}", f"hierarchy -check -top {top} -chparam NumFlows {flows}",
        f"{synth} -run begin:map_memory", f"dump -m -o {base}.cells t:* t:$* %d t:$paramod* t:$mem_v2 %u %u", f"{synth} -run map_memory:",
        f"tee -q -o {base}.stat stat -tech xilinx -json"])
    row = {"top": top, "flows": flows, **yosys(base, script)}
    with open(base + ".stat", encoding="utf-8") as f:      # yosys writes the tree of instances among the JSON, as text
        stat = json.loads("".join(line for line in f if line.strip()[:1] in ('"', "{", "}")))
    cells = stat["design"]["num_cells_by_type"]
    row["lut"] = sum(cells.get(f"LUT{i}", 0) for i in range(1, 7)) + sum(cells.get(c, 0) * n for c, n in LUT_RAM.items())
    row["lutram"] = sum(cells.get(c, 0) * n for c, n in LUT_RAM.items())
    row["ff"] = sum(n for c, n in cells.items() if re.match(r"FD[RSCP]E", c))
    row["bram"] = sum(n for c, n in cells.items() if c.startswith("RAMB36")) + sum(n for c, n in cells.items() if c.startswith("RAMB18")) / 2
    row["dsp"] = sum(n for c, n in cells.items() if c.startswith("DSP"))
    row["latches"] = sorted(f"{n} {c} in {module(m)}" for m, s in stat["modules"].items() for c, n in s["num_cells_by_type"].items() if LATCH.search(c))
    row["memories"] = memories(base, top)
    save(base + ".json", row)
    return row


def size_faults(row: dict, figures: dict) -> list[str]:
    name = f"{row['top']} at {row['flows']} flows"
    out = [f"{name}: latch: {latch}" for latch in row["latches"]]
    for m in row["memories"]:
        if m["became"] == "registers" and m["memory"] not in REGISTERS or m["became"] == "?":
            out.append(f"{name}: {m['memory']} ({m['words']} x {m['bits']}; {', '.join(m['at'][:2])}) is no RAM: {m['became']}")
    limit = LIMITS.get((row["top"], row["flows"]))
    if limit and row["lut"] >= limit:
        out.append(f"{name}: {row['lut']} LUT, to be below {limit}")
    was = figures.get("size", {}).get(f"{row['top']}_{row['flows']}")
    if not was:
        return out + [f"{name}: no committed figures; `make synth-figures` writes them"]
    for what in ("lut", "ff", "bram"):
        if row[what] > was[what] * GROWTH:
            out.append(f"{name}: {what.upper()} grew from {was[what]} to {row[what]}")
    return out


# --- relative timing ---------------------------------------------------------------------------------------------------
def member(net: str, bit: int, text: str) -> str:
    """Bit `bit` of a net declared in `text`: ctx_i.una[3] where the net is a struct."""
    with open("rtl/nic_types.svh", encoding="utf-8") as f:
        layout = dict(gen_layout.structs(f.read()))
    declared = re.search(rf"\b(\w+)_t\b[^;\n(]*\b{re.escape(net)}\b", text)
    below = bit
    for name, width, _ in reversed(layout.get(declared[1], []) if declared else []):
        if below < width:
            return f"{net}.{name}" + (f"[{below}]" if width > 1 else "")
        below -= width
    return f"{net}[{bit}]"


def path_end(lines: list[str], text: str) -> str:
    """The first net among the lines of a path that has a name in the source."""
    for line in lines:
        found = re.match(r"\s+(?:\d+\s+)?\\(\S+?)(?: \[(\d+)\])?(?: \(.*)?$", line)
        if found:
            return member(found[1], int(found[2]), text) if found[2] else found[1]
    return "a register"


def timing(stage: str, flows: int, out: str) -> dict:
    base = os.path.join(out, f"timing_{stage}")
    param = f"hierarchy -check -top {stage}" + (f" -chparam NumFlows {flows}" if STAGES[stage] else "")
    script = "; ".join([
        f"read_verilog -sv -Irtl {' '.join(sources())}", param,
        f"synth_xilinx -family xcup -top {stage} -flatten -abc9 -noiopad -noclkbuf -nocarry -nowidelut -nodsp", f"tee -q -o {base}.sta sta"])
    row = {"stage": stage, **yosys(base, script)}
    with open(base + ".sta", encoding="utf-8") as f:
        lines = f.read().splitlines()
    start = [i for i, line in enumerate(lines) if line.startswith("Latest arrival time")]
    if not start:
        raise Failed(f"sta found no path; see {base}.sta")
    stop = next(i for i, line in enumerate(lines) if line.startswith("Arrival histogram"))
    path = lines[start[0] + 1:stop]
    row["delay"] = int(re.search(r"is (\d+):", lines[start[0]])[1])
    row["levels"] = sum("(LUT" in line for line in path)
    with open(next(p for p in sources() if os.path.basename(p) == stage + ".sv"), encoding="utf-8") as f:
        text = f.read()
    row["from"], row["to"] = path_end(path[::-1], text), path_end(path, text)
    save(base + ".json", row)
    return row


def timing_faults(row: dict, figures: dict) -> list[str]:
    was = figures.get("timing", {}).get(row["stage"])
    if not was:
        return [f"{row['stage']}: no committed timing; `make synth-figures` writes it"]
    if row["delay"] > was["delay"] * GROWTH:
        return [f"{row['stage']}: its longest path grew from {was['delay']} to {row['delay']}"]
    return []


# --- report ------------------------------------------------------------------------------------------------------------
def load(path: str) -> dict:
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def save(path: str, what: dict) -> None:
    with open(path + ".part", "w", encoding="ascii") as f:
        json.dump(what, f, indent=1)
        f.write("\n")
    os.replace(path + ".part", path)


def known(out: str, prefix: str) -> list[dict]:
    """What lies in `out` from this run and from those before it."""
    rows = [load(os.path.join(out, f)) for f in sorted(os.listdir(out)) if f.endswith(".json") and f.startswith(prefix)]
    return [r for r in rows if r]


def report(out: str, figures: dict) -> str:
    sizes = sorted((r for t in TOPS for r in known(out, t)), key=lambda r: (r["top"], r["flows"]))
    lines = ["# Synthesis", "", "yosys `synth_xilinx -family xcup`, hierarchical; payload rings are outside. In brackets the committed figure.", "",
             "| | flows | LUT | of them RAM | FF | RAMB36 | DSP |", "|---|---:|---:|---:|---:|---:|---:|"]
    for r in sizes:
        was = figures.get("size", {}).get(f"{r['top']}_{r['flows']}", {})
        lines.append(f"| {r['top']} | {r['flows']} | {r['lut']:,} ({was.get('lut', '-')}) | {r['lutram']:,} | {r['ff']:,} ({was.get('ff', '-')}) | "
                     f"{r['bram']:g} ({was.get('bram', '-')}) | {r['dsp']} |")
    lines += [f"| {name} | {flows} | {lut:,} | | | {bram or ''} | |" for name, flows, lut, bram in TONIC]
    for r in sizes:
        lines += ["", f"## Memories of {r['top']} at {r['flows']} flows", "", "| memory | words | bits | became | where |", "|---|---:|---:|---|---|"]
        for m in r["memories"]:
            why = f" ({REGISTERS[m['memory']]})" if m["memory"] in REGISTERS and m["became"] == "registers" else ""
            lines.append(f"| {m['memory']} | {m['words']} | {m['bits']} | {m['became']}{why} | {', '.join(m['at'])} |")
    paths = known(out, "timing_")
    if paths:
        tonic = [{"stage": name, "delay": delay, "levels": luts, "from": "", "to": ""} for name, delay, luts in TONIC_DELAYS]
        above = [r for r in paths if r["delay"] > TONIC_DELAYS[0][1]]
        lines += ["", "## Relative timing", "", "LUT delays along the longest path of each block, without routing; for comparison only.",
                  f"Of {len(paths)} blocks {len(above)} are above Tonic's slowest; rtl/README.md says why.", "",
                  "| block | delay | committed | LUTs | from | to |", "|---|---:|---:|---:|---|---|"]
        for r in sorted(paths + tonic, key=lambda r: -r["delay"]):
            was = figures.get("timing", {}).get(r["stage"], {}).get("delay", "-")
            lines.append(f"| {r['stage']} | {r['delay']} | {was} | {r['levels']} | {r['from']} | {r['to']} |")
    return "\n".join(lines) + "\n"


def say(name: str, row: dict) -> None:
    what = f"{row['delay']:6} in {row['levels']} LUTs, {row['from']} to {row['to']}" if "delay" in row else \
        f"{row['lut']:6} LUT ({row['lutram']} of them RAM) {row['ff']:6} FF {row['bram']:5g} RAMB36"
    print(f"   {name:16} {what}  ({row['seconds']:.0f} s of CPU{', unchanged since' if row['unchanged'] else ''})", flush=True)


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default="build/synth", help="where logs, results and report.md go")
    ap.add_argument("--flows", type=int, nargs="+", default=[64], help="numbers of flows to synthesize for")
    ap.add_argument("--tops", nargs="+", default=TOPS, choices=TOPS)
    ap.add_argument("--timing", nargs="*", metavar="STAGE", choices=[*STAGES, []], help="relative timing of the stages (default: all), no sizes")
    ap.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="yosys runs at a time")
    ap.add_argument("--update", action="store_true", help=f"write what came out to {FIGURES}")
    args = ap.parse_args()
    os.makedirs(args.out, exist_ok=True)
    figures = load(FIGURES)
    if args.timing is not None:
        jobs = [("timing", s, lambda s=s: timing(s, 64, args.out), timing_faults) for s in args.timing or STAGES]
    else:
        jobs = [("size", f"{t}_{n}", lambda t=t, n=n: size(t, n, args.out), size_faults) for n in sorted(args.flows, reverse=True) for t in args.tops]
    began = time.monotonic()
    faults = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for kind, name, row, judge in [(kind, name, pool.submit(run), judge) for kind, name, run, judge in jobs]:
            try:
                row = row.result()
            except (Failed, OSError, ValueError) as e:
                faults.append(f"{name}: {e}")
                continue
            say(name, row)
            if args.update:
                keep = ("delay", "levels") if kind == "timing" else ("lut", "ff", "bram")
                figures.setdefault(kind, {})[name] = {k: row[k] for k in keep}
            faults += judge(row, figures)
    if args.update and figures:
        figures = {kind: dict(sorted(figures[kind].items())) for kind in sorted(figures)}
        save(FIGURES, figures)
    with open(os.path.join(args.out, "report.md"), "w", encoding="utf-8") as f:
        f.write(report(args.out, figures))
    for fault in faults:
        print(f"FAIL {fault}")
    print(f"{args.out}/report.md; {time.monotonic() - began:.0f} s; {len(jobs)} run, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
