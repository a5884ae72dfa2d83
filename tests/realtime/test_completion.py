"""A real shell completes the command's options."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from realtime.completion import COMMAND, script
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
def test_folders_where_one_is_wanted(tmp_path) -> None:
    (tmp_path / "session").mkdir()
    (tmp_path / "sound.wav").touch()
    assert [name.rstrip("/") for name in completed("--record s", str(tmp_path))] == ["session"]


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_one_too(shell: str) -> None:
    assert COMMAND in script(shell)
    assert "lookahead" in script(shell)


def test_without_shtab_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(UsageError, match="pip install shtab"):
        script("bash")
