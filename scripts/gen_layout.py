#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the C side of the RTL's constants, enums and packed structs, and holds the widths in nic_pkg against them."""
import argparse
import re
import sys

STRUCT = re.compile(r"typedef struct packed \{(.*?)\} (\w+)_t;", re.S)
ENUM = re.compile(r"typedef enum logic \[\d+:0\] \{(.*?)\} (\w+)_e;", re.S)
MEMBER = re.compile(r"logic\s*(?:\[(\d+):0\])?\s*(\w+);[ ]*(// seq\b)?")
PARAM = re.compile(r"localparam int (\w+) = (\d+);")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def strip(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def structs(text: str) -> list[tuple[str, list[tuple[str, int, bool]]]]:
    """Name and members of each struct; a member is name, width and whether it is a sequence number."""
    found = []
    for body, name in STRUCT.findall(text):
        members = [(m, int(w) + 1 if w else 1, bool(seq)) for w, m, seq in MEMBER.findall(body)]
        if len(members) != strip(body).count(";"):
            raise SystemExit(f"gen_layout: {name}_t has a member this script cannot read")
        found.append((name, members))
    return found


def check_widths(params: dict[str, int], found) -> list[str]:
    wrong = []
    for name, members in found:
        const = "".join(p.capitalize() for p in name.split("_")) + "W"
        width = sum(w for _, w, _ in members)
        if params.get(const) != width:
            wrong.append(f"nic_pkg::{const} is {params.get(const)}, but {name}_t has {width} bits")
    return wrong


def c_type(width: int, seq: bool) -> str:
    if seq:
        return "struct seq"
    if width == 1:
        return "bool"
    return next(f"uint{n}_t" for n in (8, 16, 32, 64) if width <= n)


def emit_struct(name: str, members) -> list[str]:
    total = sum(w for _, w, _ in members)
    out = [f"enum {{ {name.upper()}_BITS = {total}, {name.upper()}_WORDS = {(total + 31) // 32} }};", f"struct {name} {{"]
    out += [f"  {c_type(w, seq)} {m};" for m, w, seq in members]
    out += ["};", ""]
    unpack, pack, low, low_of = [], [], total, {}
    for m, w, seq in members:  # the first member of a packed struct holds the highest bits
        low -= w
        low_of[m] = low
        cast = "" if w == 64 else f"({c_type(w, False)})"
        field = m + (".v" if seq else "")
        unpack.append(f"  s->{field} = {cast}lw_bits_get(v, {low}, {w});")
        pack.append(f"  lw_bits_put(v, {low}, {w}, s->{field});")
    fields = [f'  {{"{m}", {low_of[m]}, {w}}},' for m, w, _ in members]
    out += [f"static const struct nic_field {name}_fields[] = {{", *fields, "};", ""]
    same = " &&\n         ".join(f"a->{m}{'.v' * seq} == b->{m}{'.v' * seq}" for m, _, seq in members)
    out += [f"static inline bool {name}_equal(const struct {name} *a, const struct {name} *b)", "{", f"  return {same};", "}", ""]
    out += [f"static inline void {name}_unpack(struct {name} *s, const uint32_t *v)", "{", *unpack, "}", ""]
    out += [f"static inline void {name}_pack(const struct {name} *s, uint32_t *v)", "{", *pack, "}", ""]
    return out


HEAD = """// Made by scripts/gen_layout.py from rtl/nic_pkg.sv and rtl/nic_types.svh: do not edit.
#ifndef LW_NIC_LAYOUT_H
#define LW_NIC_LAYOUT_H
#include <stdbool.h>
#include <stdint.h>

#include "base/seq.h"

// A member of a packed struct, for messages: its name and its place in the vector.
struct nic_field {
  const char *name;
  unsigned low, width;
};

// Bits [low, low + width) of a packed vector in 32-bit words, least significant first (svBitVecVal order); width <= 64.
static inline uint64_t lw_bits_get(const uint32_t *v, unsigned low, unsigned width)
{
  unsigned i = low / 32, s = low % 32;
  uint64_t x = v[i] >> s;
  if (s + width > 32) x |= (uint64_t)v[i + 1] << (32 - s);
  if (s + width > 64) x |= (uint64_t)v[i + 2] << (64 - s);
  return width == 64 ? x : x & ((UINT64_C(1) << width) - 1);
}

static inline void lw_bits_put(uint32_t *v, unsigned low, unsigned width, uint64_t x)
{
  for (unsigned n; width; low += n, width -= n, x >>= n) {
    unsigned s = low % 32;
    n = 32 - s < width ? 32 - s : width;
    uint32_t mask = (n == 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1) << s;
    v[low / 32] = (v[low / 32] & ~mask) | (((uint32_t)x << s) & mask);
  }
}
"""


def emit(params: dict[str, int], types: str) -> str:
    out = [HEAD, "enum {"]
    out += [f"  NIC_{snake(n).upper()} = {v}," for n, v in params.items()]
    out += ["};", ""]
    for body, name in ENUM.findall(types):
        values = re.findall(r"(\w+) = (\d+)", strip(body))
        out += [f"enum {name}_e {{"] + [f"  {snake(n).upper()} = {v}," for n, v in values] + ["};"]
        out += [f"static const char *const {name}_names[] = {{  // as the RTL has them"] + [f'  [{v}] = "{n}",' for n, v in values] + ["};", ""]
    for name, members in structs(types):
        out += emit_struct(name, members)
    return "\n".join(out) + "#endif\n"


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("pkg")
    ap.add_argument("types")
    ap.add_argument("--out", required=True, metavar="FILE.h")
    args = ap.parse_args()
    with open(args.pkg, encoding="ascii") as f:
        params = {n: int(v) for n, v in PARAM.findall(strip(f.read()))}
    with open(args.types, encoding="ascii") as f:
        types = f.read()
    wrong = check_widths(params, structs(types))
    for line in wrong:
        print(f"gen_layout: {line}", file=sys.stderr)
    if wrong:
        return 1
    with open(args.out, "w", encoding="ascii") as f:
        f.write(emit(params, types))
    return 0


if __name__ == "__main__":
    sys.exit(main())
