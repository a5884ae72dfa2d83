"""What a child process does before its stages start."""

import subprocess
import sys

import pytest

from realtime.graph import MAIN, NICENESS, STAGES


def test_sound_never_gives_way() -> None:
    on_the_way_of_sound = {STAGES[name].process for name in ("hearing", "separator", "speaker")}
    assert not on_the_way_of_sound & NICENESS.keys()
    assert NICENESS.keys() <= {entry.process for entry in STAGES.values()} - {MAIN}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no niceness")
def test_a_process_gives_way() -> None:
    script = (
        "import os; from realtime.host import give_way; from threading import Event, Thread\n"
        "told, values = Event(), []\n"
        "before = Thread(target=lambda: (told.wait(), values.append(os.nice(0))))\n"
        "before.start(); give_way(3); told.set(); before.join()\n"
        "assert values == [os.nice(0)], values; print(os.nice(0))"
    )
    before = "import os; print(os.nice(0))"
    values = [
        int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for code in (before, script)
    ]
    assert values[1] == min(values[0] + 3, 19)


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
