"""What the pages tell people to type is understood: by the very parsers that will read it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

import pytest

from realtime.command_line import parse
from tests.docs.commands import ROOT, Printed, printed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COMMANDS = list(printed())
INSIDE = ("realtime.host", "realtime.device_host")  # processes of a run, which nobody types


class Understood(Exception):  # noqa: N818  it is no error: nothing shall be run beyond it
    """The arguments were taken."""


def of(*beginning: str) -> list[Printed]:
    found = [one for one in COMMANDS if one.words[: len(beginning)] == beginning]
    assert found
    return found


@pytest.mark.parametrize("command", of("python", "run_live.py"), ids=str)
def test_the_player_understands(command: Printed) -> None:
    parse(command.words[2:])


@pytest.mark.parametrize(
    "command", [one for one in of("python", "-m") if one.words[2] not in INSIDE], ids=str
)
def test_the_module_understands(
    command: Printed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = command.words[2]
    path = ROOT.joinpath(*name.split("."))
    module = importlib.import_module(f"{name}.__main__" if path.is_dir() else name)
    wanted = argparse.ArgumentParser.parse_args

    def understand(parser: argparse.ArgumentParser, given: Sequence[str] | None = None) -> None:
        wanted(parser, given)
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", understand)
    monkeypatch.setattr(sys, "argv", [name, *command.words[3:]])
    try:
        module.main()
    except Understood:
        pass
    except SystemExit as left:
        said = capsys.readouterr()
        is_help = left.code == 0 and "--help" in command.words
        is_name = not command.is_whole and "arguments are required" in said.err
        assert is_help or is_name, said.err
    else:
        assert command.words[-1] == "--help"


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_there_is_such_a_target(command: Printed) -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    assert command.words[1] in targets


@pytest.mark.parametrize("command", of("pip", "install"), ids=str)
def test_there_are_such_extras(command: Printed) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in command.words:
        name, _, extras = word.rstrip("]").partition("[")
        if name == "." and extras:
            assert set(extras.split(",")) <= set(project["optional-dependencies"])
