# SPDX-License-Identifier: Apache-2.0
"""Group agreed: a peer with and without SACK, with and without time stamps, and we with --options minimal, over a wire that does harm."""
import contextlib
from pathlib import Path

from live.common import ECHO, MIB, expect_equal, finish_nc, start_nc, tshark
from live.nic import LEFT, stat

MIB_SENT = 4
FAULT = "loss=0.01,dup=0.01,reorder=0.02"


@contextlib.contextmanager
def peer_has(**settings):
    """The peer's kernel with these of net.ipv4.tcp_*, in this namespace alone."""
    paths = {Path(f"/proc/sys/net/ipv4/tcp_{name}"): str(value) for name, value in settings.items()}
    was = {path: path.read_text() for path in paths}
    for path, value in paths.items():
        path.write_text(value)
    try:
        yield
    finally:
        for path, value in was.items():
            path.write_text(value)


def test_agreed(t, nic, sack, timestamps, scale=True):
    """What both can is in the handshake's answer, and in the segments after it; nothing else is."""
    finish_nc(start_nc(t, nic.name, t.data(MIB_SENT * MIB)), 100)
    expect_equal(stat(nic.end_when_quiet(lossy=True), LEFT), 0, LEFT)
    rows = tshark(nic.record / "wire.pcapng", "-Y", f"tcp.srcport == {ECHO}", "-T", "fields", "-e", "tcp.flags.syn", "-e",
                  "tcp.options.sack_perm", "-e", "tcp.options.wscale.shift", "-e", "tcp.options.timestamp.tsval", "-e",
                  "tcp.options.sack.count").splitlines()
    frames = [row.split("\t") for row in rows]
    answers = [f[1:4] for f in frames if f[0] in ("1", "True")]
    expect_equal({(bool(perm), bool(shift), bool(stamp)) for perm, shift, stamp in answers}, {(sack, scale, timestamps)},
                 "SACK, window scale, time stamp in the answer to the SYN")
    expect_equal(all(f[3] for f in frames), timestamps, "every segment has a time stamp")
    expect_equal(any(f[4] for f in frames), sack, "there are SACK blocks")


def group(t):
    for sack in (True, False):
        for timestamps in (True, False):
            name = f"agreed_{'' if sack else 'no_'}sack_{'' if timestamps else 'no_'}timestamps"
            with peer_has(sack=int(sack), timestamps=int(timestamps)), \
                 t.run_of(name, "--app", f"echo:{ECHO}", "--fault", f"{FAULT},seed={t.seed}") as nic:
                if nic:
                    t.case(f"{name}_4_mib", test_agreed, t, nic, sack, timestamps)
    with peer_has(sack=1, timestamps=1), t.run_of("agreed_minimal", "--app", f"echo:{ECHO}", "--options", "minimal", "--fault", f"{FAULT},seed={t.seed}") as nic:
        if nic:
            t.case("agreed_minimal_4_mib", test_agreed, t, nic, False, False, False)
