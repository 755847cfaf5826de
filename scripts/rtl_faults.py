# SPDX-License-Identifier: Apache-2.0
"""Faults in the RTL as changes of its text: where one can be, what it may be, and a copy of the text that holds many at once.

A fault replaces an expression or a statement. In the copy each becomes a choice by number, `(mutant::n == 7 ? (is) : (was))`
or `if (mutant::n == 7) begin is end else begin was end`, so that one build serves all; number 0 chooses none. Faults by hand may
be in C, too, where they choose by `mutant`.
"""
import hashlib
import re
from dataclasses import dataclass


@dataclass
class Fault:
    name: str
    file: str
    start: int                   # of what is replaced, in the file's text
    end: int
    change: str                  # what stands there instead
    statement: bool
    line: int
    kind: str                    # in words
    was: str                     # the line or lines, spaces squeezed
    now: str
    number: int = 0
    group: str = "drawn"         # or "by hand", "in the core"

    @property
    def engine(self) -> str:
        return "ref" if self.group == "in the core" else "rtl"


# What a token may become.
SWAPS = {"+": "-", "-": "+", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "&": "|",
         "|": "&", "<<": ">>", ">>": "<<", "!": "", "~": "", "seq_lt": "seq_leq", "seq_leq": "seq_lt"}
TOKEN = re.compile(r"<<|>>|<=|>=|==|!=|&&|\|\||(\d+)'([dbh])([0-9a-f]+)|\d+(?=')|[A-Za-z_$][\w$]*|\d+|[<>+\-!~&|?]")
# Indices, and the sizes of casts and replications, are constants of the elaboration.
FROZEN = re.compile(r"\[[^\]]*\]|\([^()]*\)(?=\s*['{])")
LHS = re.compile(r"(?:[A-Za-z_][\w.]*(?:\[[^\]]*\])*|\{[^}]*\})\s*(<=|=)(?!=)\s*")
# What may stand before a statement.
LEAD = re.compile(r"\s+|;|begin\b(?: : \w+)?|end\b|else\b|assign\b|(?:\w[\w']*(?:, \w[\w']*)*|default)\s*:(?!:)")


def squeeze(text: str) -> str:
    return " ".join(text.split())


def blank(text: str) -> str:
    """The code in which faults may be: without comments, asserts, what holds during reset and what is elaborated; places stay."""
    def wipe(m):
        return re.sub(r"[^\n]", " ", m.group())
    for what in (r"//[^\n]*", r"`\w+[^\n]*", r"always @\(posedge clk_i\).*?endmodule", r"generate\n.*?endgenerate", r"localparam[^;]*;",
                 r"if \(!rst_ni\) begin.*?\bend\b(?= else)", r"if \(!rst_ni\) [^\n]*;"):
        text = re.sub(what, wipe, text, flags=re.S)
    return text


