#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the proofs of tb/formal/ and the mutants that each must reject; what has not changed since it passed is not run again.

A proof file says in comments what it wants (tb/formal/README.md):
  //@ rtl FILE...                          what is read before the proof, beside fv.svh and stream_rule.sv
  //@ prove ENGINE [K] [PARAM=VALUE...]    pdr | induct K | bmc K | comb
  //@ mutant FILE `OLD` `NEW` : WHY [: N]  OLD becomes NEW in FILE, where it stands once; prove line N (1) must then fail
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time

HERE = "tb/formal"
SHARED = [f"{HERE}/fv.svh", f"{HERE}/stream_rule.sv", "rtl/nic_types.svh"]
MUTANT = re.compile(r"^(\S+) `([^`]*)` `([^`]*)` : (.*?)(?: : (\d+))?$")
GREEN = {"pdr": "unbounded (pdr)", "induct": "unbounded (induction {k})", "comb": "complete (no state)", "bmc": "BOUNDED to {k} cycles"}
DEPTH = 40  # a mutant's counterexample is looked for so deep


class Job:
    """One solver run: a proof (mutant is None), or a mutant that has to be rejected."""

    def __init__(self, proof: str, index: int, engine: str, k: int, params: list[str], files: list[str], mutant=None):
        self.proof, self.index, self.engine, self.k = proof, index, engine, k
        self.params, self.files, self.mutant = params, files, mutant
        self.name = f"{proof}.{index}" + (f".m{mutant[0]}" if mutant else "")
        self.cpu = 0.0

    def sources(self) -> list[tuple[str, str]]:
        """(path, text) of all that is read, with the mutant's change in it."""
        out = []
        for path in SHARED + self.files + [f"{HERE}/{self.proof}_fv.sv"]:
            with open(path, encoding="utf-8") as f:
                text = f.read()
            if self.mutant and path == self.mutant[1]:
                if text.count(self.mutant[2]) != 1:
                    raise ValueError(f"mutant {self.mutant[0]}: `{self.mutant[2]}` stands {text.count(self.mutant[2])} times in {path}")
                text = text.replace(self.mutant[2], self.mutant[3])
            out.append((path, text))
        return out


