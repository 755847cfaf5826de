#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes C++ that reads and writes the plain model's saved state in the model that traces: the same RTL, in which other signals survive."""
import argparse
import re
import sys
from pathlib import Path

ROOT = "Vcosim_top___024root"


def members(model: Path) -> dict[str, str]:
    """The state of the model's one class: its members' names and types."""
    text = re.sub(r"/\*.*?\*/", "", (model / f"{ROOT}.h").read_text())
    found = {m[2]: m[1] for m in re.finditer(r"^\s*(CData|SData|IData|QData|Vl\w+<.*>) (\w+);", text, re.M)}
    ports = {m[2]: m[1] + m[3] for m in re.finditer(r"^\s*(VL_(?:IN|OUT)\w*)\(&?(\w+),(.*)\);", text, re.M)}
    return found | ports


def saved(model: Path) -> list[str]:
    """How it writes its state, line by line."""
    for source in sorted(model.glob(f"{ROOT}*.cpp")):
        m = re.search(rf"^void {ROOT}::__Vserialize\(VerilatedSerialize& os\) \{{\n(.*?)^\}}", source.read_text(), re.M | re.S)
        if m:
            return m[1].splitlines()
    raise SystemExit(f"{model}: no saved state: is it built with --savable?")


def translate(lines: list[str], lost: dict[str, str], kept: set[str], way: str) -> list[str]:
    """The same for the other model: its own members, and something of the right type for what it has not."""
    out = [f"  {kind} {name}{{}};" for name, kind in lost.items()]
    for line in lines:
        m = re.match(r"\s*os ?<< ?(\w+)((?:\[\w+\])*);", line)
        if m and m[1] == "__Vcheckval":
            out.append("  os.readAssert(__Vcheckval);" if way == ">>" else "  os << __Vcheckval;")
        elif m:
            if m[1] not in lost and m[1] not in kept:
                raise SystemExit(f"the saved state has {m[1]}, and the class has not")
            out.append(f"  os {way} {'' if m[1] in lost else 'm.'}{m[1]}{m[2]};")
        elif "vlSymsp->_vm_contextp__" in line:
            out.append(f"  os {way} m.vlSymsp->_vm_contextp__;")
        elif re.match(r"\s*(for \(int __Vi\d|uint64_t __Vcheckval|\}|//|$)", line):
            out.append(line)
        else:
            raise SystemExit(f"not understood: {line.strip()}")
    return out


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--plain", type=Path, required=True, help="directory of the model whose state it is")
    p.add_argument("--wave", type=Path, required=True, help="directory of the model that traces")
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    plain, wave, lines = members(a.plain), members(a.wave), saved(a.plain)
    names = [m[1] for m in (re.match(r"\s*os ?<< ?(\w+)", line) for line in lines) if m and m[1] in plain]
    kept = {n for n in names if wave.get(n) == plain[n]}
    lost = {n: plain[n] for n in names if n not in kept}
    out = ["// Made by scripts/gen_restore.py. Wires that only one of the two models keeps follow from the rest."]
    for name, stream, way in ("save", "VerilatedSerialize", "<<"), ("load", "VerilatedDeserialize", ">>"):
        out += [f"static void plain_{name}({stream} &os, {ROOT} &m)", "{", *translate(lines, lost, kept, way), "}"]
    a.out.write_text("\n".join(out) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
