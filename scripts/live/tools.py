# SPDX-License-Identifier: Apache-2.0
"""Group tools: the clients that are commands of their own (lockwire nc, wget, ping, udpecho), against Linux's nc, a real nginx and others."""
import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from live.bad import expect_usage_error
from live.common import IP, MIB, NIC_IP, PEER_IP, WIRE, expect, expect_equal, on_nic_host, run, sha256, spread
from testing import until
from live.nic import Nic

PORT, NOBODY = 20404, 9   # a port below those that Linux gives its clients


class Tool(Nic):
    """One of our clients, with standard input and output of its own."""

    def __init__(self, t, name, command, *args, under=()):
        super().__init__(t, name, under=under)
        self.cmd[self.cmd.index("run")] = command
        self.cmd += args

    def begin(self, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
        self.proc = subprocess.Popen(on_nic_host(*self.cmd), stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
        return self

    def finish(self, status=0, seconds=60):
        """Its standard output and what it said, once it has ended, and its recording was judged."""
        out, err = self.proc.communicate(timeout=seconds)
        expect_equal(self.proc.returncode, status, f"status ({err.decode().strip()[-300:]})")
        self.judge()
        shutil.rmtree(self.record)
        return out, err.decode()


def tool(t, name, command, *args, status=0, **kw):
    return Tool(t, name, command, *args).begin(**kw).finish(status)


def one_line(err, command, text):
    expect_equal(err, f"lockwire: {command}: {text}\n", "what it said")


def listens(port, protocol="tcp", state="0A"):
    """Somebody on the peer host does."""
    lines = [x.split() for x in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]]
    return any(x[1].endswith(f":{port:04X}") and x[3] == state for x in lines)


def answers_ping():
    return run("ping", "-c1", "-W1", NIC_IP).returncode == 0


def both_ways(t, name, start):
    """start(file for ours) -> (our process, Linux's): a file each way at once, compared."""
    files = {}
    for who in ("ours", "theirs"):
        files[who] = t.work / f"{name}.{who}"
        files[who].write_bytes(t.data(4 * MIB))
    got = {who: t.work / f"{name}.{who}.out" for who in files}
    with open(files["ours"], "rb") as i, open(got["ours"], "wb") as o, open(files["theirs"], "rb") as ti, open(got["theirs"], "wb") as to:
        ours, theirs = start(i, o, ti, to)
        try:
            _, err = ours.finish()
            expect_equal(err, "", "what it said")
            expect_equal(theirs.wait(30), 0, "status of Linux's nc")
        finally:
            theirs.kill()
            ours.kill()
    expect_equal(sha256(got["ours"].read_bytes()), sha256(files["theirs"].read_bytes()), "what came to us")
    expect_equal(sha256(got["theirs"].read_bytes()), sha256(files["ours"].read_bytes()), "what went to Linux")
    for path in (*files.values(), *got.values()):
        path.unlink()


def test_nc_connects(t):
    def start(i, o, ti, to):
        theirs = subprocess.Popen(["nc", "-N", "-l", PEER_IP, str(PORT)], stdin=ti, stdout=to)
        until(lambda: listens(PORT), 10, "Linux's nc listens")
        return Tool(t, "nc_connects", "nc", f"{PEER_IP}:{PORT}").begin(i, o), theirs
    both_ways(t, "nc_connects", start)


def test_nc_listens(t):
    def start(i, o, ti, to):
        ours = Tool(t, "nc_listens", "nc", str(PORT)).begin(i, o)
        until(answers_ping, 20, "it answers ping")
        return ours, subprocess.Popen(["nc", "-N", NIC_IP, str(PORT)], stdin=ti, stdout=to)
    both_ways(t, "nc_listens", start)


def test_nc_datagrams(t):
    """Ours speaks first, Linux's answers, ours ends by itself."""
    theirs = subprocess.Popen(["nc", "-u", "-l", PEER_IP, str(PORT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        until(lambda: listens(PORT, "udp", "07"), 10, "Linux's nc is there")
        ours = Tool(t, "nc_udp", "nc", f"{PEER_IP}:{PORT}", "udp").begin(subprocess.PIPE)
        ours.proc.stdin.write(b"question")
        ours.proc.stdin.close()
        ours.proc.stdin = None
        expect_equal(theirs.stdout.read(8), b"question", "what we sent")
        theirs.stdin.write(b"answer")
        theirs.stdin.flush()
        expect_equal(ours.finish()[0], b"answer", "what came back")
    finally:
        theirs.kill()
        theirs.communicate()


def test_nc_listens_for_datagrams(t):
    ours = Tool(t, "nc_udp_listens", "nc", str(PORT), "udp", "wait=2").begin(subprocess.PIPE)
    until(answers_ping, 20, "it answers ping")
    with subprocess.Popen(["nc", "-u", "-w", "3", NIC_IP, str(PORT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as theirs:
        theirs.stdin.write(b"hello\n")
        theirs.stdin.flush()
        ours.proc.stdin.write(b"you too\n")
        ours.proc.stdin.close()
        ours.proc.stdin = None
        out, _ = ours.finish()
        theirs.stdin.close()
        theirs.stdin = None
        said, _ = theirs.communicate(timeout=15)
    expect_equal((out, said), (b"hello\n", b"you too\n"), "what came to us, to Linux's nc")


def test_nc_refused(t):
    _, err = tool(t, "nc_refused", "nc", f"{PEER_IP}:{NOBODY}", status=2)
    one_line(err, "nc", "Connection refused")


def test_nc_tells_that_its_end_did_not_arrive(t):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        server.bind((PEER_IP, PORT))
        server.listen()
        ours = Tool(t, "nc_unread", "nc", f"{PEER_IP}:{PORT}", "wait=1").begin(subprocess.PIPE)
        with server.accept()[0]:
            ours.proc.stdin.write(t.data(30000))
            ours.proc.stdin.close()
            ours.proc.stdin = None
            _, err = ours.finish(status=2)
    expect_equal(err, "lockwire: not all that was sent was acknowledged before the end\n", "what it says")


def test_nc_gives_standard_input_back(t):
    """A socket cannot be opened again, so it is made non-blocking for all who have it: not for longer than we run."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(True)
        tool(t, "nc_socket", "nc", f"{PEER_IP}:{NOBODY}", status=2, stdin=ours)
        expect(os.get_blocking(ours.fileno()), "the socket that was standard input does not block any more")


def test_nc_broken_output(t):
    """Nobody reads what we get: one line, and the peer is reset."""
    with socket.create_server((PEER_IP, PORT)) as server:
        ours = Tool(t, "nc_broken", "nc", f"{PEER_IP}:{PORT}").begin(subprocess.PIPE)
        ours.proc.stdout.close()
        c, _ = server.accept()
        with c:
            t.ports["reset"].add(PORT)
            c.sendall(b"x")
            ours.proc.stdout = None
            _, err = ours.finish(2)
            one_line(err, "nc", "standard output: Broken pipe")


@contextlib.contextmanager
def real_nginx(t, root, *ports):
    """A real nginx on the peer host."""
    conf = t.work / "nginx.conf"
    conf.write_text(f"""daemon off; master_process off; pid {t.work}/nginx.pid; error_log {t.work}/nginx.log;
events {{}}
http {{ access_log off; client_body_temp_path {t.work}/b; proxy_temp_path {t.work}/p; fastcgi_temp_path {t.work}/f; uwsgi_temp_path {t.work}/u;
scgi_temp_path {t.work}/s; server {{ {" ".join(f"listen {PEER_IP}:{p};" for p in ports)} root {root}; }} }}
""")
    p = subprocess.Popen(["nginx", "-c", str(conf), "-e", str(t.work / "nginx.log")])
    try:
        until(lambda: all(map(listens, ports)) or p.poll() is not None, 20, "nginx listens")
        yield
    finally:
        p.terminate()
        p.wait()


def make_root(t):
    root = t.work / "www"
    root.mkdir(exist_ok=True)
    (root / "big.bin").write_bytes(t.data(8 * MIB))
    return root


def test_wget_from_nginx(t):
    root = make_root(t)
    out = t.work / "wget.out"
    with real_nginx(t, root, 8080, 8082):
        _, err = tool(t, "wget_nginx", "wget", f"http://{PEER_IP}:8080/big.bin", f"out={out}")
        one_line(err, "wget", f"{8 * MIB} bytes to {out}")
        expect_equal(sha256(out.read_bytes()), sha256((root / "big.bin").read_bytes()), "the file")
        _, err = tool(t, "wget_nginx_none", "wget", f"http://{PEER_IP}:8082/none", f"out={t.work / 'none'}", status=1)
        t.ports["reset"].add(8082)   # it does not wait for the page that says so
        one_line(err, "wget", "404 Not Found")
        expect(not (t.work / "none").exists(), "a file was made of nothing")
    out.unlink()


def test_wget_from_python(t):
    """Another server, its answer to standard output."""
    root = make_root(t)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kw):
            super().__init__(*args, directory=str(root), **kw)

        def log_message(self, *args):
            pass
    with http.server.ThreadingHTTPServer((PEER_IP, 8081), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out, err = tool(t, "wget_python", "wget", f"{PEER_IP}:8081/big.bin", "out=-")
        expect_equal(sha256(out), sha256((root / "big.bin").read_bytes()), "the file")
        one_line(err, "wget", f"{8 * MIB} bytes to standard output")
        server.shutdown()


def test_wget_refused(t):
    _, err = tool(t, "wget_refused", "wget", f"{PEER_IP}:{NOBODY}/x", f"out={t.work / 'none'}", status=2)
    one_line(err, "wget", "Connection refused")
    expect(not (t.work / "none").exists(), "a file was made of nothing")


@contextlib.contextmanager
def udp_echo(spoil=False, every=1):
    """On the peer host; leaves out all but each `every`-th datagram, or spoils them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((PEER_IP, PORT))

        def serve():
            n = 0
            while True:
                data, peer = s.recvfrom(65536)
                if not data and peer[0] == PEER_IP:
                    return
                if n % every == 0:
                    s.sendto(data[:-1] + bytes([data[-1] ^ 1]) if spoil else data, peer)
                n += 1
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            s.sendto(b"", (PEER_IP, PORT))
            thread.join(5)


def test_udpecho(t):
    to = f"{PEER_IP}:{PORT}"
    with udp_echo():
        out, err = tool(t, "udpecho", "udpecho", to, "count=5", "interval=50", "size=1000")
        lines = out.decode().splitlines()
        expect_equal((len(lines), err), (6, ""), "lines")
        expect(lines[0].startswith("0: 1000 bytes after ") and lines[5].startswith("5 sent, 5 came back, after "), out.decode())
    with udp_echo(every=2):
        _, err = tool(t, "udpecho_lossy", "udpecho", to, "count=4", "interval=50", "timeout=500", status=1)
        one_line(err, "udpecho", "2 of 4 came back")
    with udp_echo(spoil=True):
        _, err = tool(t, "udpecho_spoilt", "udpecho", to, "count=1", status=1)
        one_line(err, "udpecho", "1 came back otherwise than they were sent")
    out, err = tool(t, "udpecho_refused", "udpecho", to, "count=1", "timeout=500", status=1)
    expect_equal(out, b"0: Connection refused\n", "a closed port")


def test_ping_fails(t):
    """Nobody there, and nothing coming back. (How it goes well: group net; what routers say: group path.)"""
    out, err = tool(t, "ping_nobody", "ping", "10.99.0.77", "count=1", "timeout=4000", status=1)
    expect_equal((out.decode().splitlines()[1], err), (f"From {NIC_IP} icmp_seq=1 No route to host", ""), "of who is not there")
    out, err = tool(t, "ping_lost", "ping", PEER_IP, "count=2", "interval=50", "timeout=200", "--fault", "rx:loss=1", status=1)
    expect("\n2 packets transmitted, 0 received, 100% packet loss, time " in out.decode(), f"{out.decode()}{err}")


# name: command and what follows --wire and --ip, a word that the one line must hold
BAD = {
    "nc_without_target": (("nc",), "ADDR:PORT"),
    "nc_bad_target": (("nc", "localhost:80"), "localhost:80"),
    "nc_unknown_option": (("nc", f"{PEER_IP}:80", "loud"), "loud"),
    "nc_bad_wait": (("nc", f"{PEER_IP}:80", "wait=0"), "wait=0"),
    "wget_without_url": (("wget",), "URL"),
    "wget_https": (("wget", f"https://{PEER_IP}/"), "https"),
    "wget_two_urls": (("wget", f"{PEER_IP}/", f"{PEER_IP}/"), PEER_IP),
    "udpecho_without_target": (("udpecho",), "to=ADDR:PORT"),
    "udpecho_bad_size": (("udpecho", f"{PEER_IP}:7", "size=70000"), "size=70000"),
    "udpecho_bad_ttl": (("udpecho", f"{PEER_IP}:7", "ttl=256"), "ttl=256"),
    "ping_without_target": (("ping",), "to=ADDR"),
    "ping_a_port": (("ping", f"{PEER_IP}:7"), f"{PEER_IP}:7"),
    "ping_a_name": (("ping", "localhost"), "localhost"),
    "ping_bad_count": (("ping", PEER_IP, "count=x"), "count=x"),
    "ping_no_way": (("ping", "192.0.2.1"), "Network is unreachable"),
    "ping_broadcast": (("ping", "255.255.255.255"), "Network is unreachable"),
    "echo_client_bad_size": (("echo-client", f"{PEER_IP}:7", "bytes=0"), "bytes=0"),
    "shell_argument": (("shell", "quickly"), "quickly"),
    "shell_empty_history": (("shell", "history="), "history"),
    "client_app": (("nc", f"{PEER_IP}:80", "--app", "echo:7"), "--app"),
    "client_bad_port": (("nc", f"{PEER_IP}:80", "--port", "0"), "--port"),
    "client_no_way": (("nc", "192.0.2.1:80"), "Network is unreachable"),
    "server_is_no_command": (("httpd", "root=/"), "httpd"),
}


def group(t):
    t.case("nc_connects_to_linux_nc_a_file_each_way", test_nc_connects, t)
    t.case("nc_listens_for_linux_nc_a_file_each_way", test_nc_listens, t)
    t.case("nc_exchanges_datagrams", test_nc_datagrams, t)
    t.case("nc_listens_for_datagrams_of_linux_nc", test_nc_listens_for_datagrams, t)
    t.case("nc_tells_that_nobody_is_there", test_nc_refused, t)
    t.case("nc_tells_that_its_end_did_not_arrive", test_nc_tells_that_its_end_did_not_arrive, t)
    t.case("nc_gives_standard_input_back", test_nc_gives_standard_input_back, t)
    t.case("nc_tells_that_nobody_reads", test_nc_broken_output, t)
    t.case("wget_from_a_real_nginx", test_wget_from_nginx, t)
    t.case("wget_from_another_server_to_standard_output", test_wget_from_python, t)
    t.case("wget_tells_that_nobody_is_there", test_wget_refused, t)
    t.case("udpecho_counts_what_comes_back", test_udpecho, t)
    t.case("ping_tells_that_nobody_answers", test_ping_fails, t)
    for name, ((command, *args), word) in BAD.items():
        t.case(f"bad_{name}", expect_usage_error, on_nic_host(t.lockwire, command, *spread(WIRE, IP), *args), word)
