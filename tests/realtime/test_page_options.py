from __future__ import annotations

from pathlib import Path

import pytest

from realtime.command_line import parse
from realtime.compose import compose
from realtime.errors import UsageError
from realtime.page_options import (
    TOKEN_VARIABLE,
    PageOptions,
    is_loopback,
    read_address,
    with_token,
)
from realtime.plan import Plan
from tests.fakes.tiny_model import write_tiny_model

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.0.0.0:8765", ("0.0.0.0", 8765)),
        ("GPU-box.local:9000", ("gpu-box.local", 9000)),
        ("[::]:8765", ("::", 8765)),
        ("[fe80::1]:65535", ("fe80::1", 65535)),
    ],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert read_address(text) == found


@pytest.mark.parametrize(
    "text",
    ["", "8765", ":8765", "box", "box:", "box:80", "box:70000", "box:8765x", "::1:8765",
     "[box]:8765", "[1.2.3.4]:8765", "http://box:8765", "box:8765/", "-x:8765", "a b:8765"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError):
        read_address(text)
    with pytest.raises(UsageError, match="--web-address"):
        parse([f"--web-address={text}"])


def test_a_port_that_is_too_low_is_told_from_an_address_that_is_none() -> None:
    with pytest.raises(UsageError, match="wanted HOST:PORT, PORT 1024 to 65535, got"):
        parse(["--web-address", "1.2.3.4:99"])


def test_only_loopback_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.3.2.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "box", "localhost.evil")))


def test_a_token_is_made_where_others_can_come_and_nowhere_else() -> None:
    assert with_token(PageOptions(), {}) is None
    assert with_token(PageOptions(address="127.0.0.1:9000"), {}) is None
    given = PageOptions(address="0.0.0.0:9000")
    first, second = with_token(given, {}), with_token(given, {})
    assert first != second
    assert first is not None
    assert len(first) >= 40


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    given = PageOptions(token=str(path))
    assert with_token(given, {TOKEN_VARIABLE: "x" * 20}) == TOKEN
    assert with_token(PageOptions(), {TOKEN_VARIABLE: TOKEN}) == TOKEN


@pytest.mark.parametrize("text", ["", "short", "with space 0123456789", "ö" * 20, "x" * 201])
def test_what_is_no_token_is_told_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="make one with") as told:
        with_token(PageOptions(token=str(path)), {})
    assert not text or text not in str(told.value)
    with pytest.raises(UsageError, match="there is no such file"):
        with_token(PageOptions(token=str(tmp_path / "none")), {})


def composed(model: Path, line: str) -> tuple[Plan, list[str]]:
    told: list[str] = []
    options = parse([*line.split(), "--model", str(model), "--engine", "onnxruntime"])
    return compose(options, {"DISPLAY": ":1"}, told.append), told


def test_a_browser_is_a_source_of_its_own(model: Path) -> None:
    plan, told = composed(model, "--source browser")
    assert {"browser", "web", "speaker"} <= plan.processes.keys()
    assert plan.options["output"]["speaker"] == "none"
    assert plan.options["separation"]["lookahead"] == "stage"
    assert any("Hear it here" in line for line in told)
    plan, _ = composed(model, "--source browser --speaker somewhere")
    assert plan.options["output"]["speaker"] == "somewhere"


def test_the_page_options_mean_the_page(model: Path) -> None:
    plan, told = composed(model, "--demo --speaker none --web-address 0.0.0.0:9000")
    assert "web" in plan.processes
    assert len(plan.options["page"]["token"]) > 40
    assert any("not encrypted" in line for line in told)
    assert not any(plan.options["page"]["token"] in line for line in told)
    plan, told = composed(model, "--demo --speaker none --web-address 127.0.0.1:9000")
    assert plan.options["page"]["token"] is None
    assert told == [line for line in told if "encrypted" not in line]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--web-key k", "add --web-certificate"),
        ("--view window --web-address 127.0.0.1:9000", "--view window has no page"),
        ("--view none --source browser", "leave --view none out"),
        ("--source browser --pace fast --view web", "--pace fast is for files"),
        ("--source browser --video 0", "choose one of"),
    ],
)
def test_what_contradicts_itself(line: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        parse(line.split())
