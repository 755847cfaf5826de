# SPDX-License-Identifier: Apache-2.0
"""Processes that end when we end, however that is: asked to, by Ctrl-C, or killed."""
import contextlib
import os
import signal
import subprocess
import threading

# Before a command: it is killed with the thread that started it.
WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]


def stop_on_signals() -> None:
    """SIGTERM and SIGHUP end us as Ctrl-C does; and once, as it may reach us by more than one way. What is ignored (nohup) stays so."""
    signals = [s for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(s) != signal.SIG_IGN]

    def stop(*_) -> None:
        for s in signals:
            signal.signal(s, signal.SIG_IGN)
        raise KeyboardInterrupt
    for s in signals:
        signal.signal(s, stop)


class Runs:
    """What runs now, so that it can be ended; after that nothing is started."""
    def __init__(self):
        self.lock, self.now, self.over = threading.Lock(), set(), False

    def start(self, cmd: list, **kw):
        with self.lock:
            if self.over:
                raise KeyboardInterrupt
            p = subprocess.Popen([*WITH_US, *cmd], start_new_session=True, stdin=subprocess.DEVNULL, **kw)
            self.now.add(p)
        return p

    def end_one(self, p, now: bool) -> None:
        if now:
            self.kill(p)
        p.wait()

    def kill(self, p) -> None:
        if p.poll() is None:
            with contextlib.suppress(ProcessLookupError):    # its thread has just seen its end
                os.killpg(p.pid, signal.SIGKILL)

    def done(self, p) -> None:
        self.kill(p)
        p.wait()
        if p.stdout:
            p.stdout.close()
        with self.lock:
            self.now.discard(p)

    def end(self) -> None:
        with self.lock:
            self.over = True
            for p in self.now:
                self.kill(p)
