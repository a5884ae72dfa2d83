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
    script = "import os; from realtime.host import give_way; give_way(3); print(os.nice(0))"
    before = "import os; print(os.nice(0))"
    values = [
        int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for code in (before, script)
    ]
    assert values[1] == min(values[0] + 3, 19)
