"""Programs and forks; each test of forks is a program of its own, as they are for those alone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from realtime.processes import may_fork, spawned

ROOT = Path(__file__).parents[2]
BEGINNING = """
import atexit, os, signal, subprocess, sys, threading, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as run_live does: no threads before anything is done
from realtime.processes import Forked, may_fork
def echo():
    for line in sys.stdin:
        print(line.strip().upper(), os.getsid(0) == os.getpid(), flush=True)
    return 7
"""
forks = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info < (3, 10), reason="no forks here"
)


def alone(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGINNING + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


def said(program: str) -> list[str]:
    done = alone(program)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@forks
def test_it_reads_and_writes_and_tells_its_exit_code() -> None:
    found = said("""
        assert may_fork()
        one = Forked(echo)
        one.stdin.write("violin\\n"); one.stdin.flush()
        print(one.stdout.readline().strip(), one.poll())
        one.stdin.close()
        print(one.wait(30), one.poll())
        one.stdout.close()
    """)
    assert found == ["VIOLIN", "True", "None", "7", "7"]


@forks
def test_what_one_reads_ends_while_others_live() -> None:
    found = said("""
        first, second = Forked(echo), Forked(echo)
        first.stdin.close()
        print(first.wait(30), second.poll())
        second.stdin.close()
        print(second.wait(30))
        for one in (first, second): one.stdout.close()
    """)
    assert found == ["7", "None", "7"]


@forks
def test_it_is_waited_for_asked_and_killed() -> None:
    found = said("""
        for end in ("terminate", "kill"):
            one = Forked(lambda: time.sleep(60) or 0)
            try: one.wait(0.01)
            except subprocess.TimeoutExpired: print("waited")
            getattr(one, end)()
            print(one.wait(30), one.poll())
            one.kill()  # of one that has ended: nothing
            one.stdin.close(); one.stdout.close()
    """)
    assert found == ["waited", "-15", "-15", "waited", "-9", "-9"]


@forks
def test_its_end_is_not_this_ones_and_what_was_not_written_yet_is_written_once() -> None:
    found = said("""
        atexit.register(print, "the-end")
        sys.stdout.write("before ")
        one = Forked(lambda: 3)
        print(one.wait(30), one.stdout.read() == "")
        one.stdin.close(); one.stdout.close()
    """)
    assert found == ["before", "3", "True", "the-end"]


@forks
def test_what_it_raises_is_told() -> None:
    done = alone("""
        one = Forked(lambda: 1 / 0)
        print(one.wait(30))
        one.stdin.close(); one.stdout.close()
    """)
    assert done.stdout.split() == ["1"]
    assert done.stderr.count("ZeroDivisionError") == 1


@forks
def test_forks_leave_with_whoever_is_killed() -> None:
    program = BEGINNING + textwrap.dedent("""
        all = [Forked(echo) for _ in range(3)]
        print(*[one.pid for one in all], flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 3
        parent.kill()
        give_up_s = time.monotonic() + 30
        while any(map(_lives, pids)):
            assert time.monotonic() < give_up_s
            time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@forks
def test_who_is_not_alone_may_not() -> None:
    found = said("""
        over = threading.Event()
        thread = threading.Thread(target=over.wait)
        print(may_fork()); thread.start(); print(may_fork())
        over.set(); thread.join()
    """)
    assert found == ["True", "False"]


def test_a_program_is_there_everywhere() -> None:
    process = spawned("realtime.host")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()  # instead of a plan
    assert process.wait(60) == 1
    process.stdout.close()
    assert may_fork() in (True, False)