def parse(path: str) -> list[Job]:
    proof = os.path.basename(path)[: -len("_fv.sv")]
    files, proves, mutants = [], [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("//@ "):
                continue
            word, rest = line[4:].strip().split(" ", 1)
            if word == "rtl":
                files += rest.split()
            elif word == "prove":
                engine, *args = rest.split()
                if engine not in GREEN:
                    raise ValueError(f"{path}: no engine {engine}")
                k = int(args.pop(0)) if engine in ("induct", "bmc") else 0
                proves.append((engine, k, args))
            elif word == "mutant" and MUTANT.match(rest):
                file, old, new, why, which = MUTANT.match(rest).groups()
                mutants.append((len(mutants) + 1, file, old, new, why, int(which or 1)))
            else:
                raise ValueError(f"{path}: cannot read: {line.strip()}")
    if not proves or not mutants:
        raise ValueError(f"{path}: a proof needs at least one prove line and one mutant")
    files = ["rtl/nic_pkg.sv"] + [f for f in files if f != "rtl/nic_pkg.sv"]
    jobs = [Job(proof, i + 1, e, k, p, files) for i, (e, k, p) in enumerate(proves)]
    for m in mutants:
        if m[1] not in files + SHARED:
            raise ValueError(f"{path}: mutant of {m[1]}, which the proof does not read")
        e, k, p = proves[m[5] - 1]
        jobs.append(Job(proof, m[5], e, k, p, files, m))
    return jobs


def script(job: Job, work: str, sources: list[tuple[str, str]]) -> str:
    """Writes the sources below `work` and the yosys script that turns them into a solver's problem; returns its path."""
    for path, text in sources:
        os.makedirs(os.path.join(work, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(work, path), "w", encoding="utf-8") as f:
            f.write(text)
    read = " ".join(p for p, _ in sources if p.endswith(".sv"))
    top = f"{job.proof}_fv"
    lines = [f"read_verilog -formal -sv -Irtl -I{HERE} {read}"]
    lines += [f"chparam -set {p.split('=')[0]} {p.split('=')[1]} {top}" for p in job.params]
    # No -noopt anywhere: what is proven is what synthesis reads. Undriven means free, not zero.
    # Memories become registers before all is flattened, so that a proof can speak of a word of one.
    lines += [f"hierarchy -check -top {top}", "proc", "memory_collect", "memory_map", "flatten", "opt_expr", "opt_clean", "check", "async2sync", "chformal -cover -remove", "opt_clean",
              "setundef -undriven -anyseq"]
    if job.engine == "comb":
        # No registers (opt may not see one) and no assumptions: a premise stands in the assertion.
        lines += ["select -assert-none t:$assume t:$dff t:$sdff t:$dffe", "opt -full", "write_rtlil design.il", "techmap", "simplemap",
                  "abc -g AND -fast", "opt_clean", "write_aiger -I -B -zinit design.aig"]
    elif job.engine == "induct" and not job.mutant:
        lines += ["dffunmap", f"sat -tempinduct -prove-asserts -set-assumes -seq 1 -maxsteps {job.k} -verify {top}"]
    else:
        lines += ["write_rtlil design.il", "formalff -clk2ff -ff2anyinit", "techmap", "simplemap", "dffunmap", "abc -g AND -fast",
                  "opt_clean", "write_aiger -I -B -zinit -no-startoffset -map design.aim design.aig"]
    with open(os.path.join(work, "design.ys"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    return "design.ys"


def run(job: Job, cmd: list[str], work: str, log: str, limit: float) -> tuple[int, str]:
    """Status, negative when the limit of CPU seconds was hit (a busy machine must not fail a proof), and what was said."""
    seconds = int(limit) + 1
    with open(os.path.join(work, log), "w", encoding="ascii") as f:
        with subprocess.Popen(["prlimit", f"--cpu={seconds}:{seconds}", *cmd], cwd=work, stdout=f, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL) as p:
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
    job.cpu += used.ru_utime + used.ru_stime
    with open(os.path.join(work, log), encoding="ascii", errors="replace") as f:
        return p.returncode, f.read()


def waves(job: Job, work: str) -> None:
    """The counterexample as build/formal/NAME/trace.vcd, where the solver gave one."""
    if os.path.exists(os.path.join(work, "trace.aiw")):
        run(job, ["yosys", "-q", "-p", "read_rtlil design.il; sim -clock clk_i -r trace.aiw -map design.aim -vcd trace.vcd"], work, "vcd.log", 60)


def solve(job: Job, work: str, sources: list[tuple[str, str]], limit: float) -> str:
    """"proven", "refuted" (there is a counterexample from reset), or what went wrong."""
    ys = script(job, work, sources)
    status, text = run(job, ["yosys", ys], work, "yosys.log", limit)
    if status < 0:
        return f"no answer in {limit:.0f} s"
    if job.engine == "induct" and not job.mutant:
        if status == 0:
            return "proven"
        if "base case: FAIL!" in text:
            return "refuted"
        if "proof failed" in text:
            return f"no induction within {job.k} steps"
        return "yosys: " + text.strip().splitlines()[-1]
    if status != 0:
        return "yosys: " + text.strip().splitlines()[-1]
    if job.engine == "comb":
        status, text = run(job, ["yosys-abc", "-c", "read_aiger design.aig; strash; orpos; iprove"], work, "abc.log", limit)
        found = re.search(r"^(UN)?SATISFIABLE", text, re.M)
        return f"no answer in {limit:.0f} s" if not found else "proven" if found[1] else "refuted"
    if job.mutant:
        ask = f"bmc3 -F {DEPTH}"
    else:
        ask = "pdr" if job.engine == "pdr" else f"bmc3 -F {job.k}"
    status, text = run(job, ["yosys-abc", "-c", f"read_aiger design.aig; fold; strash; {ask}; write_cex -a trace.aiw"], work, "abc.log", limit)
    if "was asserted in frame" in text:
        waves(job, work)
        return "refuted"
    if job.engine == "pdr" and not job.mutant and re.search(r"^Property proved", text, re.M):
        return "proven"
    depth = re.search(r"No output (?:was )?asserted in (\d+) frames", text)
    if depth and int(depth[1]) >= (DEPTH if job.mutant else job.k):
        return "proven"
    return f"no answer in {limit:.0f} s"


def key(job: Job, sources: list[tuple[str, str]], tools: str) -> str:
    h = hashlib.sha256()
    with open(__file__, "rb") as f:
        h.update(f.read())
    h.update(repr([tools, job.engine, job.k, job.params, sources]).encode())
    return h.hexdigest()


def do(job: Job, args, tools: str, ledger: dict) -> dict:
    row = {"proof": job.proof, "name": job.name, "params": " ".join(job.params), "engine": job.engine, "k": job.k,
           "mutant": job.mutant[4] if job.mutant else None, "cached": False}
    began = time.monotonic()
    try:
        sources = job.sources()
        row["key"] = key(job, sources, tools)
        old = ledger.get(job.name)
        if old and old["ok"] and old.get("key") == row["key"] and not args.again:
            return dict(old, cached=True)
        work = os.path.join(args.out, job.name)
        os.makedirs(work, exist_ok=True)
        for stale in ("trace.aiw", "trace.vcd"):
            if os.path.exists(os.path.join(work, stale)):
                os.remove(os.path.join(work, stale))
        row["answer"] = solve(job, work, sources, args.limit)
    except ValueError as e:
        row["answer"] = str(e)
    row["ok"] = row["answer"] == ("refuted" if job.mutant else "proven")
    row["seconds"] = round(time.monotonic() - began, 1)
    row["cpu_seconds"] = round(job.cpu, 1)
    return row


def say(row: dict) -> None:
    kind = f"rejects: {row['mutant']}" if row["mutant"] else GREEN[row["engine"]].format(k=row["k"])
    answer = "" if row["ok"] else f"   ** {row['answer']} **"
    if not row["ok"] and row["mutant"] and row["answer"] == "proven":
        answer = "   ** the mutant passes **"
    print(f"{'ok  ' if row['ok'] else 'FAIL'} {row['name']:20} {row['params']:38} {row['cpu_seconds']:6.1f} s{' *' if row['cached'] else '  '} {kind}{answer}",
          flush=True)


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default="build/formal", help="where work and results.json go")
    ap.add_argument("--again", action="store_true", help="also what has not changed since it passed")
    ap.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="solvers at a time")
    ap.add_argument("--limit", type=float, default=240, help="CPU seconds for one solver")
    ap.add_argument("--list", action="store_true", help="only list proofs and mutants")
    ap.add_argument("proofs", nargs="*", help="names of proofs, fifo for fifo_fv.sv (default: all)")
    args = ap.parse_args()
    known = sorted(f[: -len("_fv.sv")] for f in os.listdir(HERE) if f.endswith("_fv.sv"))
    for name in args.proofs:
        if name not in known:
            print(f"formal: no proof {name}; there are: {' '.join(known)}", file=sys.stderr)
            return 2
    try:
        jobs = [j for name in known if not args.proofs or name in args.proofs for j in parse(f"{HERE}/{name}_fv.sv")]
    except ValueError as e:
        print(f"formal: {e}", file=sys.stderr)
        return 2
    if args.list:
        for j in jobs:
            print(f"{j.name:20} {' '.join(j.params):38} {'rejects: ' + j.mutant[4] if j.mutant else GREEN[j.engine].format(k=j.k)}")
        return 0
    os.makedirs(args.out, exist_ok=True)
    results = os.path.join(args.out, "results.json")
    ledger = {}
    if os.path.exists(results):
        with open(results, encoding="utf-8") as f:
            ledger = {r["name"]: r for r in json.load(f)["results"]}
    tools = subprocess.run(["yosys", "-V"], capture_output=True, text=True, check=True).stdout
    began = time.monotonic()
    rows = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        # The long ones first, as far as known, so that no core ends alone.
        order = sorted(jobs, key=lambda j: -ledger.get(j.name, {}).get("cpu_seconds", 1e9 if not j.mutant else 0))
        for done in concurrent.futures.as_completed([pool.submit(do, j, args, tools, ledger) for j in order]):
            row = done.result()
            say(row)
            rows.append(row)
            # What is unknown now (renamed, deleted) stays in the ledger until the next full run.
            ledger[row["name"]] = row
            keep = ledger.values() if args.proofs else [ledger[j.name] for j in jobs if j.name in ledger]
            with open(results + ".part", "w", encoding="utf-8") as f:
                json.dump({"results": sorted(keep, key=lambda r: r["name"])}, f, indent=1)
                f.write("\n")
            os.replace(results + ".part", results)
    bad = [r for r in rows if not r["ok"]]
    for r in bad:
        print(f"FAIL {r['name']}: {r['answer']}; see {args.out}/{r['name']}/")
    fresh = sum(not r["cached"] for r in rows)
    cpu = sum(r.get("cpu_seconds", 0) for r in rows if not r["cached"])
    print(f"{time.monotonic() - began:.0f} s, {cpu:.0f} s of CPU; {fresh} run, {len(rows) - fresh} unchanged since they passed (*)")
    print(f"{len(rows) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
