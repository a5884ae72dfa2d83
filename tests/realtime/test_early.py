"""Children that run before there is a plan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from realtime.early import early_children
from realtime.graph import Pace

ROOT = Path(__file__).parents[2]


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        ("realtime", ["sound", "sight", "hearing", "separator"]),
        ("fast", ["sight", "hearing", "separator"]),
    ],
)
def test_those_that_nobody_let_begin_are_gone(pace: Pace, expected: list[str]) -> None:
    before = children()
    with pytest.raises(ZeroDivisionError), early_children("processes", pace) as early:
        assert list(early) == expected
        assert len(children()) == len(before) + len(expected)
        raise ZeroDivisionError
    assert children() == before


@pytest.mark.skipif(sys.platform != "linux", reason="no forks here")
def test_who_is_alone_forks_them() -> None:
    program = (
        "import os, psutil\n"
        "os.environ['OPENBLAS_NUM_THREADS'] = '1'  # as run_live does: it has no other threads\n"
        "from realtime.early import early_children\n"
        "with early_children('processes', 'fast') as early:\n"
        "    this = psutil.Process()\n"
        "    print(len(early), *(one.cmdline() == this.cmdline() for one in this.children()))\n"
        "print(len(this.children()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.stdout.split(), done.stderr) == (["3", "True", "True", "True", "0"], "")


def test_threads_need_none() -> None:
    before = children()
    with early_children("threads", "realtime") as early:
        assert not early
        assert children() == before


@pytest.mark.parametrize(
    ("named", "is_loaded"), [("realtime.stages.sight", True), ("realtime.no_such_module", False)]
)
def test_what_a_child_is_told_to_load_it_loads_before_its_plan(named: str, is_loaded: bool) -> None:
    program = (
        "import runpy, sys\n"
        "class Reader:\n"
        "    def readline(self):\n"
        "        print(*sys.modules, file=sys.stderr)\n"
        "        return ''\n"
        "sys.stdin = Reader()\n"
        f"sys.argv = ['host', {named!r}]\n"
        "runpy.run_module('realtime.host', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 1
    assert (named in done.stderr.split()) == is_loaded
    assert "Traceback" not in done.stderr
