# SPDX-License-Identifier: Apache-2.0
"""Group repair: each segment that the fault wire lost is matched to the segment that repaired it, and that came by SACK or by
duplicate ACKs, not by a timeout, nine times of ten.

No timeout comes before 200 ms (the least RTO of the NIC, and of Linux), so a repair that left sooner was no timeout's."""
import collections
import re

from live.common import CASE_SECONDS, ECHO, MIB, expect, finish_nc, start_nc, tshark

MIB_SENT = 100
FAULT = "loss=0.001"
RTO_MIN_US = 200_000
LEAST_SHARE = 0.9
LINE = re.compile(r"t=(\d+) dir=(rx|tx) frame=\d+ fault=(\w+) len=(\d+) head=([0-9a-f]+)")
ETH, IP = 14, 20

# end: behind the last byte; seq modulo 2^32. key: (way, peer's port).
Segment = collections.namedtuple("Segment", "us key seq length ip_id")


def lost_segments(log):
    """Segments with payload that were lost, at the run's own time."""
    found = []
    for us, way, fault, _, head in LINE.findall(log):
        frame = bytes.fromhex(head)
        tcp = ETH + IP
        if fault != "loss" or frame[12:14] != b"\x08\x00" or frame[ETH + 9] != 6:
            continue
        def be(at, n):
            return int.from_bytes(frame[at:at + n], "big")
        length = be(ETH + 2, 2) - IP - (frame[tcp + 12] >> 4) * 4
        port = be(tcp + 2 if way == "tx" else tcp, 2)
        if length > 0:
            found.append(Segment(int(us), (way, port), be(tcp + 4, 4), length, be(ETH + 4, 2)))
    return found


def seen_segments(path):
    """Segments with payload as the NIC saw and sent them, at the capture's time; what was lost on its way out is among them."""
    rows = tshark(path, "-Y", "tcp.len > 0", "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.comment", "-e", "tcp.srcport",
                  "-e", "tcp.dstport", "-e", "tcp.seq_raw", "-e", "tcp.len", "-e", "ip.id").splitlines()
    found = []
    for epoch, comment, src, dst, seq, length, ip_id in (row.split("\t") for row in rows):
        seconds, _, rest = epoch.partition(".")
        way = re.search(r"dir=(rx|tx)", comment).group(1)
        port = int(dst if way == "tx" else src)
        found.append(Segment(int(seconds) * 1_000_000 + int(rest[:6]), (way, port), int(seq), int(length), int(ip_id, 16)))
    return found


def clock_offset(lost, seen):
    """Between the capture's time and the run's: a segment lost on its way out stands in both."""
    for one in (s for s in lost if s.key[0] == "tx"):
        for other in seen:
            if (other.key, other.seq, other.length, other.ip_id) == (one.key, one.seq, one.length, one.ip_id):
                return other.us - one.us
    return None


def covers(segment, seq):
    return (seq - segment.seq) % 2**32 < segment.length


def delays(lost, seen):
    """Of each lost segment, its way, and microseconds until its first byte went again; None: never. Those that had gone before and
    were needed no more are left out."""
    offset = clock_offset(lost, seen)
    expect(offset is not None, "no segment was lost on its way out")
    by_key = collections.defaultdict(list)
    for s in seen:
        by_key[s.key].append(s)
    found = []
    for one in lost:
        at = one.us + offset
        later = (s.us - at for s in by_key[one.key] if covers(s, one.seq) and (s.us > at or (s.us == at and s.ip_id != one.ip_id)))
        us = next(later, None)
        if us is not None or not any(covers(s, one.seq) and s.us < at for s in by_key[one.key]):
            found.append((one.key[0], us))
    return found


def test_repairs(t, nic):
    finish_nc(start_nc(t, nic.name, t.data(MIB_SENT * MIB)), CASE_SECONDS - 10)
    nic.end_when_quiet(lossy=True)
    found = delays(lost_segments((nic.record / "faults.log").read_text()), seen_segments(nic.record / "wire.pcapng"))
    for way, who in ("tx", "the NIC"), ("rx", "its peer"):
        times = [us for lost_way, us in found if lost_way == way]
        fast = [us for us in times if us is not None and us < RTO_MIN_US]
        print(f"  {who}: {len(times)} segments lost, {len(fast)} repaired without a timeout, {times.count(None)} never")
        expect(times and None not in times, f"a segment of {who} that was lost never came again")
        expect(len(fast) >= LEAST_SHARE * len(times), f"{who} waited for a timeout {len(times) - len(fast)} times of {len(times)}")


def group(t):
    with t.run_of("repair", "--app", f"echo:{ECHO}", "--fault", f"{FAULT},seed={t.seed}") as nic:
        if nic:
            t.case("repair_nine_of_ten_losses_without_a_timeout", test_repairs, t, nic)
