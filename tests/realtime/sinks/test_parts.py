"""A recording in parts: whole folders, laid end to end the run; after a full disk it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import UsageError
from realtime.messages import Message
from realtime.remix.recorded import open_recorded
from realtime.sinks.parts import LEAST_ROOM_BYTES, REST_S, Parts
from tests.fakes.disk import room_for

from .examples import RATE_HZ, end
from .recorded_files import sound, times_s
from .sent import INFO, LATE, SOUND, STEP, TOPICS, instant_ns, recorder, sent

PART_S = 1.01  # no whole number of steps


class Show:
    """A run of steps of 50 ms: an object and the rest, a picture in each step."""

    def __init__(self, root: Path, part_s: float = PART_S) -> None:
        self.root = root
        self.room = 2 * LEAST_ROOM_BYTES
        self.parts = Parts(root, part_s, INFO, recorder, lambda _: self.room)
        self.parts.open()
        self.step = 0
        self.silent = range(0)  # steps of the streams that never come

    def run(self, steps: int) -> None:
        for _ in range(steps):
            inputs = sent(self.step, self.silent)
            self.step += 1
            self.feed(inputs)

    def feed(self, inputs: dict[str, list[Message]]) -> None:
        assert not self.parts.step(instant_ns(self.step), inputs)

    def end(self) -> None:
        self.feed({topic: [end(topic)] for topic in TOPICS})

    @property
    def folders(self) -> list[Path]:
        return sorted(self.root.iterdir())


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    shown = Show(tmp_path / "evening")
    yield shown
    shown.parts.close()


def end_to_end(folders: list[Path], name: str) -> np.ndarray:
    return np.concatenate([sound(folder, name) for folder in folders])


def test_laid_end_to_end_the_parts_are_the_run(show: Show) -> None:
    show.run(90)
    show.end()
    assert show.parts.finished
    assert [folder.name for folder in show.folders] == [f"part-{one:03d}" for one in range(1, 6)]
    length = 90 * STEP
    divided = (90 - LATE) * STEP
    for row, name in enumerate(("object-1", "residual")):
        found = end_to_end(show.folders, name)
        assert found.shape == (length,)
        assert np.array_equal(found[:divided], SOUND[row, :divided])
    whole = SOUND[:, :divided].sum(axis=0)
    np.testing.assert_allclose(end_to_end(show.folders, "mixture")[:divided], whole, atol=1e-6)
    for folder in show.folders[:-1]:
        recorded = open_recorded(folder)
        assert recorded.samples == round(PART_S * RATE_HZ)
        times = times_s(folder)
        assert times[0] == pytest.approx(0.0, abs=0.06)
        assert times[-1] == pytest.approx(PART_S - 0.05, abs=0.06)
    assert show.parts.stats()["recorded_s"] == pytest.approx(length / RATE_HZ, abs=LATE * 0.05)


def test_a_hole_over_several_parts_is_in_all_of_them(show: Show) -> None:
    show.silent = range(30, 80)
    show.run(120)
    show.end()
    mixture = end_to_end(show.folders, "mixture")
    divided = (120 - LATE) * STEP
    np.testing.assert_allclose(mixture[:divided], SOUND[:, :divided].sum(axis=0), atol=1e-6)
    objects = [folder for folder in show.folders if (folder / "object-1.wav").exists()]
    assert 0 < len(objects) < len(show.folders)


def test_where_nothing_was_divided_for_long_nothing_is_there_twice(tmp_path: Path) -> None:
    show = Show(tmp_path / "evening", 25.0)
    show.silent = range(100, 900)  # 40 s: longer than the mixture is remembered
    show.run(960)
    show.end()
    mixture = end_to_end(show.folders, "mixture")
    assert len(mixture) == 960 * STEP
    divided = (960 - LATE) * STEP
    np.testing.assert_allclose(mixture[:divided], SOUND[:, :divided].sum(axis=0), atol=1e-6)


def test_another_run_goes_on_behind_the_last_part(show: Show) -> None:
    show.run(45)
    show.end()
    before = {folder.name: (folder / "mixture.wav").read_bytes() for folder in show.folders}
    again = Show(show.root)
    again.run(20)
    again.end()
    assert [folder.name for folder in show.folders] == ["part-001", "part-002", "part-003"]
    for name, contents in before.items():
        assert (show.root / name / "mixture.wav").read_bytes() == contents
    assert np.array_equal(sound(show.folders[2], "residual")[: 10 * STEP], SOUND[1, : 10 * STEP])


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part-001").mkdir()
    (tmp_path / "holiday.mp4").write_text("not ours")
    with pytest.raises(UsageError, match=r"holds holiday\.mp4, which is no part of a recording"):
        Show(tmp_path)


def test_after_a_full_disk_it_goes_on_once_there_is_room(
    show: Show, caplog: pytest.LogCaptureFixture
) -> None:
    show.run(10)
    show.room = 0
    with room_for(12 * STEP * 4):
        show.run(20)
    assert "the next part begins once there are 256 MB of room" in caplog.text
    show.run(round(3 * REST_S * 20))
    assert [folder.name for folder in show.folders] == ["part-001"]  # there is no room yet
    kept = open_recorded(show.folders[0]).samples
    assert kept == pytest.approx(12 * STEP, abs=2 * STEP)
    show.room = LEAST_ROOM_BYTES
    show.run(round(REST_S * 20) + 10)
    show.end()
    assert show.parts.finished
    later = sound(show.folders[1], "residual")
    at = next(
        first
        for first in range(0, SOUND.shape[1] - STEP, STEP)
        if np.array_equal(SOUND[1, first : first + STEP], later[:STEP])
    )
    assert at > 30 * STEP
    found = end_to_end(show.folders[1:], "residual")
    divided = (show.step - LATE) * STEP - at
    assert np.array_equal(found[:divided], SOUND[1, at : at + divided])


def test_a_run_that_ends_while_the_disk_is_full_ends(show: Show) -> None:
    show.run(10)
    show.room = 0
    with room_for(12 * STEP * 4):
        show.run(20)
    show.end()
    assert show.parts.finished


def test_each_part_says_what_it_was_made_with(show: Show) -> None:
    show.run(90)
    show.parts.close()
    for folder in show.folders:
        session = json.loads((folder / "session.json").read_text())
        assert session["engines"] == dict(INFO.engines)
        assert session["objects"][0]["first_s"] == pytest.approx(0.0, abs=0.06)
