"""A real shell completes the command's options."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.completion import COMMAND, script
from realtime.dial import DIALS
from realtime.errors import UsageError


def completed(words: str, folder: str = ".") -> list[str]:
    """What bash offers for the last of ``words``."""
    ask = f"""
{script("bash")}
COMP_WORDS=({COMMAND} {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
[ "{words[-1:]}" = " " ] && {{ COMP_WORDS+=(""); COMP_CWORD=$((COMP_CWORD + 1)); }}
$(complete -p {COMMAND} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {COMMAND} "${{COMP_WORDS[COMP_CWORD]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    told = subprocess.run(
        ["bash", "--norc", "-c", ask], capture_output=True, text=True, check=False, cwd=folder
    )
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@needs_bash
def test_options_and_their_words() -> None:
    assert completed("--look") == ["--lookahead"]
    assert completed("--pace ") == ["realtime", "fast"]
    assert set(completed("--view w")) == {"window", "web"}


@needs_bash
def test_words_that_stand_beside_other_values(tmp_path: Path) -> None:
    assert completed("--lookahead ") == list(DIALS)
    assert completed("--lookahead st") == ["studio", "stage"]
    assert completed("--objects ") == ["auto", *"12345678"]
    (tmp_path / "brass.mp4").touch()
    assert completed("--source br", str(tmp_path)) == ["browser", "brass.mp4"]
    assert completed("--source bro", str(tmp_path)) == ["browser"]


def test_a_reader_that_has_enough_is_no_error() -> None:
    told = subprocess.Popen(
        [sys.executable, "-m", "realtime", "completion", "bash"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert told.stdout is not None
    told.stdout.close()
    _, said = told.communicate(timeout=60)
    assert (told.returncode, said) == (0, "")


@needs_bash
def test_folders_where_one_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "session").mkdir()
    (tmp_path / "sound.wav").touch()
    assert [name.rstrip("/") for name in completed("--record s", str(tmp_path))] == ["session"]


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh"])
def test_other_shells_have_one_too(shell: str) -> None:
    assert COMMAND in script(shell)
    assert "lookahead" in script(shell)
    assert "instant" in script(shell)


def test_without_shtab_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(UsageError, match="pip install shtab"):
        script("bash")


def test_a_shtab_that_is_too_old_for_a_shell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shtab = pytest.importorskip("shtab")
    monkeypatch.setattr(shtab, "SUPPORTED_SHELLS", ["bash", "zsh", "tcsh"])
    with pytest.raises(UsageError, match="does not know fish; run: pip install --upgrade shtab"):
        script("fish")
