# SPDX-License-Identifier: Apache-2.0
"""Group shell: lockwire shell from a pipe, and in a real terminal (tmux): files both ways, addresses and routes, lines that are wrong."""
import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from live.common import IP, MIB, NIC_IP, PEER_IP, WIRE, Fail, expect, expect_equal, kernel_echo, must, on_nic_host, run, sha256, spread
from testing import until
from live.far import FAR_IP, far_host
from live.nic import descriptors
from live.tools import Tool, listens, one_line

PORT, FILE_BYTES = 20500, 20 * MIB   # a port below those that Linux gives its clients
TITLE = "sid  type state        local                 peer                   to read  to send"
MORE_IP = "10.99.0.9"
# One line is said of each, and nothing else comes of it.
BAD_LINES = ("nonsense", "a", "a 0", "a 65536", "a x", "a 1 2", "c", f"c {PEER_IP}", "c localhost 7", f"c {PEER_IP} 0", f"c {PEER_IP} 9", "c 192.0.2.1 7", "ls x",
             "s", "s 0", "s 7 x", "r", "r 0", "r 0 0", "r 99 1", "cl", "cl 0", "cl x", "sf", "sf x", f"sf /nowhere {PEER_IP} 7", f"sf / {PEER_IP} 7", "sf /etc/passwd x 7",
             "rf", "rf x", "rf / 4000", "rf /nowhere/x 4000", "rf /dev/full 4000", "li x", "lr x", "st", "st 5", "help x", "q x", "ifconfig x",
             "ifconfig add", "ifconfig add 10.0.0.1", "ifconfig add 10.0.0.0/24", f"ifconfig add {NIC_IP}/24", "ifconfig del 10.0.0.1", "route add",
             "route add default 192.0.2.1", "route add 10.1.0.1/16", "route del default", "route x default", "x" * 4200)


class Shell(Tool):
    """The shell with lines from a pipe; what it says is kept."""

    def __init__(self, t, name, *args):
        super().__init__(t, name, "shell", *args)
        self.said = t.work / f"{name}.said"
        with open(self.said, "wb") as out:
            self.begin(subprocess.PIPE, out)
        self.proc.stdout = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def type(self, line):
        self.proc.stdin.write(line.encode() + b"\n")
        self.proc.stdin.flush()

    def lines(self):
        return self.said.read_text().splitlines()

    def await_line(self, text, seconds=20):
        return until(lambda: [x for x in self.lines() if text in x], seconds, f"the shell says '{text}', but: {self.lines()[-3:]}")[-1]

    def leave(self, status=0):
        self.proc.stdin.close()
        self.proc.stdin = None
        return self.finish(status)[1]


@contextlib.contextmanager
def linux_nc(t, name, *args, stdin=None):
    """A nc on the peer host, what it gets in a file; killed if it has not ended."""
    out = t.work / f"{name}.nc"
    with open(out, "wb") as o, open(stdin, "rb") if stdin else contextlib.nullcontext(subprocess.PIPE) as i:
        p = subprocess.Popen(["nc", *args], stdin=i, stdout=o)
    try:
        if "-l" in args:
            until(lambda: listens(PORT), 10, "Linux's nc listens")
        yield p, out
    finally:
        p.kill()
        p.communicate()


def test_pipe(t):
    """A connection from us, one to us, and what is known of them."""
    with Shell(t, "shell_pipe") as sh:
        with linux_nc(t, "shell_c", "-N", "-l", PEER_IP, str(PORT)) as (p, out):
            sh.type(f"c {PEER_IP} {PORT}\ns 0 hello,  world\nls")
            until(lambda: out.read_bytes() == b"hello,  world", 10, "what we sent is there")
            p.stdin.write(b"line\n")
            p.stdin.flush()
            sh.type("r 0 100\nst 0\ncl 0\nls")
            sh.await_line("read 5 bytes: line\\n")
            until(lambda: p.poll() == 0, 10, "nc ends")
        sh.type(f"a {PORT}")
        sh.await_line(f"listens on port {PORT}")
        with linux_nc(t, "shell_a", "-N", NIC_IP, str(PORT)) as (p, out):
            sid = sh.await_line("come to socket 0").split()[1]
            sh.type(f"s {sid} welcome\nls\ncl {sid}\ncl 0")
            until(lambda: out.read_bytes() == b"welcome", 10, "what we said to who came")
            p.stdin.close()
            until(lambda: p.poll() == 0, 10, "nc ends")
            p.stdin = None
        said = sh.await_line("socket 0 is closed") and sh.lines()
        expect_equal(sh.leave(), "", "what it said at the end")
        for want in ("socket 0 is connected", "sent 13 bytes", "socket 0: ESTABLISHED, flow ", "receive  open=1 ", "send     open=1 "):
            expect(any(x.startswith(want) for x in said), f"no line '{want}' in {said}")
        expect(any(x.startswith("0    tcp  LISTEN       *:") for x in said), f"no listener in {said}")
        expect_equal(said.count(TITLE), 3, "tables")


