import contextlib
import socket

import numpy as np
import pytest

from realtime.clock import NS_PER_MS
from realtime.errors import DeviceError
from realtime.messages import Stats
from realtime.picture import from_jpeg
from realtime.sinks import web_listening, web_server
from realtime.sinks.web import Web, sent_size
from tests.live.viewing import Viewing, packet

from .examples import BLUE, ORANGE, end, frame, scene, scene_object, streams
from .web_show import TIMEOUT_S, Show

OBJECTS = [
    scene_object(1, ORANGE),
    scene_object(2, BLUE, (0.6, 0.2, 0.9, 0.8), gain=0.0),
]


@pytest.fixture
def show():
    show = Show()
    yield show
    show.web.close()


def test_the_address_is_announced_and_the_page_needs_nothing_from_elsewhere(show):
    assert show.url.startswith("http://127.0.0.1:")
    status, page, headers = show.request("GET", "/", Host=show.host)
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    rules = headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules
    assert "frame-ancestors 'none'" in rules
    assert "unsafe" not in rules
    wanted = {"/page.css": "text/css", "/main.js": "text/javascript"}
    for path, kind in wanted.items():
        assert path.encode() in page
        status, body, headers = show.request("GET", path, Host=show.host)
        assert (status, headers["Content-Type"].partition(";")[0]) == (200, kind)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert body
    for _, body in web_server.page_files().values():
        assert b"https://" not in body
        assert b"<script>" not in body
        assert b"style=" not in body


def test_pictures_come_to_everyone_who_watches(show):
    show.step(video=[frame(0)], scene=[scene(OBJECTS)])
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(Viewing(show.url)) for _ in range(3)]
        show.wait_for(3)
        for viewer in viewers:
            taken = viewer.picture()
            picture = from_jpeg(taken.body)
            assert picture.shape == (360, 640, 3)
            near = np.abs(picture.astype(int) - ORANGE).max(axis=2) < 40
            assert near.sum() > 100
    show.wait_for(0)


def test_a_viewer_who_comes_late_sees_the_last_picture(show):
    show.step(video=[frame(3)], scene=[scene(OBJECTS)])
    with Viewing(show.url) as viewer:
        show.until(lambda _: show.web.stats()["viewers"], show.step)
        show.step()
        assert viewer.picture().capture_ns == frame(3).capture_ns


def test_a_picture_leaves_as_early_as_it_takes_to_come(show):
    with Viewing(show.url) as viewer:
        show.until(lambda _: show.web.stats()["viewers"], show.step)
        show.step(video=[frame(30)])  # due now
        while isinstance(data := viewer.socket.recv(TIMEOUT_S), str):
            pass
        first = packet(data)
        assert first.capture_ns == show.now_ns
        show.now_ns += 60 * NS_PER_MS
        show.step()
        viewer.ask(kind="seen", number=first.number)
        show.until(lambda _: show.web.stats()["ahead_ms"] == 60, show.step)
        show.step(video=[frame(33), frame(34)])  # due in 40 ms, and in 73
        assert viewer.picture().capture_ns == frame(33).capture_ns


def test_nothing_is_drawn_while_nobody_watches(show, monkeypatch):
    monkeypatch.setattr(show.web, "_show", None)
    show.next_picture()


def row(number, colour, level_db, *, state):
    """What the page is told of an object whose gain nobody has turned."""
    told = {"id": number, "name": "", "colour": colour, "level_db": level_db}
    return told | {"gain": 1.0, "state": state, "is_pinned": False}


def test_the_page_learns_what_there_is(show):
    show.step(scene=[scene(OBJECTS, soloed=(1,))], video=[frame(0)])
    with Viewing(show.url) as viewer:
        told = viewer.told()
    assert told["objects"] == [
        row(1, "#e69f00", -20.0, state="solo"),
        row(2, "#56b4e9", -20.0, state="off"),
        row(0, "#b4b8be", -50.0, state="off"),
    ]
    assert told["numbers"]["engines"] == "openvino/int8"
    assert told["numbers"]["latency_ms"] is None


