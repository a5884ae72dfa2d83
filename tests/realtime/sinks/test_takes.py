"""Recordings that begin and end in the middle of a run, with everything that such a run sends."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from realtime.desk import Part, Present, Recording
from realtime.messages import Control, Message
from realtime.remix.recorded import open_recorded
from realtime.sinks.rebased import rebased
from realtime.sinks.takes import Takes
from tests.fakes.disk import room_for

from .examples import NS_PER_S, RATE_HZ, end, streams
from .recorded_files import sound, times_s
from .sent import INFO, LATE, SOUND, STEP, TOPICS, instant_ns, recorder, sent


class Show:
    """A run of steps of 50 ms: an object and the rest, a picture in each step."""

    def __init__(self, root: Path, stamps: Sequence[str] = ("one", "two", "three")) -> None:
        given = iter(stamps)
        self.takes = Takes(root, INFO, "test", lambda: next(given), recorder)
        self.takes.open()
        self.step = 0
        self.told: list[Recording] = []
        self.silent = range(0)  # steps of the streams that never come

    @property
    def now_ns(self) -> int:
        return instant_ns(self.step)

    def run(self, steps: int, *controls: Control) -> None:
        for number in range(steps):
            inputs = sent(self.step, self.silent)
            if number == 0 and controls:
                inputs["control"] = [*controls]
            self.step += 1
            self.feed(inputs)

    def feed(self, inputs: dict[str, list[Message]]) -> None:
        for topic, message in self.takes.step(self.now_ns, inputs):
            assert topic == "desk"
            assert isinstance(message, Recording)
            self.told.append(message)


def press(value: float | None = None) -> Control:
    return Control(stream="test", sequence=0, kind="record", value=value)


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    shown = Show(tmp_path / "recordings")
    yield shown
    shown.takes.close()


def test_a_recording_has_what_is_heard_between_two_presses(show: Show, tmp_path: Path) -> None:
    show.run(50)
    assert not (tmp_path / "recordings").exists()
    show.run(40, press(1.0))
    assert show.told[-1].is_on
    began_ns = show.told[-1].began_ns
    assert began_ns == 51 * STEP * NS_PER_S // RATE_HZ
    show.run(20, press(0.0))
    folder = tmp_path / "recordings" / "one"
    last = show.told[-1]
    assert not last.is_on
    assert not last.is_refusal
    assert last.said == f"recorded 2.0 s in {folder}"
    first = (50 - LATE) * STEP
    whole = SOUND[:, first : first + 40 * STEP]
    assert np.array_equal(sound(folder, "object-1"), whole[0])
    assert np.array_equal(sound(folder, "residual"), whole[1])
    np.testing.assert_allclose(sound(folder, "mixture"), whole.sum(axis=0), atol=1e-6)
    session = json.loads((folder / "session.json").read_text())
    assert session["duration_s"] == 2.0
    assert session["objects"][0]["first_s"] == pytest.approx(0.0, abs=0.06)
    times = times_s(folder)  # it was shown when its sound was heard: from the beginning to the end
    assert times[0] == pytest.approx(0.0, abs=0.06)
    assert times[-1] == pytest.approx(1.95, abs=0.06)
    assert len(times) == pytest.approx(40, abs=2)
    assert open_recorded(folder).samples == 40 * STEP


def test_folder_and_files_are_their_owners_alone(show: Show, tmp_path: Path) -> None:
    show.run(20)
    show.run(30, press())
    show.run(1, press())
    folder = tmp_path / "recordings" / "one"
    for path in (folder.parent, folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_each_press_makes_another_folder(tmp_path: Path) -> None:
    show = Show(tmp_path, ["at noon", "at noon", "later"])
    show.run(20)
    for _ in range(3):
        show.run(25, press())
        show.run(25, press())
    assert {path.name for path in tmp_path.iterdir()} == {"at noon", "at noon-2", "later"}
    for folder in tmp_path.iterdir():
        assert open_recorded(folder).samples == 25 * STEP


def test_who_holds_the_key_down_makes_no_folders_without_end(tmp_path: Path) -> None:
    show = Show(tmp_path, [str(number) for number in range(1000)])
    show.run(20)
    for _ in range(60):  # 3 s
        show.run(1, *[press()] * 100)
    show.takes.close()
    assert 1 <= len(list(tmp_path.iterdir())) <= 2


def test_what_is_missing_at_its_beginning_is_the_mixture(show: Show, tmp_path: Path) -> None:
    """Streams that never come: their sound was there before the press."""
    show.silent = range(45, 48)
    show.run(50)
    show.run(30, press(1.0))
    show.run(1, press(0.0))
    folder = tmp_path / "recordings" / "one"
    first = (50 - LATE) * STEP
    mixture = SOUND[:, first : first + 30 * STEP].sum(axis=0)
    np.testing.assert_allclose(sound(folder, "mixture"), mixture, atol=1e-6)
    hole = slice(1 * STEP, 4 * STEP)
    np.testing.assert_allclose(sound(folder, "residual")[hole], mixture[hole], atol=1e-6)
    assert not sound(folder, "object-1")[hole].any()


def test_a_recording_ends_with_the_run(show: Show, tmp_path: Path) -> None:
    show.run(50)
    show.run(30, press(1.0))
    show.feed({topic: [end(topic)] for topic in TOPICS})
    assert show.takes.finished
    assert show.told[-1].said.startswith("recorded 1.8 s in ")
    folder = tmp_path / "recordings" / "one"
    # The sound of the last pictures was never divided: all files end where the input did.
    assert open_recorded(folder).samples == (30 + LATE) * STEP


def test_without_sound_there_is_no_recording(show: Show, tmp_path: Path) -> None:
    show.silent = range(1000)
    show.run(30, press(1.0))
    show.run(5, press(0.0))
    assert show.told[-1].said == "nothing is recorded: nothing was separated meanwhile"
    assert show.told[-1].is_refusal
    assert not list((tmp_path / "recordings").iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    show = Show(tmp_path / "file" / "recordings")
    show.run(20)
    show.run(5, press(1.0))
    last = show.told[-1]
    assert (last.is_on, last.is_refusal) == (False, True)
    assert str(tmp_path / "file" / "recordings") in last.said
    assert "--recordings DIR" in last.said


def test_a_full_disk_ends_the_recording_and_nothing_else(show: Show, tmp_path: Path) -> None:
    show.run(20)
    with room_for(20 * STEP * 4):
        show.run(40, press(1.0))
    last = show.told[-1]
    assert (last.is_on, last.is_refusal) == (False, True)
    assert "the recording ends here: its first 0.9 s are kept" in last.said
    folder = tmp_path / "recordings" / "one"
    assert str(folder) in last.said
    assert open_recorded(folder).samples == pytest.approx(20 * STEP, abs=STEP)
    show.run(30, press(1.0))  # there is room again
    show.run(2, press(0.0))
    assert open_recorded(tmp_path / "recordings" / "two").samples == 30 * STEP


def test_it_is_told_once_a_second_for_who_comes_later(show: Show) -> None:
    show.run(20 * 5)
    assert len(show.told) == 5
    assert [one.sequence for one in show.told] == list(range(5))


def test_the_engines_are_those_that_it_was_made_with(show: Show, tmp_path: Path) -> None:
    def runs(part: Part, name: str) -> Present:
        return Present(
            stream="test", sequence=0, part=part, name=name, said="", number=0, is_refusal=False
        )

    show.run(20)
    show.feed({"desk": [runs("vision", "before/fp32"), runs("speaker", "USB Headset")]})
    show.run(20, press(1.0))
    show.feed({"desk": [runs("sound", "during/fp32")]})
    show.run(5, press(0.0))
    session = json.loads((tmp_path / "recordings" / "one" / "session.json").read_text())
    assert session["engines"] == {"vision": "before/fp32", "sound": "during/fp32"}


def test_what_lies_before_the_beginning_is_cut_off() -> None:
    show = streams(SOUND[:, :STEP], 1000)
    (cut,) = rebased([show], 1100)
    assert cut.first_sample == 0
    assert cut.capture_ns == 1100 * NS_PER_S // RATE_HZ
    assert np.array_equal(cut.samples, SOUND[:, 100:STEP])
    assert rebased([show], 1000 + STEP) == []