def test_bad_lines(t):
    """A line each, and nothing of them stays: neither sockets nor descriptors nor addresses."""
    with Shell(t, "shell_bad") as sh:
        sh.type("ls\nli\nlr")
        sh.await_line("on the link")
        before, fds = sh.lines(), descriptors(sh.proc.pid)
        for n, line in enumerate(BAD_LINES):
            sh.type(line)
            until(lambda n=n: len(sh.lines()) > len(before) + n, 10, f"a word on {line[:50]}")
        sh.type("ls\nli\nlr")
        until(lambda: len(sh.lines()) >= 2 * len(before) + len(BAD_LINES), 10, "the tables again")
        expect_equal(sh.lines()[len(before) + len(BAD_LINES):], before, "sockets, addresses, routes")
        expect_equal(descriptors(sh.proc.pid), fds, "descriptors")
        one_line(sh.leave(2), "shell", f"{len(BAD_LINES)} of the lines failed")


def test_addresses_and_routes(t):
    """Changed while it runs: Linux sees a new address come and go, we reach another network by a new route."""
    def ping(ip):
        return run("ping", "-c1", "-W1", ip).returncode == 0

    with Shell(t, "shell_net") as sh:
        with far_host() as far, kernel_echo(far.on, FAR_IP, PORT):
            sh.type(f"c {FAR_IP} {PORT}")
            sh.await_line("Network is unreachable")
            sh.type(f"route add default {PEER_IP}\nifconfig add {MORE_IP}/24\nli\nlr\nc {FAR_IP} {PORT}\ns 0 there and back\nr 0 100")
            sh.await_line("read 14 bytes: there and back")
            for ip in (MORE_IP, NIC_IP):
                until(lambda ip=ip: ping(ip), 5, f"{ip} answers")
            sh.type(f"cl 0\nifconfig del {MORE_IP}\nroute del default\nlr\nc {FAR_IP} {PORT}")
            until(lambda: sum("Network is unreachable" in x for x in sh.lines()) == 2, 10, "the route is gone")
            expect(not ping(MORE_IP) and ping(NIC_IP), "which addresses answer")
        said = sh.lines()
        for want in (f"inet {MORE_IP}/24", f"default            via {PEER_IP}", f"10.99.0.0/24       on the link, from {MORE_IP}"):
            expect_equal(said.count(want), 1, want)
        one_line(sh.leave(2), "shell", "2 of the lines failed")


def test_standard_ends(t):
    """Without standard input it ends at once; what cannot be said is an error, once."""
    for redirection, status, text in (("<&-", 0, ""), (">/dev/full", 2, "lockwire: shell: standard output cannot be written\n")):
        command = (t.lockwire, "shell", "--engine", t.engine, *spread(WIRE, IP))
        r = run(*on_nic_host("sh", "-c", f'exec "$@" {redirection}', "sh", *command), seconds=10, input="li\n")
        expect_equal((r.returncode, r.stderr), (status, text), f"status and words with {redirection}")


# --- in a terminal ---------------------------------------------------------------------------------------------------


class Terminal:
    """A tmux of its own, with one command in it."""

    def __init__(self, directory, cmd):
        self.status = Path(directory) / "status"
        self.tmux = ["tmux", "-S", str(Path(directory) / "socket"), "-f", "/dev/null"]
        must(*self.tmux, "new-session", "-d", "-x", "250", "-y", "50", f"{shlex.join(cmd)}; echo $? >{shlex.quote(str(self.status))}")

    def keys(self, *names):
        must(*self.tmux, "send-keys", *names)

    def type(self, line):
        must(*self.tmux, "send-keys", "-l", line)
        self.keys("Enter")

    def screen(self):
        return run(*self.tmux, "capture-pane", "-p").stdout.rstrip("\n").split("\n")

    def await_line(self, text, seconds=30):
        try:
            return until(lambda: [x for x in self.screen() if text in x], seconds, text)[-1]
        except Fail as e:
            raise Fail(f"no '{text}' on the screen: {self.screen()}") from e

    def end(self):
        run(*self.tmux, "kill-server")


def judge(tool):
    tool.judge()
    shutil.rmtree(tool.record)


@contextlib.contextmanager
def terminal(t, name, *args):
    with tempfile.TemporaryDirectory() as directory:
        tool = Tool(t, name, "shell", *args)
        term = Terminal(directory, on_nic_host(*tool.cmd))
        try:
            term.await_line("lockwire>")
            yield term
            term.type("q")
            until(term.status.exists, 20, "the shell has ended")
            expect_equal(term.status.read_text(), "0\n", "the shell's status")
        finally:
            term.end()
        judge(tool)


def make_file(t, name):
    path = t.work / name
    path.write_bytes(t.data(FILE_BYTES))
    return path


