# SPDX-License-Identifier: Apache-2.0
"""Captures made by hand: one module a topic, each case a function whose text is the paragraph that is kept beside its capture."""
import struct

CASES = {}   # name: Case, in the order of the modules


class Case:
    """A function that fills a Capture, and what is written beside it."""

    def __init__(self, name, build, rfc, args):
        self.name, self.build, self.rfc, self.args = name, build, rfc, args

    @property
    def why(self):
        lines = [line.strip() for line in self.build.__doc__.strip().splitlines()]
        return "\n".join(lines) + (f"\n\n{self.rfc}." if self.rfc else "") + "\n"


def case(rfc="", args=""):
    """Names a case after its function: syn_again becomes syn-again, and its topic is what stands before the first dash."""
    def keep(build):
        name = build.__name__.replace("_", "-")
        if name in CASES:
            raise ValueError(f"two cases called {name}")
        CASES[name] = Case(name, build, rfc, args)
        return build
    return keep


def pcap(frames) -> bytes:
    """[(microseconds, frame)] as a capture file of Ethernet frames, the same in every run."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for us, data in frames:
        out.append(struct.pack("<IIII", 1_700_000_000 + us // 1_000_000, us % 1_000_000, len(data), len(data)) + data)
    return b"".join(out)
