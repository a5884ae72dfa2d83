from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engines.auto import Choice
from engines.cuda import Device
from engines.errors import EngineError
from pixelplayer.spec import ModelSpec, SpecError
from realtime.ahead import in_ms, positions
from realtime.build import build
from realtime.clock import SystemClock
from realtime.command_line import parse
from realtime.compose import compose, file_of, has_display
from realtime.dial import (
    DIALS,
    INSTANT,
    LIVE,
    STAGE,
    STUDIO,
    WATCHED,
    WHOLE,
    departure,
    dial_at,
)
from realtime.errors import DeviceError, UsageError
from realtime.options import Options
from realtime.plan import Plan
from tests.fakes.tiny_model import tiny_spec, tiny_streaming_spec, write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


def composed(model: Path, line: str, environment: Mapping[str, str] | None = None) -> Plan:
    options = parse([*line.split(), "--model", str(model), "--engine", "onnxruntime"])
    return compose(options, environment or {}, lambda text: None)


@pytest.mark.parametrize(
    ("line", "stages"),
    [
        ("--demo", "demo speaker takes web"),
        ("--demo --view none --speaker none", "demo speaker"),
        ("--demo --pace fast --duration 1 --view none", "demo"),
        ("--demo --view none --outputs tcp:9000", "demo speaker outputs"),
        ("--demo --view none --osc udp:9100", "demo speaker outputs"),
        ("", "camera microphone speaker takes web"),
        ("--video none", "microphone speaker takes web"),
        ("--video csi://0 --audio pulse", "camera microphone speaker takes web"),
        ("--source FILE --view none", "media speaker"),
        ("--video FILE", "film microphone speaker takes web"),
        ("--audio FILE", "camera track speaker takes web"),
        ("--video file://FILE --audio FILE --pace fast --view none", "film track"),
    ],
)
def test_stages_follow_the_inputs(model: Path, tmp_path: Path, line: str, stages: str) -> None:
    clip = tmp_path / "clip"
    clip.touch()
    plan = composed(model, line.replace("FILE", str(clip)))
    expected = {*stages.split(), "sight", "hearing", "separator", "supervisor"}
    assert set(plan.stages) == expected


def test_record_and_view_are_added(model: Path, tmp_path: Path) -> None:
    plan = composed(model, f"--demo --record {tmp_path / 'out'}", {"DISPLAY": ":1"})
    assert {"recorder", "window"} <= set(plan.stages)


def test_placement(model: Path) -> None:
    assert composed(model, "--demo").children == ("sight", "hearing", "separator", "sound")
    assert composed(model, "--demo --place threads").children == ()


def test_what_was_auto_is_decided(model: Path) -> None:
    plan = composed(model, "--demo")
    assert plan.options["output"]["view"] == "web"
    assert plan.options["model"]["threads_per_network"] >= 1


