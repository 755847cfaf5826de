# SPDX-License-Identifier: Apache-2.0
"""Group httpd: curl and wrk get files; path tricks, slow clients and huge heads get nothing but an answer."""
import concurrent.futures
import contextlib
import email.utils
import os
import re
import shutil
import time

from live.common import FLOWS, MIB, NIC_IP, ask, connect, expect, expect_equal, must, recv_exactly, run, sha256
from live.nic import LEFT, stat

HTTP, TIMEOUT = 80, 3
URL = f"http://{NIC_IP}"


def make_tree(t):
    """The root, and beside it a file that nobody may get."""
    top = t.work / "httpd"
    shutil.rmtree(top, ignore_errors=True)
    root = top / "root"
    for d in ("sub", "list", "shut"):
        (root / d).mkdir(parents=True)
    (top / "secret").write_text("secret\n")
    (root / "big.bin").write_bytes(t.data(8 * MIB))
    (root / "small.txt").write_text("small\n")
    (root / "sub/index.html").write_text("<p>sub\n")
    (root / "list/a&b.txt").write_text("x")
    (root / "shut/file").write_text("secret\n")
    (root / "closed").write_text("secret\n")
    (root / "link").symlink_to("../secret")
    os.mkfifo(root / "fifo")
    (root / "shut").chmod(0)
    (root / "closed").chmod(0)
    return root


def curl(*args, **kw):
    return must("curl", "-sS", "--max-time", "60", *args, **kw)


def status(*args):
    return curl("-o", "/dev/null", "-w", "%{http_code}", *args)


def test_whole(t, root):
    out = t.work / "curl"
    for path, file in (("big.bin", "big.bin"), ("small.txt", "small.txt"), ("sub/", "sub/index.html")):
        curl("-o", str(out), f"{URL}/{path}")
        expect_equal(sha256(out.read_bytes()), sha256((root / file).read_bytes()), path)
        out.unlink()


def test_ranges(t, root):
    data = (root / "big.bin").read_bytes()
    out = t.work / "range"
    for spec, want in (("0-0", data[:1]), ("1000000-1999999", data[1000000:2000000]), ("-5", data[-5:]), ("8388600-", data[8388600:])):
        curl("--range", spec, "-o", str(out), f"{URL}/big.bin")
        expect(out.read_bytes() == want, f"range {spec}: {out.stat().st_size} bytes, not those")
    many = curl("--range", "0-3,10-12,-2", f"{URL}/small.txt")   # 10-12 is beyond it
    expect_equal((many.count("--lockwire-part-of-a-file\n"), "\n\nsmal\n" in many, "\n\nl\n\n" in many), (2, True, True), many)
    expect_equal(status("--range", "8388608-", f"{URL}/big.bin"), "416", "a range behind the end")
    out.write_bytes(data[:5 * MIB])
    curl("-C", "-", "-o", str(out), f"{URL}/big.bin")
    expect_equal(sha256(out.read_bytes()), sha256(data), "what curl went on with")
    out.unlink()


def test_fields():
    head = curl("-I", f"{URL}/small.txt")
    for want in ("HTTP/1.1 200 OK\n", "Content-Type: text/plain; charset=utf-8\n", "Content-Length: 6\n", "Accept-Ranges: bytes\n"):
        expect(want in head, f"no {want!r} in {head!r}")
    date = email.utils.parsedate_to_datetime(re.search(r"Date: (.*)", head).group(1))
    expect(abs(time.time() - date.timestamp()) < 10, f"Date is {date}")
    modified = re.search(r"Last-Modified: (.*)", head).group(1)
    expect_equal(status("-z", modified, f"{URL}/small.txt"), "304", "not modified since it was")
    expect_equal(status("-z", "Sun, 06 Nov 1994 08:49:37 GMT", f"{URL}/small.txt"), "200", "modified since 1994")
    tag = re.search(r'ETag: (".*")', head).group(1)
    expect_equal(status("-H", f"If-None-Match: {tag}", f"{URL}/small.txt"), "304", "the tag matches")
    expect('<a href="a%26b.txt">a&amp;b.txt</a>' in curl(f"{URL}/list/"), "the list of a directory")
    expect_equal(curl("-o", "/dev/null", "-w", "%{redirect_url}", f"{URL}/sub"), f"{URL}/sub/", "where a directory is")


def test_keep_alive():
    out = curl("-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", *[f"{URL}/small.txt"] * 3)
    expect_equal(out, "1 0 0 ", "connections that three requests took")
    expect_equal(status("--http1.0", f"{URL}/small.txt"), "200", "HTTP/1.0")


