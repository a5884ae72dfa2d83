"""The engines of a stage, exchanged together: real engines of a tiny model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.protocol import Engine
from engines.registry import is_installed, open_engine
from pixelplayer.spec import ModelSpec
from realtime.clock import NS_PER_S
from realtime.desk import Choice, Present
from realtime.engine_choice import EngineChoice
from realtime.messages import AudioChunk, Message, SoundColumns
from realtime.opening import Opening, open_asked, opens
from realtime.options import ModelOptions
from realtime.stages.exchanged import Exchanged
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from realtime.stages.sight import Sight
from tests.fakes.attempts import AtOnce
from tests.fakes.messages import end
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model
from tests.realtime.sinks.examples import frame

pytestmark = pytest.mark.skipif(not is_installed("openvino"), reason="there is one engine alone")
FIRST, SECOND = "onnxruntime/fp32", "openvino/fp32"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


def vision(model: Path, grid: tuple[int, int]) -> Callable[[str], Engine]:
    given = ModelOptions(
        model=str(model), engine="onnxruntime", precision="fp32", threads_per_network=1
    )
    return opens(Opening(model=given, network="vision", grid=grid))


def run(engine: Engine) -> str:
    engine.infer({one.name: np.zeros(one.shape, np.float32) for one in engine.inputs})
    return engine.name


def test_all_that_is_open_is_exchanged_and_what_is_opened_later_is_the_same(model: Path) -> None:
    choice = EngineChoice("sees", FIRST, AtOnce)
    both = [choice.open(vision(model, (4, 4))), choice.open(vision(model, (8, 8)))]
    assert [run(one) for one in both] == [FIRST, FIRST]
    choice.choose(0, SECOND)
    choice.turn(0)
    assert [run(one) for one in both] == [SECOND, SECOND]
    later = choice.open(vision(model, (4, 6)))
    assert run(later) == SECOND
    assert (choice.remark.said, choice.remark.is_refusal) == (f"{SECOND} sees now", False)
    for one in (*both, later):
        one.close()


def test_what_cannot_be_had_is_told_and_the_first_goes_on(model: Path) -> None:
    choice = EngineChoice("sees", FIRST, AtOnce)
    engine = choice.open(vision(model, (4, 4)))
    for name in ("onnxruntime/int8", "nothing/fp32"):  # no such graph; no such engine
        choice.choose(0, name)
        choice.turn(0)
        assert choice.name == run(engine) == FIRST
        assert choice.remark.is_refusal
        assert choice.remark.said.startswith(f"{name} cannot be had: ")
        assert choice.remark.said.endswith(f"; {FIRST} goes on")
        choice = EngineChoice("sees", FIRST, AtOnce)
        engine.close()
        engine = choice.open(vision(model, (4, 4)))
    engine.close()


class Later(AtOnce):
    """Over when the test says so."""

    is_over = False


def test_an_engine_that_was_opened_meanwhile_is_exchanged_as_well(model: Path) -> None:
    attempts: list[Later] = []

    def start(action: Callable[[], list[Engine]], name: str) -> Later:
        attempts.append(Later(action, name))
        return attempts[-1]

    choice = EngineChoice("sees", FIRST, start)
    before = choice.open(vision(model, (4, 4)))
    choice.choose(0, SECOND)
    before.close()  # a picture of another shape
    after = choice.open(vision(model, (4, 6)))
    attempts[0].is_over = True
    choice.turn(0)
    assert run(after) == FIRST  # those for the other shape are of no use
    attempts[1].is_over = True
    choice.turn(0)
    assert run(after) == SECOND
    after.close()
    choice.close()


class Known:
    """Knows at once which would be better."""

    is_closed = False

    def __init__(self, name: str | None) -> None:
        self._name = name

    def due(self, now_ns: int) -> str | None:
        name, self._name = self._name, None
        return name

    def close(self) -> None:
        self.is_closed = True


def test_what_turns_out_to_be_better_takes_the_place_of_a_guess(model: Path) -> None:
    better = Known(SECOND)
    choice = EngineChoice("sees", FIRST, AtOnce, better)
    engine = choice.open(vision(model, (4, 4)))
    for _ in range(2):
        choice.turn(0)
    assert choice.name == run(engine) == SECOND
    engine.close()
    choice.close()
    assert better.is_closed


def test_what_the_user_has_chosen_stays_whatever_is_better(model: Path) -> None:
    better = Known(None)
    choice = EngineChoice("sees", FIRST, AtOnce, better)
    engine = choice.open(vision(model, (4, 4)))
    choice.choose(0, SECOND)
    choice.turn(0)
    better._name = FIRST
    choice.turn(5 * NS_PER_S)
    choice.turn(5 * NS_PER_S)
    assert choice.name == run(engine) == SECOND
    engine.close()
    choice.close()


def test_a_guess_that_does_not_run_is_replaced_by_what_does(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = ModelOptions(
        model=str(model), engine="openvino", precision="int8", is_chosen=True, guessed_for="auto"
    )
    engine = open_asked(Opening(model=given, network="vision", grid=(4, 4)), is_live=True)
    until_s = time.monotonic() + 20
    while not caplog.messages:  # there is no such graph
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert run(engine) == FIRST
    assert caplog.messages[0].startswith(f"{FIRST} goes on: ")
    engine.close()


def test_a_flood_of_wishes_opens_one_a_second(model: Path) -> None:
    asked: list[str] = []

    def counted(name: str) -> Engine:
        asked.append(name)
        raise EngineError("not here")

    choice = EngineChoice("sees", FIRST, AtOnce)
    engine = choice.open(lambda name: counted(name) if asked or name != FIRST else opened(model))
    for number in range(500):  # 10 s
        now_ns = number * NS_PER_S // 50
        choice.choose(now_ns, f"engine {number}")
        choice.turn(now_ns)
    assert 5 <= len(asked) <= 11
    assert choice.name == FIRST
    engine.close()


def opened(model: Path) -> Engine:
    return open_engine(model, "vision", "onnxruntime", "fp32", 1, grid=(4, 4))


SAMPLES = np.random.default_rng(0).normal(0, 0.1, 88_200).astype(np.float32)


def heard(folder: Path, *, is_exchanged: bool) -> list[SoundColumns]:
    """All columns of 2 s; a quarter of the way another engine is opened, beside the one at work."""
    given = ModelOptions(
        model=str(folder), engine="onnxruntime", precision="fp32", threads_per_network=1
    )
    choice = EngineChoice("hears", FIRST)

    def opened(newest: int) -> Engine:
        return choice.open(opens(Opening(model=given, network="sound", newest=newest)))

    pace = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=2)
    hearing = Hearing(opened, tiny_streaming_spec(), pace)
    stage = Exchanged(hearing, choice, "sound", "test")
    stage.open()
    found: list[SoundColumns] = []
    for start in range(0, len(SAMPLES), 441):
        chunk = AudioChunk(
            stream="test",
            sequence=start // 441,
            capture_ns=start * NS_PER_S // 44_100,
            first_sample=start,
            rate_hz=44_100,
            samples=SAMPLES[start : start + 441],
        )
        inputs: dict[str, list[Message]] = {"audio": [chunk]}
        if is_exchanged and start == 50 * 441:
            wish = Choice(stream="test", sequence=0, part="sound", name=SECOND)
            inputs["control"] = [wish]
        outputs = stage.step(chunk.capture_ns, inputs)
        found += [one for _, one in outputs if isinstance(one, SoundColumns)]
        if is_exchanged and start == 120 * 441:  # a machine on which opening takes 0.7 s
            settle(choice, chunk.capture_ns)
    stage.close()
    assert choice.name == (SECOND if is_exchanged else FIRST)
    return found


def settle(choice: EngineChoice, now_ns: int) -> None:
    give_up_s = time.monotonic() + 30.0
    while choice.name == FIRST:
        assert time.monotonic() < give_up_s
        time.sleep(0.01)
        choice.turn(now_ns)


def test_no_column_is_missed_and_what_is_remembered_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("streaming") / "model"
    write_tiny_model(folder, tiny_streaming_spec())
    wanted, found = heard(folder, is_exchanged=False), heard(folder, is_exchanged=True)
    assert [one.first_column for one in found] == [one.first_column for one in wanted]
    assert len(found) > 30
    for one, other in zip(found, wanted, strict=True):
        most = max(float(np.abs(other.features).max()), 1.0)
        np.testing.assert_allclose(one.features, other.features, atol=1e-3 * most)


def test_the_stage_obeys_its_own_choices_and_who_takes_its_place_has_its_engine(
    model: Path,
) -> None:
    def made() -> Exchanged:
        choice = EngineChoice("sees", FIRST, AtOnce)
        sight = Sight(lambda grid: choice.open(vision(model, grid)), ModelSpec.load(model).vision)
        stage = Exchanged(sight, choice, "vision", "test")
        stage.open()
        return stage

    def told(stage: Exchanged, now_ns: int, **inputs: list) -> list[str]:
        outputs = stage.step(now_ns, inputs)
        return [one.name for topic, one in outputs if isinstance(one, Present) and topic == "desk"]

    def chosen(part: str) -> Choice:
        return Choice(stream="test", sequence=0, part=part, name=SECOND)

    first = made()
    assert told(first, 0) == [FIRST]
    assert told(first, 1, control=[chosen("sound")]) == []  # that is for another
    assert told(first, 2, control=[chosen("vision")]) == [SECOND]
    outputs = first.step(3, {"video": [frame()]})
    assert [topic for topic, _ in outputs] == ["sight"]
    second = made()
    second.resume(first.state())
    assert told(second, 0, video=[end("video")]) == [SECOND]
    assert second.finished
    first.close()
    second.close()
