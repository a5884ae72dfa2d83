from __future__ import annotations

from pathlib import Path

import pytest

from realtime.command_line import parse
from realtime.errors import UsageError
from realtime.options import Options


def config(folder: Path, text: str) -> str:
    path = folder / "live.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_nothing_given_is_the_default() -> None:
    assert parse([]) == Options()
    assert parse([]).action == "run"


def test_everything_can_be_given() -> None:
    line = (
        "--video 0 --audio mic --speaker none --model m --engine openvino --precision int8 "
        "--objects 3 --lookahead 46.5 --view web --record out --duration 2.5 --pace realtime "
        "--profile p.json --place threads --threads-per-network 4 "
        "--outputs tcp:9000 --osc udp:9100 --tap post-fader"
    )
    options = parse(line.split())
    assert (options.input.video, options.input.audio) == ("0", "mic")
    assert options.output.speaker == "none"
    assert (options.model.model, options.model.engine) == ("m", "openvino")
    assert (options.model.precision, options.model.threads_per_network) == ("int8", 4)
    assert (options.separation.objects, options.separation.lookahead) == (3, 46.5)
    assert (options.output.view, options.output.record) == ("web", "out")
    assert (options.run.duration_s, options.run.place) == (2.5, "threads")
    assert options.output.profile == "p.json"
    assert (options.output.outputs, options.output.osc) == (9000, 9100)
    assert options.output.tap == "post-fader"


def test_options_survive_json() -> None:
    options = parse(["--demo", "--objects", "2"])
    assert Options.from_plain(options.to_plain()) == options


@pytest.mark.parametrize("action", ["list-devices", "doctor"])
def test_actions(action: str) -> None:
    assert parse([f"--{action}"]).action == action


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--dmo", "unknown option --dmo, did you mean --demo?; run with --help"),
        ("--recrod=x", "unknown option --recrod=x, did you mean --record?"),
        ("--xyz", "unknown option --xyz; run"),
        ("stray", "unknown option stray"),
        ("--dur 5", "unknown option --dur"),
        ("--duration", "expected one argument"),
        ("--duration 0", "--duration: wanted more than 0 seconds, got '0'"),
        ("--duration nan", "--duration: wanted more than 0 seconds"),
        ("--duration soon", "--duration: wanted more than 0 seconds, got 'soon'"),
        ("--lookahead nan", "--lookahead: wanted whole|studio|watched|stage|live|instant|MS"),
        ("--av-offset 1001", "--av-offset: wanted -1000 to 1000 ms, got '1001'"),
        ("--av-offset nan", "--av-offset: wanted -1000 to 1000 ms"),
        ("--outputs 9000", "--outputs: wanted tcp:PORT, PORT 1024 to 65526, got '9000'"),
        ("--outputs udp:9000", "--outputs: wanted tcp:PORT"),
        ("--outputs tcp:80", "--outputs: wanted tcp:PORT"),
        ("--outputs tcp:65530", "--outputs: wanted tcp:PORT"),
        ("--demo --duration 1 --pace fast --outputs tcp:9000", "leave --outputs out"),
        ("--tap post-fader", "add --outputs tcp:9000"),
        ("--tap post --outputs tcp:9000", "'post' is none of pre-fader, post-fader"),
        ("--osc tcp:9000", "--osc: wanted udp:PORT"),
        ("--osc udp:70000", "--osc: wanted udp:PORT, PORT 1024 to 65535"),
        ("--chaos explode", "--chaos: wanted a number, or a list such as 'kill hearing 10, stop"),
        ("--place sight=tcp://a:1,sight=tcp://b:1", "sight is at one host; leave one of them out"),
        ("--demo --duration 1 --pace fast --osc udp:9000", "leave --osc out"),
        ("--gain 61", "--gain: wanted -60 to 60 dB, got '61'"),
        ("--objects 0", "--objects: wanted auto|1..8"),
        ("--objects many", "--objects: wanted auto|1..8"),
        ("--threads-per-network 0", "wanted a whole number from 1 on"),
        ("--view windw", "'windw' is none of auto, window, web, none, did you mean window?"),
        ("--engine onxruntime", "did you mean onnxruntime?"),
        ("--demo --source x.mp4", "choose one of --demo, --source"),
        ("--source x.mp4 --audio y.wav", "choose one of --demo, --source"),
        ("--audio none", "leaves nothing to separate"),
        ("--audio none --video none", "leave nothing"),
        ("--demo --pace fast", "--demo has no end"),
        ("--pace fast", "--pace fast is for files"),
        ("--demo --duration 1 --pace fast --speaker spk", "leave --speaker out"),
        ("--config missing.toml", "there is no such file"),
    ],
)
def test_wrong_use_is_named(line: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line.split())
    assert text in str(caught.value)


def test_a_file_gives_options_and_the_line_wins(tmp_path: Path) -> None:
    path = config(
        tmp_path, 'demo = true\nduration = 3\nspeaker = "none"\nobjects = 2\nlookahead = 46.4\n'
    )
    options = parse(["--config", path, "--duration", "9", "--objects", "auto"])
    assert options.input.demo
    assert options.run.duration_s == 9
    assert options.separation.objects is None
    assert options.separation.lookahead == 46.4
    assert options.output.speaker == "none"


def test_another_input_on_the_line_replaces_the_files(tmp_path: Path) -> None:
    path = config(tmp_path, 'source = "clip.mp4"\nspeaker = "none"\n')
    assert parse(["--config", path, "--demo"]).input.source is None
    assert parse(["--config", path, "--video", "0"]).input.source is None
    path = config(tmp_path, 'video = "0"\naudio = "mic"\n')
    options = parse(["--config", path, "--audio", "other"])
    assert (options.input.video, options.input.audio) == ("0", "other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dmeo = true", "unknown key 'dmeo', did you mean demo?"),
        ("[run]\nduration = 1", "unknown key 'run'"),
        ("config = 'x'", "unknown key 'config'"),
        ("demo = 'yes'", "demo: wanted true or false, got 'yes'"),
        ("duration = [1]", "duration: wanted S, got [1]"),
        ("duration = true", "duration: wanted S, got True"),
        ("duration = -1", "duration: wanted more than 0 seconds, got '-1'"),
        ("demo = ", "live.toml: Invalid value"),
        ("objects = " + "[" * 5_000, "live.toml: "),
        (
            "objects = 0x" + "f" * 10_000,
            "objects: wanted auto|1..8, got a number of far too many digits",
        ),
        ("#" * 70_000, "live.toml: it is larger than 64 KB"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = config(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        parse(["--config", path])
    assert message in str(caught.value)
    assert path in str(caught.value)


def test_help_lists_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    names = (
        "demo source video audio av-offset gain speaker model engine precision objects lookahead "
        "view record duration pace profile list-devices doctor config place keys "
        "threads-per-network"
    )
    for name in names.split():
        assert f"--{name}" in text