def test_path_tricks():
    tricks = {"/../secret": "404", "/sub/../../secret": "404", "/%2e%2e/secret": "404", "/..%2fsecret": "404", "/link": "404", "/fifo": "404",
              "/shut/file": "403", "/closed": "403", "/%00": "400", "/none": "404", "//small.txt": "200"}
    for path, want in tricks.items():
        expect_equal(status("--path-as-is", f"{URL}{path}"), want, path)
        expect("secret" not in curl("--path-as-is", f"{URL}{path}", "-o", "-"), f"{path} came out")


def test_refusals():
    field = b"X: " + b"x" * 100 + b"\r\n"
    for request, want in ((b"GET / HTTP/1.1\r\n\r\n", 400), (b"\x16\x03\x01\x00\xff", 400), (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
                          (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501), (b"GET / HTTP/2.0\r\n\r\n", 505),
                          (b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n\r\n", 414), (b"GET / HTTP/1.1\r\n" + field * 5000 + b"\r\n", 431)):
        got = ask((NIC_IP, HTTP), request)
        expect(got.startswith(b"HTTP/1.1 %d " % want) and got.endswith(b"\n"), f"{request[:30]!r}: {got[:60]!r}")


def test_slow_clients(t):
    """Most of the flows are held by clients that trickle; others are served meanwhile, and they are let go."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect((NIC_IP, HTTP))) for _ in range(FLOWS * 3 // 4)]
        t.ports["reset"].update(s.getsockname()[1] for s in slow)
        began = time.monotonic()
        ended = {}
        while len(ended) < len(slow) and time.monotonic() - began < 3 * TIMEOUT:
            for s in slow:
                if s in ended:
                    continue
                with contextlib.suppress(OSError):
                    s.setblocking(False)
                    s.send(b"G")
                    got = s.recv(1000)
                    ended[s] = (time.monotonic() - began, got[:12])
            expect_equal(status(f"{URL}/small.txt"), "200", "somebody else's request")
    expect_equal(len(ended), len(slow), "slow clients that were told")
    seconds, said = zip(*ended.values())
    expect_equal(set(said), {b"HTTP/1.1 408"}, "what they were told")
    expect(min(seconds) > TIMEOUT - 1 and max(seconds) < TIMEOUT + 2, f"after {min(seconds):.1f} to {max(seconds):.1f} s")


def test_slow_reader(t):
    """One that takes nothing of its answer is reset."""
    with connect((NIC_IP, HTTP)) as s:
        t.ports["reset"].add(s.getsockname()[1])
        s.sendall(b"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(TIMEOUT + 2)   # what the server has to bear
        try:
            while s.recv(1 << 20):
                pass
            expect(False, "the answer ended in order")
        except ConnectionResetError:
            pass


def test_many(root):
    """64 connections at once, each with 50 requests, every byte compared."""
    want = (root / "small.txt").read_bytes()

    def client(_):
        with connect((NIC_IP, HTTP)) as s:
            for _ in range(50):
                s.sendall(b"GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n")
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += recv_exactly(s, 1)
                expect(head.startswith(b"HTTP/1.1 200 OK\r\n") and recv_exactly(s, len(want)) == want, f"answered {head!r}")
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(client, range(64)))


def test_wrk():
    out = run("wrk", "-t", "2", "-c", "64", "-d", "5s", "--timeout", "10s", f"{URL}/small.txt", seconds=60)
    expect_equal(out.returncode, 0, f"wrk's status ({out.stderr.strip()[-200:]})")
    expect("requests in" in out.stdout and "Socket errors" not in out.stdout and "Non-2xx" not in out.stdout, out.stdout)


def test_nothing_left(nic):
    stats = nic.end_when_quiet()
    expect_equal(stat(stats, LEFT), 0, LEFT)


def group(t):
    root = make_tree(t)
    with t.run_of("httpd", "--app", f"httpd:{HTTP},root={root},timeout={TIMEOUT}") as nic:
        if not nic:
            return
        t.case("httpd_curl_gets_files_whole", test_whole, t, root)
        t.case("httpd_curl_gets_ranges_and_resumes", test_ranges, t, root)
        t.case("httpd_says_what_a_file_is", test_fields)
        t.case("httpd_keeps_connections_alive", test_keep_alive)
        t.case("httpd_lets_no_path_out_of_its_root", test_path_tricks)
        t.case("httpd_refuses_what_it_should", test_refusals)
        t.case("httpd_bears_slow_clients", test_slow_clients, t)
        t.case("httpd_gives_up_who_does_not_read", test_slow_reader, t)
        t.case("httpd_64_connections_at_once", test_many, root)
        t.case("httpd_wrk_with_64_connections", test_wrk)
        t.case("httpd_leaves_nothing", test_nothing_left, nic)
    for shut in (root / "shut", root / "closed"):
        shut.chmod(0o755)