def closing(code: str, at: int) -> int:
    """The place behind the bracket that closes the one before `at`."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        at += 1
    return at


def sites(code: str):
    """(kind, start, end, statement's start) of each right-hand side ('value') and each condition of an if ('condition')."""
    at, continuous = 0, False
    while at < len(code):
        if m := LEAD.match(code, at):
            continuous = m.group() == "assign" or (continuous and m.group().isspace())
            at = m.end()
        elif m := re.compile(r"(if|for|case) \(").match(code, at):
            end = closing(code, m.end())
            if m.group(1) == "if":
                yield "condition", m.end(), end - 1, at
            at = end
        elif m := LHS.match(code, at):
            end = code.index(";", m.end())
            yield "constant" if continuous else "value", m.end(), end, at
            at = end + 1
        else:                                            # a declaration, a header, an instance
            end = re.compile(r";|\bbegin\b").search(code, at)
            at = end.end() if end else len(code)


def arms(expr: str, at: int):
    """The two arms of the `?` at `at`: (start, colon, end)."""
    depth, marks, colon = 0, 0, None
    for i in range(at + 1, len(expr) + 1):
        c = expr[i] if i < len(expr) else ")"
        if c in "([{":
            depth += 1
        elif c in ")]}" and depth == 0 or c == "," and depth == 0:
            return at + 1, colon, i
        elif c in ")]}":
            depth -= 1
        elif c == "?" and depth == 0:
            marks += 1
        elif c == ":" and depth == 0:
            if marks == 0 and colon is None:
                colon = i
            else:
                marks -= 1
    return at + 1, colon, len(expr)


def changed_constant(m: re.Match):
    width, base, digits = int(m.group(1)), m.group(2), m.group(3)
    if base == "b":
        return [f"1'b{1 - int(digits)}"] if width == 1 else []
    value = int(digits, 16 if base == "h" else 10)
    return [f"{width}'d{v}" for v in (value + 1, value - 1) if 0 <= v < 1 << width]


def changes(expr: str):
    """(changed expression, in words) for each token of it that can be another."""
    frozen = [m.span() for m in FROZEN.finditer(expr)]
    for m in TOKEN.finditer(expr):
        token, i = m.group(), m.start()
        if any(a <= i < b for a, b in frozen):
            continue
        if token in "+-<>&|" and not (expr[i - 1:i].isspace() and expr[m.end():m.end() + 1].isspace()):
            continue                                     # a sign, a reduction
        if m.group(1):
            new = changed_constant(m)
        elif token == "?":
            a, colon, b = arms(expr, i)
            yield f"{expr[:a]} {expr[colon + 1:b].strip()} : {expr[a:colon].strip()}{expr[b:]}", "arms swapped"
            continue
        else:
            new = [SWAPS[token]] if token in SWAPS else []
        for n in new:
            yield expr[:i] + n + expr[m.end():], f"{token} -> {n or 'nothing'}"


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def make(text: str, file: str, start: int, end: int, change: str, statement: bool, kind: str, name: str = "") -> Fault:
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    was = squeeze(re.sub(r"//[^\n]*", "", text[first:last]))
    now = squeeze(re.sub(r"//[^\n]*", "", text[first:start] + change + text[end:last]))
    return Fault(name, file, start, end, change, statement, line_of(text, start), kind, was, now)


def all_faults(text: str, file: str):
    """Every fault that the rules above make of a file."""
    code = blank(text)
    for kind, start, end, begin in sites(code):
        expr = code[start:end]
        for change, words in changes(expr):
            yield make(text, file, start, end, change, False, words)
        if kind == "condition":
            # A step that computes without being asked does no harm: nobody listens.
            for constant in ("1'b0",) if expr == "en_i" else ("1'b1", "1'b0"):
                yield make(text, file, start, end, constant, False, f"condition -> {constant}")
        # A default at the head of a block is not left out: that would be a latch, and no build would pass it.
        if kind == "value" and (code[:start].rstrip().endswith("<=") or begin - code.rfind("\n", 0, begin) > 5):
            yield make(text, file, begin, end + 1, ";", True, "assignment dropped")


def draw(texts: dict, seed: int, count: int) -> list:
    """`count` of all faults, by a hash of seed and change: an edit of the RTL changes only those near it."""
    ranked = {}
    for file, text in texts.items():
        seen = {}
        for f in all_faults(text, file):
            key = f"{seed} {file} {f.was} {f.now}"
            seen[key] = seen.get(key, 0) + 1
            digest = hashlib.sha256(f"{key} {seen[key]}".encode()).hexdigest()
            stem = file.rsplit("/", 1)[1].removesuffix(".sv")
            f.name = f"{stem}-{digest[:4]}"
            ranked[digest] = f
    return [ranked[d] for d in sorted(ranked)[:count]]


def by_hand(texts: dict, group: str, name: str, file: str, was: str, now: str) -> Fault:
    """A fault as scripts/mutants.py names it."""
    text = texts[file]
    lead, what, trail = was.split("@@") if "@@" in was else ("", was, "")
    if text.count(lead + what + trail) != 1:
        raise ValueError(f"{name}: {file} has {text.count(lead + what + trail)} times: {was}")
    start = text.index(lead + what + trail) + len(lead)
    f = make(text, file, start, start + len(what), now, what.endswith(";"), "by hand", name)
    f.group = group
    return f


def choice(f: Fault, was: str) -> str:
    c = f.file.endswith(".c")
    n = f"{'mutant' if c else 'mutant::n'} == {f.number}"
    if not f.statement:
        return f"({n} ? ({f.change}) : ({was}))"
    if c:
        return f"{{ if ({n}) {{ {f.change} }} else {{ {was} }} }}"
    return f"begin if ({n}) begin {f.change} end else begin {was} end end"


def render(text: str, faults: list, lo: int = 0, hi=None) -> str:
    """The text with every fault in it as a choice by number; their places lie apart or inside one another."""
    hi = len(text) if hi is None else hi
    out, at = [], lo
    for start, end in sorted({(f.start, f.end) for f in faults}, key=lambda s: (s[0], -s[1])):
        if start < at:
            if end > at:
                raise ValueError(f"{faults[0].file}: faults overlap at line {line_of(text, start)}")
            continue                                     # inside the one before
        inner = render(text, [f for f in faults if start <= f.start and f.end <= end and (f.start, f.end) != (start, end)], start, end)
        for f in [f for f in faults if (f.start, f.end) == (start, end)]:
            inner = choice(f, inner)
        out += [text[at:start], inner]
        at = end
    return "".join(out) + text[at:hi]