def test_silence_is_a_number_that_json_knows(show):
    show.step(scene=[scene([scene_object(1, level_db=-np.inf)])])
    with Viewing(show.url) as viewer:
        assert viewer.told()["objects"][0]["level_db"] == -60.0


def test_the_page_learns_where_the_dial_stands_and_can_stand():
    show = Show((-23.2, 0.0, 92.9))
    try:
        for ahead in (92.9, -23.2):
            told = Stats(stream="s", sequence=0, stage="hearing", values={"lookahead_ms": ahead})
            show.step(scene=[scene(OBJECTS)], video=[frame(0)], stats=[told])
            with Viewing(show.url) as viewer:
                seen = viewer.told()
                assert seen["lookahead_ms"] == ahead
                assert seen["positions_ms"] == [-23.2, 0.0, 92.9]
        with Viewing(show.url) as viewer:
            viewer.ask(kind="lookahead", value=-23.2)
            (control,) = show.controls()
        assert (control.kind, control.value) == ("lookahead", -23.2)
    finally:
        show.web.close()


def test_what_the_page_asks_for_comes_out_as_control(show):
    with Viewing(show.url) as viewer:
        viewer.ask(kind="pin", x=0.25, y=0.5)
        viewer.ask(kind="gain", object_id=1, value=0.5)
        pin, gain = show.controls(2)
    assert (pin.kind, pin.x, pin.y) == ("pin", 0.25, 0.5)
    assert (gain.kind, gain.object_id, gain.value) == ("gain", 1, 0.5)
    assert gain.sequence > pin.sequence
    assert show.step() == []


def test_sound_comes_to_who_wants_it_and_as_long_as_it_does(show):
    tone = np.full((2, 400), 0.25)
    with Viewing(show.url) as listener, Viewing(show.url) as watcher:
        show.wait_for(2)
        listener.ask(kind="listen", wants=True)
        show.wait_for(1, "listeners")
        for number in range(3):
            show.step(monitor=[streams(tone, 400 * number)])
        taken = [listener.sound() for _ in range(3)]
        assert [one.capture_ns for one in taken] == [0, 50_000_000, 100_000_000]
        assert np.frombuffer(taken[1].body, "<i2")[100] == round(0.5 * 32767)
        listener.ask(kind="listen", wants=False)
        show.wait_for(0, "listeners")
        show.step(monitor=[streams(tone, 1200)])
        show.step(scene=[scene(OBJECTS)])
        while (taken := watcher.take()) and not isinstance(taken, dict):
            assert taken.kind == 1
        while not isinstance(taken := listener.take(), dict):
            assert taken.kind == 1


def test_two_viewers_take_two_ports(show):
    other = Show()
    try:
        assert other.port != show.port
    finally:
        other.web.close()


def test_without_a_free_port_it_says_so(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(web_listening, "FIRST_PORT", taken.getsockname()[1])
        monkeypatch.setattr(web_listening, "PORTS_TRIED", 1)
        with pytest.raises(DeviceError, match="in use"):
            Web("test", {}, print).open()


def test_it_ends_with_pictures_and_scenes(show):
    show.step(video=[end("video")], scene=[end("scene")])
    assert show.web.finished


def test_closing_lets_viewers_go_and_frees_the_port(show):
    with (
        Viewing(show.url) as viewer,
        socket.create_connection(("127.0.0.1", show.port), timeout=TIMEOUT_S) as silent,
    ):
        show.wait_for(1)
        show.web.close()
        assert viewer.close_code() in (1001, None)
        with contextlib.suppress(ConnectionResetError):  # it had not been accepted yet
            assert silent.recv(1000) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", show.port), timeout=TIMEOUT_S)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((160, 90), (640, 360)),
        ((800, 600), (800, 600)),
        ((1080, 1920), (576, 1024)),
        ((1, 1), (640, 640)),
    ],
)
def test_pictures_are_sent_as_large_as_they_are_looked_at(given, sent):
    assert sent_size(*given) == sent