def test_the_demo_does_without_a_speaker(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_found(wanted: str | None, direction: str) -> None:
        raise DeviceError("no speaker was found")

    monkeypatch.setattr("realtime.portaudio.find_audio_device", none_found)
    told: list[str] = []
    for line, speaker in (("--demo", "none"), ("--demo --speaker desk", "desk"), ("", None)):
        options = parse([*line.split(), "--model", str(model), "--engine", "onnxruntime"])
        assert compose(options, {}, told.append).options["output"]["speaker"] == speaker
    assert told == ["nothing will be heard: no speaker was found"]


@pytest.mark.parametrize("is_live", [True, False])
def test_the_engine_is_told_and_measured_where_nobody_waits(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_live: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told: list[str] = []
    line = ["--demo", "--model", str(model), "--precision", "fp32"]
    line += ["--speaker", "none"] if is_live else ["--pace", "fast", "--duration", "1"]
    plan = compose(parse(line), {}, told.append)
    assert plan.options["model"]["engine"] in ("onnxruntime", "openvino")
    assert plan.options["model"]["precision"] == "fp32"
    assert plan.options["model"]["guessed_for"] == ("fp32" if is_live else None)
    (text,) = [one for one in told if one.startswith("engine ")]
    assert ("not measured on this machine yet" in text) == is_live


@pytest.mark.parametrize("engine", ["auto", "tensorrt"])
def test_a_chosen_gpu_that_fails_is_replaced_and_one_asked_for_is_not(
    model: Path, engine: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gpu = Device(name="Some GPU", capability="8.9", memory_bytes=1)
    short = EngineError("the GPU is out of memory; close other programs, or --engine auto")
    choice = Choice(backend="tensorrt", precision="fp32", measurements=(), origin="on Some GPU")
    monkeypatch.setattr("engines.auto.choose", lambda *_, **__: choice)
    monkeypatch.setattr("engines.cuda.device", lambda: gpu)
    line = ["--demo", "--pace", "fast", "--duration", "1", "--view", "none", "--engine", engine]
    plan = compose(parse([*line, "--model", str(model)]), {}, lambda text: None)

    def fail() -> Device:
        raise short

    monkeypatch.setattr("engines.cuda.device", fail)
    hearing = build("hearing", plan, SystemClock())
    if engine == "tensorrt":
        with pytest.raises(EngineError, match="out of memory"):
            hearing.open()
        return
    hearing.open()
    hearing.close()
    assert set(caplog.messages) == {f"onnxruntime/fp32 runs instead: {short}"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--source missing.mp4", "--source missing.mp4: there is no such file"),
        ("--video file:///missing.mp4", "--video /missing.mp4: there is no such file"),
        ("--demo --view window", "--view window: there is no display"),
        ("--demo --record /proc/no/such", "--record /proc/no/such"),
        ("--demo --part-min 10", "add --record DIR"),
        ("--demo --part-min 1 --record out --pace fast --duration 9", "no --pace fast"),
        ("--demo --profile /", "--profile / is a folder"),
        (
            "--demo --lookahead 100000",
            "--lookahead 100000: the model 'tiny' hears -23 to 372 ms ahead; give --lookahead 372",
        ),
    ],
)
def test_what_cannot_be_is_named(model: Path, line: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        composed(model, line)
    assert text in str(caught.value)


@pytest.mark.parametrize("engine", ["tensorrt", "torch_tensorrt"])
def test_an_engine_for_a_gpu_needs_one(
    model: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def device() -> None:
        raise EngineError("no NVIDIA driver is installed")

    monkeypatch.setattr("engines.cuda.device", device)
    options = parse(["--demo", "--model", str(model), "--engine", engine])
    with pytest.raises(DeviceError, match=f"--engine {engine}: no NVIDIA driver is installed"):
        compose(options, {}, lambda text: None)


def test_a_server_needs_an_address(model: Path) -> None:
    options = parse(["--demo", "--model", str(model), "--engine", "remote"])
    with pytest.raises(UsageError, match="--engine remote needs an address; add --server HOST"):
        compose(options, {}, lambda text: None)


def test_a_plan_names_the_server_that_computes(model: Path) -> None:
    asked = f"--demo --model {model} --engine remote --server gpu-box:8001"
    plan = compose(parse(asked.split()), {}, lambda text: None)
    assert Options.from_plain(plan.options).model.engine == "remote=gpu-box:8001"


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no model at"):
        composed(tmp_path, "--demo")


def test_a_run_through_a_file_sends_sight_what_it_looks_at(model: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.touch()
    line = f"--source {clip} --view none --record {tmp_path / 'out'} --pace"
    looks_hz = ModelSpec.load(model).vision.rate_hz
    for pace, wanted in (("fast", looks_hz), ("realtime", None)):
        ways = composed(model, f"--place threads {line} {pace}").ways("media")
        found = {way.consumer: way.looks_hz for way in ways if way.topic == "video"}
        assert found["sight"] == wanted
        assert found["recorder"] is None


@pytest.mark.parametrize("pace", ["realtime", "fast"])
def test_every_stage_can_be_built(model: Path, tmp_path: Path, pace: str) -> None:
    clip = tmp_path / "clip"
    clip.touch()
    lines = ["--demo --duration 1", f"--source {clip}", f"--video {clip} --audio {clip}"]
    if pace == "realtime":
        lines.append("--video 0")
    for line in lines:
        record = tmp_path / "out"
        plan = composed(model, f"{line} --pace {pace} --record {record} --view web")
        for name in plan.stages:
            if name != "supervisor":
                stage = build(name, plan, SystemClock())
                assert not stage.finished
                stage.close()


def test_files_are_told_from_devices(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    assert file_of(str(clip)) == clip
    assert file_of(f"file://{clip}") == clip
    for uri in ("0", "/dev/video0", "rtsp://host/x", "pulse", "/dev/null"):
        assert file_of(uri) is None


@pytest.mark.parametrize(
    ("environment", "platform", "can"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_displays(environment: dict[str, str], platform: str, can: bool) -> None:
    assert has_display(environment, platform) == can


def test_lookahead_is_in_hops_or_has_a_name() -> None:
    spec: ModelSpec = tiny_spec()
    hop_ms = 1024 / 44.1
    assert dial_at(spec, 0.0).lookahead_columns == 0
    assert dial_at(spec, 2.4 * hop_ms).lookahead_columns == 2
    assert dial_at(spec, 93.0).lookahead_columns == 4
    assert dial_at(spec, LIVE) == DIALS[LIVE]
    whole = dial_at(spec, WHOLE).pace(is_fast=True)
    assert (whole.newest_columns, whole.window_step_columns) == (32, 2)
    delays = [
        DIALS[name].pace(is_fast=True).delay_columns for name in (STUDIO, STAGE, LIVE, INSTANT)
    ]
    assert delays == sorted(delays, reverse=True)
    with pytest.raises(UsageError, match="wanted whole, studio, watched, stage, live, instant, or"):
        dial_at(spec, "quick")


@pytest.mark.parametrize(
    ("line", "position"),
    [
        ("--demo", WATCHED),
        ("--demo --pace fast --duration 2", STUDIO),
        ("", STAGE),
        ("--video none", STAGE),
        ("--lookahead live", LIVE),
        ("--demo --lookahead instant", INSTANT),
        ("--lookahead 93", 93.0),
        ("--demo --lookahead 0", 0.0),
    ],
)
def test_who_hears_the_delay_decides_the_lookahead(line: str, position: str | float) -> None:
    plan = compose(parse(f"{line} --speaker none --view none".split()), {}, print)
    assert Options.from_plain(plan.options).separation.lookahead == position


def test_a_network_that_streams_is_asked_for_what_it_was_made_for() -> None:
    spec = tiny_streaming_spec()
    ahead = {name: dial_at(spec, name).lookahead_columns for name in DIALS}
    # Where a column alone is divided, a frame is there a column later than it might be.
    assert ahead == {WHOLE: 4, STUDIO: 4, WATCHED: 4, STAGE: 4, LIVE: 0, INSTANT: -1}
    assert dial_at(spec, WHOLE).pace(is_fast=True) == dial_at(spec, STAGE).pace(is_fast=True)
    further = replace(spec, sound=replace(spec.sound, lookaheads=(4,)))
    with pytest.raises(
        UsageError, match=r"live is too little.* hears 93 ms ahead; give --lookahead 93"
    ):
        dial_at(further, LIVE)


@pytest.mark.parametrize(
    ("milliseconds", "nearest"),
    [(5000.0, 93), (30.0, 0), (46.0, 0), (80.0, 93), (116.0, 93), (-60.0, -23)],
)
def test_milliseconds_that_a_network_was_not_made_for_are_refused(
    milliseconds: float, nearest: int
) -> None:
    spec = tiny_streaming_spec()
    wanted = (
        f"--lookahead {milliseconds:g}: the model 'tiny streaming' hears -23, 0 or 93 ms ahead; "
        f"give --lookahead {nearest}, or"
    )
    with pytest.raises(UsageError, match=wanted):
        dial_at(spec, milliseconds)
    given = parse(["--demo", "--lookahead", str(nearest)]).separation.lookahead
    assert dial_at(spec, given).lookahead_columns in positions(spec, 2)


@pytest.mark.parametrize("spec", [tiny_spec(), tiny_streaming_spec()], ids=["windows", "streams"])
def test_all_that_a_model_can_can_be_asked_for_in_milliseconds(spec: ModelSpec) -> None:
    for columns in positions(spec, 2):
        assert dial_at(spec, round(in_ms(spec, columns))).lookahead_columns == columns
        assert departure(spec, in_ms(spec, columns)) is None


def test_a_name_that_means_more_than_the_model_can_is_told(model: Path, tmp_path: Path) -> None:
    write_tiny_model(tmp_path, tiny_streaming_spec())
    told: list[str] = []
    for folder in (model, tmp_path):
        for name in ("", *(f"--lookahead {one}" for one in DIALS)):
            line = f"--demo --view none --speaker none {name} --model {folder}"
            compose(parse([*line.split(), "--engine", "onnxruntime"]), {}, told.append)
    can = "the model 'tiny streaming' hears -23, 0 or 93 ms ahead"
    assert told == [
        "--lookahead whole: the model 'tiny streaming' looks at no windows; 93 ms are heard ahead, "
        "the most that it can",
        f"--lookahead studio: 93 ms are heard ahead in place of 279; {can}",
        f"--lookahead live: 0 ms are heard ahead in place of 23; {can}",
    ]


def test_nothing_ahead_is_not_taken_for_nothing_said(model: Path) -> None:
    """0 is a position, and no position is another."""
    spec = tiny_spec()
    assert dial_at(spec, 0.0).lookahead_columns == 0
    assert dial_at(spec, None) == dial_at(spec, STUDIO)
    stage = build("hearing", composed(model, "--demo --lookahead 0"), SystemClock())
    assert stage.stats()["lookahead_ms"] == pytest.approx(0.0)
    stage.close()