def test_terminal_files(t):
    """A file each way at once, with sha256."""
    ours, theirs, got = make_file(t, "shell.ours"), make_file(t, "shell.theirs"), t.work / "shell.got"
    with terminal(t, "shell_files") as term, linux_nc(t, "shell_sf", "-l", PEER_IP, str(PORT), stdin="/dev/null") as (p, out):
        term.type(f"rf {got} {PORT}")
        term.await_line(f"waits on port {PORT}")
        term.type(f"sf {ours} {PEER_IP} {PORT}")
        with linux_nc(t, "shell_rf", "-N", NIC_IP, str(PORT), stdin=theirs) as (q, _):
            term.await_line(f"{FILE_BYTES} bytes to {PEER_IP}:{PORT}")
            term.await_line(f"{FILE_BYTES} bytes from {PEER_IP}:")
            expect_equal((p.wait(20), q.wait(20)), (0, 0), "status of Linux's nc")
        expect_equal(sha256(out.read_bytes()), sha256(ours.read_bytes()), "what was sent")
        expect_equal(sha256(got.read_bytes()), sha256(theirs.read_bytes()), "what was received")
    for path in (ours, theirs, got, out):
        path.unlink()


def test_terminal_editing(t):
    """Keys edit the line, earlier lines come again, also from the last time; what is said goes round the line being typed."""
    history = t.work / "shell.history"
    history.unlink(missing_ok=True)
    with terminal(t, "shell_keys", f"history={history}") as term:
        must(*term.tmux, "send-keys", "-l", "xhelx")
        term.keys("BSpace", "p", "C-a", "C-d", "Enter")                # help
        term.await_line("close everything and leave")
        must(*term.tmux, "send-keys", "-l", f"a {PORT}0")
        term.keys("BSpace", "Enter")
        term.await_line(f"socket 0 listens on port {PORT}")
        must(*term.tmux, "send-keys", "-l", "half a line")
        term.await_line("lockwire> half a line")
        with socket.create_connection((NIC_IP, PORT), 10) as s:
            s.settimeout(10)
            term.await_line("come to socket 0")
            until(lambda: term.screen()[-1] == "lockwire> half a line", 5, f"the line stands again below: {term.screen()}")
            term.keys("C-u")
            term.type("s 1 hello")
            expect_equal(s.recv(100), b"hello", "what was typed")
            term.type("cl 1")
            expect_equal(s.recv(100), b"", "the end")
        term.keys("Up", "Up", "Up")
        until(lambda: term.screen()[-1] == f"lockwire> a {PORT}", 5, f"the line typed three before: {term.screen()[-3:]}")
        term.keys("C-u")
    with terminal(t, "shell_again", f"history={history}") as term:
        term.keys("Up", "Up")
        until(lambda: term.screen()[-1] == "lockwire> cl 1", 5, f"a line of the last time: {term.screen()[-3:]}")
        term.keys("C-u")


def test_terminal_taken(t):
    """The line editor takes no input from a program that has it."""
    tool = Tool(t, "shell_taken", "run", "--app", f"nc:{PORT}", "--app", "shell")
    with tempfile.TemporaryDirectory() as directory:
        term = Terminal(directory, on_nic_host(*tool.cmd))
        try:
            until(term.status.exists, 20, "the run ends")
            expect_equal(term.status.read_text(), "2\n", "status")
        finally:
            term.end()
    shutil.rmtree(tool.record, ignore_errors=True)


def test_terminal_is_given_back(t):
    """After Ctrl-D, and after SIGTERM, the terminal is as it was."""
    for how in ("C-d", "TERM"):
        with tempfile.TemporaryDirectory() as directory:
            tool = Tool(t, "shell_tty", "shell")
            pid, before, after = (Path(directory) / x for x in ("pid", "before", "after"))
            inside = f"echo $$ >{pid}; exec {shlex.join(on_nic_host(*tool.cmd))}"
            term = Terminal(directory, ["sh", "-c", f"stty -a >{before}; sh -c {shlex.quote(inside)}; s=$?; stty -a >{after}; exit $s"])
            try:
                term.await_line("lockwire>")
                if how == "TERM":
                    os.kill(int(pid.read_text()), 15)
                else:
                    term.keys(how)
                until(term.status.exists, 20, f"the shell ends by {how}")
                expect_equal(term.status.read_text(), "0\n", f"status after {how}")
                expect_equal(after.read_text(), before.read_text(), f"the terminal after {how}")
            finally:
                term.end()
            judge(tool)


def group(t):
    t.case("shell_takes_lines_from_a_pipe", test_pipe, t)
    t.case("shell_bad_lines_change_nothing", test_bad_lines, t)
    t.case("shell_changes_addresses_and_routes", test_addresses_and_routes, t)
    t.case("shell_without_input_or_output", test_standard_ends, t)
    t.case("shell_in_a_terminal_20_mib_each_way", test_terminal_files, t)
    t.case("shell_in_a_terminal_edits_lines", test_terminal_editing, t)
    t.case("shell_in_a_terminal_that_another_program_has", test_terminal_taken, t)
    t.case("shell_in_a_terminal_gives_it_back", test_terminal_is_given_back, t)
