"""Every command says in one line what is wrong with its arguments."""

from __future__ import annotations

import importlib
import sys

import pytest

import run_live


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("calibration", "no-such"),
        ("calibration", ""),
        ("calibration", "collect --out set.npz --no-such"),
        ("calibration", "levels --seconds x"),
        ("engines", "no-such"),
        ("engines", "list --no-such"),
        ("engines", "bench --threads many"),
        ("realtime", "no-such"),
        ("realtime", "remix session --no-such"),
        ("realtime", "completion"),
        ("training", "no-such"),
        ("training", "judgements --no-such"),
    ],
)
def test_a_wrong_line_is_answered_by_one(
    module: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [module, *line.split()])
    try:
        code: object = importlib.import_module(f"{module}.__main__").main()
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("error: ")
    assert said.err.endswith("; run with --help\n")


@pytest.mark.parametrize("line", ["--no-such", "no-such", "--lookahead"])
def test_and_so_does_the_player(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_live.main([line]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert said.err.endswith("; run with --help\n")
