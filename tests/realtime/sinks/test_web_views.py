"""Each viewer of the page has the picture that it chose, and spectrograms if it wants them."""

import numpy as np
import pytest

from realtime.messages import Stats
from realtime.picture import from_jpeg
from realtime.sinks.web_packets import spectra_packet
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.wishes import Show
from tests.live.viewing import Viewing, packet

from .examples import NS_PER_S, ORANGE, frame, scene, scene_object
from .web_show import Show as Stage

COLUMN_NS = 23_219_955
HOT = scene([scene_object(1, ORANGE, (0.6, 0.2, 0.9, 0.8))], hot=[(1, 1)])


@pytest.fixture
def show():
    made = Stage()
    yield made
    made.web.close()


def spectra(capture_ns=0, object_ids=(7, 2)):
    shares = np.arange(3 * 4 * 2, dtype=np.uint8).reshape(3, 4, 2)
    return ObjectSpectra(
        stream="test",
        sequence=0,
        capture_ns=capture_ns,
        column_ns=COLUMN_NS,
        object_ids=object_ids,
        levels=np.arange(100, 108, dtype=np.uint8).reshape(4, 2),
        shares=shares[: len(object_ids) + 1],
    )


def pixels(capture_ns=0):
    levels = np.zeros((8, 8, 32), np.uint8)
    levels[6, 1, 4] = 220
    return PixelSpectra(
        stream="test", sequence=0, capture_ns=capture_ns, duration_ns=10**8, shot=0, levels=levels
    )


def orange_in(data):
    """How much of the object's outline is in the picture's right half, where nothing is hot."""
    near = np.abs(from_jpeg(data)[:, 320:].astype(int) - ORANGE).max(axis=2) < 40
    return int(near.sum())


def wishes(found):
    return [message for _, message in found if isinstance(message, Show)]


def test_everyone_has_the_view_that_it_chose(show):
    with Viewing(show.url) as one, Viewing(show.url) as other:
        show.wait_for(2)
        other.ask(kind="look", view="energy")
        show.until(lambda _: show.web._showcase.views == {"objects", "energy"})
        for _ in range(4):  # those on their way are still the same
            show.number += 1
            show.step(video=[frame(show.number)], scene=[HOT])
            plain, energy = one.picture(), other.picture()
        assert orange_in(plain.body) > 100
        assert orange_in(energy.body) == 0
        glow = from_jpeg(energy.body)
        assert glow[60, 120].mean() > 110  # of the cell at (1, 1) of 8 by 8
        assert glow[:, 320:].mean() < 40


def test_what_pixels_sound_is_asked_for_while_somebody_looks(show):
    with Viewing(show.url) as viewer:
        show.wait_for(1)
        assert wishes(show.next_picture()) == []
        viewer.ask(kind="look", view="sounds")
        show.until(wishes)
        assert wishes(show.next_picture()) == []
        show.now_ns += NS_PER_S
        (again,) = wishes(show.next_picture())
        assert again.what == ("pixels",)
        show.step(spectra=[pixels()], video=[frame(4)], scene=[HOT])
        for _ in range(3):
            show.next_picture()
            picture = from_jpeg(viewer.picture().body)
        lit = picture.max(axis=2) > 120
        rows, columns = np.nonzero(lit)
        assert rows.min() >= 6 * 45
        assert rows.max() < 7 * 45
        assert columns.min() >= 80
        assert columns.max() < 160
    show.wait_for(0)
    show.now_ns += NS_PER_S
    assert wishes(show.step()) == []


def test_streams_are_asked_for_while_somebody_listens(show):
    with Viewing(show.url) as viewer:
        show.wait_for(1)
        viewer.ask(kind="listen", wants=True)
        (wish,) = wishes(show.until(wishes, show.step))
        assert wish.what == ("streams",)
        viewer.ask(kind="listen", wants=False)
        show.wait_for(0, "listeners")
        show.now_ns += NS_PER_S
        assert wishes(show.step()) == []


def test_spectrograms_come_to_who_follows_them_when_they_are_heard(show):
    late = Stats(stream="s", sequence=0, stage="speaker", values={"latency_ms": 200.0})
    show.step(stats=[late])
    with Viewing(show.url) as follower, Viewing(show.url) as watcher:
        show.wait_for(2)
        follower.ask(kind="follow", wants=True)
        (wish,) = wishes(show.until(wishes, show.step))
        assert wish.what == ("objects",)
        first_ns = show.now_ns - 100_000_000
        show.step(spectra=[spectra(first_ns), spectra(first_ns + 2 * COLUMN_NS)])
        show.now_ns += 99_000_000
        for known, rows in ((HOT, 2), (scene([]), 1)):  # no spectra come before the second
            show.step(scene=[known])
            while not isinstance(taken := follower.take(), dict) or len(taken["objects"]) != rows:
                assert isinstance(taken, dict) or taken.kind == 1
        show.now_ns += 2_000_000
        show.step()
        assert follower.spectra().capture_ns == first_ns
        show.now_ns += 2 * COLUMN_NS
        show.step()
        assert follower.spectra().capture_ns == first_ns + 2 * COLUMN_NS
        follower.ask(kind="follow", wants=False)
        show.until(lambda _: not show.web._showcase.followers, show.step)
        show.step(spectra=[spectra(first_ns)])
        show.step(scene=[scene([])], video=[frame(1)])
        for viewer in (follower, watcher):
            while not isinstance(taken := viewer.take(), dict) or taken["objects"][:-1]:
                assert isinstance(taken, dict) or taken.kind == 1


def test_a_packet_holds_rows_by_id_levels_and_shares():
    message = spectra(-5)
    taken = packet(spectra_packet(message))
    assert (taken.kind, taken.channels, taken.number, taken.capture_ns) == (3, 3, COLUMN_NS, -5)
    assert np.frombuffer(taken.body[:12], "<u4").tolist() == [7, 2, 0]
    assert taken.body[12:20] == message.levels.tobytes()
    assert taken.body[20:] == message.shares.tobytes()


def test_of_too_many_rows_the_last_are_sent():
    many = tuple(range(1, 400))
    shares = np.zeros((400, 1, 1), np.uint8)
    shares[-1] = 9
    message = ObjectSpectra(
        stream="test",
        sequence=0,
        capture_ns=0,
        column_ns=COLUMN_NS,
        object_ids=many,
        levels=np.ones((1, 1), np.uint8),
        shares=shares,
    )
    taken = packet(spectra_packet(message))
    assert taken.channels == 255
    assert np.frombuffer(taken.body[: 4 * 255], "<u4").tolist() == [*many[-254:], 0]
    assert taken.body[-1] == 9
