"""What a child process does before its stages start."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest

from realtime.children import Child
from realtime.command_line import parse
from realtime.compose import compose
from realtime.graph import MAIN, NICENESS, SOUND, STAGES
from realtime.priority import may_run_in_real_time
from realtime.reports import Command, Report
from tests.fakes.tiny_model import write_tiny_model


def test_sound_never_gives_way() -> None:
    on_the_way_of_sound = {STAGES[name].process for name in ("hearing", "separator", "speaker")}
    assert all(NICENESS.get(process, 0) <= 0 for process in on_the_way_of_sound)
    processes = {entry.process for entry in STAGES.values()}
    assert NICENESS.keys() <= (STAGES.keys() | processes) - {MAIN}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no niceness")
def test_a_process_gives_way() -> None:
    script = (
        "import os; from realtime.priority import rank_process\n"
        "from threading import Event, Thread\n"
        "told, values = Event(), []\n"
        "before = Thread(target=lambda: (told.wait(), values.append(os.nice(0))))\n"
        "before.start(); rank_process(3); told.set(); before.join()\n"
        "assert values == [os.nice(0)], values; print(os.nice(0))"
    )
    before = "import os; print(os.nice(0))"
    values = [int(alone(code)) for code in (before, script)]
    assert values[1] == min(values[0] + 3, 19)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions are not ranked")
@pytest.mark.parametrize("niceness", [4, -4])
def test_a_session_gives_way_and_comes_back(niceness: int) -> None:
    script = (
        "import os; from realtime.priority import rank_process, rank_session\n"
        "told = lambda: open('/proc/self/autogroup').read().split()[-1]\n"
        "assert rank_session(os.getpid(), 15); values = [told()]\n"
        f"rank_process({niceness}); print(*values, told())"
    )
    back = str(niceness) if niceness > 0 or may_go_first() else "0"
    assert alone(script).split() == ["15", back]


def alone(code: str) -> str:
    """What a Python program prints, in a session of its own: this one's niceness stays."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        start_new_session=True,
    ).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="reads the niceness of threads")
@pytest.mark.parametrize(
    ("name", "is_heir"),
    [("sight", False), ("separator", False), ("separator", True), (SOUND, False), (SOUND, True)],
)
def test_a_child_is_ranked_from_the_go_on_and_not_while_it_opens(
    tmp_path: Path, name: str, is_heir: bool
) -> None:
    if NICENESS[name] < 0 and not may_go_first():
        pytest.skip("this user may not go before others")
    write_tiny_model(tmp_path)
    line = ["--demo", "--view", "none", "--speaker", "none", "--engine", "onnxruntime"]
    plan = compose(parse([*line, "--model", str(tmp_path)]), {}, lambda text: None)
    reports: SimpleQueue[Report] = SimpleQueue()
    with tempfile.TemporaryDirectory() as sockets:
        others = psutil.Process().children()  # what other tests' libraries keep running
        child = Child(name)
        try:
            (process,) = set(psutil.Process().children()) - set(others)
            child.begin(plan.with_addresses(Path(sockets)), reports.put, is_heir=is_heir)
            assert reports.get(timeout=60).kind == "ready"
            assert niceness(process) == {os.nice(0)}
            assert policies(process) == {os.SCHED_OTHER}
            child.obey(Command(order="go"))
            give_up_s = time.monotonic() + 60
            policy = os.SCHED_RR if name == SOUND and may_run_in_real_time() else os.SCHED_OTHER
            wanted = {os.nice(0) + NICENESS[name]}, {policy}
            while (niceness(process), policies(process)) != wanted:
                assert time.monotonic() < give_up_s, niceness(process)
                time.sleep(0.01)
            child.obey(Command(order="abort"))
        finally:
            child.leave()


def may_go_first() -> bool:
    """Whether this user has the right."""
    code = "import os\ntry: os.nice(-1); print(True)\nexcept OSError: pass"
    return bool(alone(code))


def policies(process: psutil.Process) -> set[int]:
    """Of all its threads, by which it is their turn."""
    return {os.sched_getscheduler(thread.id) for thread in process.threads()}


def niceness(process: psutil.Process) -> set[int]:
    """Of all its threads."""
    return {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in process.threads()}


@pytest.mark.parametrize(("pace", "is_left_out"), [("realtime", True), ("fast", False)])
def test_live_garbage_is_not_looked_for_among_what_was_loaded(pace: str, is_left_out: bool) -> None:
    code = (
        "import gc; from realtime.clock import SystemClock; from realtime.host import Host\n"
        "from realtime.plan import Plan; from realtime.reports import Command\n"
        f"plan = Plan(stream='s', processes={{}}, pace={pace!r}, builder='a:b', options={{}})\n"
        "Host(plan, 'hearing', SystemClock(), print).obey(Command(order='go'))\n"
        "print(gc.get_freeze_count() > 10_000, gc.isenabled())"
    )
    assert alone(code).split() == [str(is_left_out), "True"]


@pytest.mark.parametrize("text", ["", " 5", " {}", ' {"stream": "s"}', " " + "[" * 9999])
def test_a_plan_that_is_none_is_one_line(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "realtime.host"],
        input=f"sight{text}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: the plan on stdin is none (Plan: wanted ")
    assert done.stderr.count("\n") == 1
