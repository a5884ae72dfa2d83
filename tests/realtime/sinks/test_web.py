import contextlib
import http.client
import json
import socket
import threading

import numpy as np
import pytest

from realtime.errors import DeviceError
from realtime.messages import Stats
from realtime.picture import from_jpeg
from realtime.sinks import web_server
from realtime.sinks.web import Web
from realtime.sinks.web_server import MOST_VIEWERS

from .examples import BLUE, NS_PER_S, ORANGE, end, frame, scene, scene_object

TIMEOUT_S = 20
OBJECTS = [scene_object(1, ORANGE), scene_object(2, BLUE, gain=0.0)]


class Browser:
    """Talks to the viewer as a browser would, or as one that means no good."""

    def __init__(self, url):
        self.host = url.removeprefix("http://").rstrip("/")
        self.port = int(self.host.split(":")[1])

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())

    def ask(self, control, **changes):
        headers = {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {name: value for name, value in headers.items() if value is not None}
        body = control if isinstance(control, bytes) else json.dumps(control).encode()
        return self.request("POST", "/control", body, **headers)[0]

    def watch(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)
        connection.sendall(f"GET /stream.mjpg HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        return connection


class Show:
    """A web stage with what it was told to say."""

    def __init__(self, positions_ms=()):
        self.said = []
        self.web = Web("test", {"vision": "openvino/int8"}, self.said.append, positions_ms)
        self.web.open()
        self.browser = Browser(self.said[0])
        self.number = 0

    def step(self, **inputs):
        return list(self.web.step(NS_PER_S, inputs))

    def next_picture(self):
        self.number += 1
        return self.step(video=[frame(self.number % 30, grey=self.number % 200)])

    def wait_for_viewers(self, count):
        for _ in range(2000):
            self.next_picture()
            if self.web.stats()["viewers"] == count:
                return
            threading.Event().wait(0.005)
        raise AssertionError(f"{self.web.stats()} viewers, wanted {count}")


@pytest.fixture
def show():
    show = Show()
    yield show
    show.web.close()


def first_picture(stream):
    """The first JPEG of a multipart stream, read from a socket."""
    data = b""
    while True:
        head, found, rest = data.partition(b"Content-Type: image/jpeg\r\nContent-Length: ")
        if found:
            length, found, jpeg = rest.partition(b"\r\n\r\n")
            if found and len(jpeg) >= int(length):
                return from_jpeg(jpeg[: int(length)])
        more = stream.recv(65536)
        assert more, head
        data += more


def test_the_address_is_announced_and_shows_a_page_that_needs_nothing_else(show):
    assert show.said[0].startswith("http://127.0.0.1:")
    status, body, headers = show.browser.request("GET", "/", Host=show.browser.host)
    assert status == 200
    assert b"<!doctype html>" in body
    assert b"http://" not in body
    assert b"https://" not in body
    assert headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_pictures_come_to_everyone_who_watches(show):
    show.step(video=[frame(0)], scene=[scene(OBJECTS)])
    viewers = [show.browser.watch() for _ in range(3)]
    try:
        show.wait_for_viewers(3)
        for viewer in viewers:
            picture = first_picture(viewer)
            near = np.abs(picture.astype(int) - ORANGE).max(axis=2) < 40
            assert near.sum() > 100
    finally:
        for viewer in viewers:
            viewer.close()
    show.wait_for_viewers(0)


def test_a_viewer_who_comes_late_sees_the_last_picture(show):
    show.step(video=[frame(0)], scene=[scene(OBJECTS)])
    with show.browser.watch() as viewer:
        for _ in range(2000):
            show.step()
            if show.web.stats()["viewers"]:
                break
            threading.Event().wait(0.005)
        show.step()
        assert first_picture(viewer).shape[2] == 3


def test_a_stalled_viewer_holds_nobody_up(show):
    with show.browser.watch() as stalled, show.browser.watch() as viewer:
        show.wait_for_viewers(2)
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(100):
            show.next_picture()  # returns, however little is taken
        assert first_picture(viewer).shape[2] == 3


def test_there_are_not_too_many_viewers(show):
    viewers = [show.browser.watch() for _ in range(MOST_VIEWERS)]
    try:
        show.wait_for_viewers(MOST_VIEWERS)
        status, _, _ = show.browser.request("GET", "/stream.mjpg", Host=show.browser.host)
        assert status == 503
    finally:
        for viewer in viewers:
            viewer.close()


def test_nothing_is_drawn_while_nobody_watches(show, monkeypatch):
    monkeypatch.setattr(show.web._viewer, "draw", None)
    show.next_picture()


def test_the_page_learns_what_there_is(show):
    assert show.browser.request("GET", "/scene.json")[1] == b"null"
    show.step(scene=[scene(OBJECTS, soloed=(1,))], video=[frame(0)])
    _, body, _ = show.browser.request("GET", "/scene.json")
    seen = json.loads(body)
    x0, y0, x1, y1 = seen["picture"]
    assert 0 <= x0 < x1 < 1
    assert 0 <= y0 < y1 < 1
    assert seen["objects"] == [
        {"id": 1, "colour": "#e69f00", "gain": 1.0, "state": "solo", "name": ""},
        {"id": 2, "colour": "#56b4e9", "gain": 0.0, "state": "off", "name": ""},
        {"id": 0, "colour": "#b4b8be", "gain": 1.0, "state": ""},
    ]


def test_the_page_learns_where_the_dial_stands_and_can_stand():
    show = Show((-23.2, 0.0, 92.9))
    try:
        for ahead in (92.9, -23.2):
            told = Stats(stream="s", sequence=0, stage="hearing", values={"lookahead_ms": ahead})
            show.step(scene=[scene(OBJECTS)], video=[frame(0)], stats=[told])
            seen = json.loads(show.browser.request("GET", "/scene.json")[1])
            assert seen["lookahead_ms"] == ahead
            assert seen["positions_ms"] == [-23.2, 0.0, 92.9]
        assert show.browser.ask({"kind": "lookahead", "value": -23.2}) == 204
        ((_, control),) = show.step()
        assert (control.kind, control.value) == ("lookahead", -23.2)
    finally:
        show.web.close()


def test_what_the_page_asks_for_comes_out_as_control(show):
    assert show.browser.ask({"kind": "click", "x": 0.25, "y": 0.5}) == 204
    assert show.browser.ask({"kind": "gain", "object_id": 1, "value": 0.5}) == 204
    (first_topic, click), (_, gain) = show.step()
    assert first_topic == "control"
    assert (click.kind, click.x, click.y) == ("click", 0.25, 0.5)
    assert (gain.kind, gain.object_id, gain.value) == ("gain", 1, 0.5)
    assert gain.sequence > click.sequence
    assert show.step() == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example:8765", "Origin": "http://evil.example:8765"}, 421),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Length": "-5"}, 411),
        ({"Content_Length": "5000"}, 413),
        ({"Content_Length": "9" * 30}, 413),
    ],
)
def test_strangers_are_refused(show, changes, status):
    assert show.browser.ask({"kind": "quit"}, **changes) == status
    assert show.step() == []


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"{", b'{"kind":"quit","x":1}', b"\xff", b'{"kind":"click","x":2,"y":0}']
)
def test_nonsense_is_refused(show, body):
    assert show.browser.ask(body) == 400
    assert show.step() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/../session.json", 404),
        ("GET", "/etc/passwd", 404),
        ("GET", "/control", 404),
        ("POST", "/", 403),
        ("DELETE", "/control", 501),
    ],
)
def test_there_is_nothing_else(show, method, path, status):
    assert show.browser.request(method, path)[0] == status


