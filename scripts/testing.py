# SPDX-License-Identifier: Apache-2.0
"""What scripts that test share: a failure, and the run of one test after the other."""
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Fail(Exception):
    """A test found something wrong."""


def expect(ok: object, text: object) -> None:
    if not ok:
        raise Fail(text)


def expect_equal(got: object, want: object, what: str) -> None:
    expect(got == want, f"{what}: expected {want}, got {got}")


def until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Polls until condition() is true, and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def redis_server(folder: Path) -> str:
    """The server's command. Debian's redis-tools has it, under another name; the package redis-server would start a daemon of its own."""
    found = shutil.which("redis-server")
    if found:
        return found
    link = folder / "redis-server"
    link.unlink(missing_ok=True)
    link.symlink_to(shutil.which("redis-check-rdb"))
    return str(link)


def tests_of(t: object, only: Iterable[str] = (), prefix: str = "") -> list[tuple[str, Callable[[], None]]]:
    """The methods test_* of t and their names, of which one of `only` is a part, if it has any."""
    only = list(only)
    return [(prefix + n.removeprefix("test_"), getattr(t, n)) for n in dir(t) if n.startswith("test_") and (not only or any(o in n for o in only))]


def run_tests(tests: Iterable[tuple[str, Callable[[], None]]]) -> bool:
    """Runs them, a line each, and sums up; True: all passed, and there were some."""
    passed = failed = 0
    for name, test in tests:
        began = time.monotonic()
        try:
            test()
        except (Fail, OSError, subprocess.SubprocessError, LookupError, ValueError, AttributeError, StopIteration) as e:
            print(f"FAIL {name}: {'' if isinstance(e, Fail) else type(e).__name__ + ': '}{e}", flush=True)
            failed += 1
            continue
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
        passed += 1
    print(f"{passed} passed, {failed} failed")
    return not failed and passed > 0
