from __future__ import annotations

from pathlib import Path

import pytest

from realtime.build import build
from realtime.clock import SystemClock
from realtime.command_line import parse
from realtime.compose import compose
from realtime.errors import UsageError
from realtime.plan import Plan
from realtime.remote.away import Away
from realtime.remote.keys import make_pair, trust
from realtime.remote.placing import Places, fingerprint, host_of, read_places
from tests.fakes.tiny_model import write_tiny_model

BOX = "tcp://gpu-box:7000"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("threads", Places(placement="threads")),
        ("processes", Places()),
        (f"sight={BOX}", Places(hosts={"sight": BOX})),
        (
            f"threads, sight={BOX},hearing=tcp://[::1]:9",
            Places(placement="threads", hosts={"sight": BOX, "hearing": "tcp://[::1]:9"}),
        ),
    ],
)
def test_places(text: str, places: Places) -> None:
    assert read_places(text) == places


@pytest.mark.parametrize(
    "text",
    ["", "elsewhere", "sight", "sight=", "sight=gpu-box:7000", "sight=tcp://gpu-box",
     "sight=tcp://gpu-box:0", "sight=tcp://gpu-box:99999", "sight=tcp://gpu-box:7000/x",
     "sight=udp://gpu-box:7000", "sight=tcp://me@gpu-box:7000", f"speaker={BOX}",
     f"camera={BOX}", f"nothing={BOX}"],
)  # fmt: skip
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--place"):
        parse(["--demo", "--place", text])


def test_other_hosts_are_for_live_runs() -> None:
    line = ["--demo", "--duration", "1", "--pace", "fast", "--place", f"sight={BOX}"]
    with pytest.raises(UsageError, match="other hosts are for --pace realtime"):
        parse(line)


def test_a_hosts_key_has_its_name() -> None:
    assert host_of(BOX) == "gpu-box"
    assert host_of("tcp://10.0.0.7:1") == "10.0.0.7"
    assert host_of("tcp://[fe80::1]:1") == "fe80::1"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("placing") / "model"
    write_tiny_model(folder)
    return folder


def composed(model: Path, keys: Path, place: str, said: list[str] | None = None) -> Plan:
    line = ["--demo", "--speaker", "none", "--view", "none", "--engine", "onnxruntime"]
    line += ["--model", str(model), "--keys", str(keys), "--place", place]
    return compose(parse(line), {}, (said if said is not None else []).append)


def test_keys_are_looked_for_before_anything_starts(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run: python -m realtime keys"):
        composed(model, tmp_path, f"sight={BOX}")
    make_pair(tmp_path)
    with pytest.raises(UsageError, match="on gpu-box, and here the line"):
        composed(model, tmp_path, f"sight={BOX}")


def test_a_stage_elsewhere_has_its_process_here_and_the_wiring_stays(
    model: Path, tmp_path: Path
) -> None:
    pair, _ = make_pair(tmp_path)
    trust(tmp_path, "gpu-box", pair.public.hex())
    said: list[str] = []
    plan = composed(model, tmp_path, f"sight={BOX}", said)
    assert plan.children == composed(model, tmp_path, "processes").children
    assert isinstance(build("sight", plan, SystemClock()), Away)
    assert not isinstance(build("hearing", plan, SystemClock()), Away)
    assert not any("nothing is separated" in line for line in said)
    composed(model, tmp_path, f"threads,separator={BOX}", said)
    assert any("separator is on another host: while that is away, nothing" in line for line in said)


def test_no_process_waits_to_open_a_stage_elsewhere_a_second_time() -> None:
    assert read_places("processes").spared == ("hearing", "separator")
    assert read_places(f"sight={BOX}").spared == ("hearing", "separator")
    assert read_places(f"hearing={BOX}").spared == ("separator",)


def test_a_models_fingerprint_is_that_of_its_description(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    text = (model / "model.json").read_text(encoding="utf-8")
    (copy / "model.json").write_text(text, encoding="utf-8")
    assert fingerprint(copy) == fingerprint(model)
    (copy / "model.json").write_text(text + " ", encoding="utf-8")
    assert fingerprint(copy) != fingerprint(model)
    with pytest.raises(UsageError, match="give another --model"):
        fingerprint(tmp_path)