def test_a_name_that_is_not_ours_gets_no_page(show):
    assert show.browser.request("GET", "/", Host="evil.example")[0] == 421
    assert show.browser.request("GET", "/scene.json", Host="evil.example")[0] == 421


def test_too_many_requests_at_once_are_refused(show):
    codes = {show.browser.ask({"kind": "unsolo"}) for _ in range(70)}
    assert codes == {204, 400}
    assert len(show.step()) == 64


def test_garbage_instead_of_http_does_no_harm(show):
    with socket.create_connection(("127.0.0.1", show.browser.port), timeout=TIMEOUT_S) as raw:
        raw.sendall(b"\x00\x01\x02 garbage\r\n\r\n")
        raw.recv(1000)
    assert show.browser.request("GET", "/scene.json")[0] == 200


def test_two_viewers_take_two_ports(show):
    other = Show()
    try:
        assert other.browser.port != show.browser.port
    finally:
        other.web.close()


def test_without_a_free_port_it_says_so(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(web_server, "FIRST_PORT", taken.getsockname()[1])
        monkeypatch.setattr(web_server, "PORTS_TRIED", 1)
        with pytest.raises(DeviceError, match="in use"):
            Web("test", {}, print).open()


def test_it_ends_with_pictures_and_scenes(show):
    show.step(video=[end("video")], scene=[end("scene")])
    assert show.web.finished


def test_closing_lets_viewers_go_and_frees_the_port(show):
    with show.browser.watch() as viewer:
        show.wait_for_viewers(1)
        show.web.close()
        while viewer.recv(65536):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", show.browser.port), timeout=TIMEOUT_S)
