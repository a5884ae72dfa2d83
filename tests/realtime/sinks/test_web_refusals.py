"""Viewers who stall, flood, come from elsewhere, or talk nonsense: nobody else notices."""

import contextlib
import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.sinks.requests import LARGEST_REQUEST_BYTES
from realtime.sinks.showcase import MOST_VIEWERS
from realtime.sinks.web_server import TOO_MANY
from realtime.sinks.web_sockets import MOST_CONNECTIONS
from tests.live.viewing import Viewing

from .examples import NS_PER_S
from .web_show import TIMEOUT_S, Show


@pytest.fixture
def show():
    show = Show()
    yield show
    show.web.close()


def test_a_stalled_viewer_holds_nobody_up_and_is_let_go(show):
    with Viewing(show.url) as stalled, Viewing(show.url) as viewer:
        show.wait_for(2)
        numbers = []

        def watch():
            with contextlib.suppress(ConnectionClosed):
                while True:
                    numbers.append(viewer.picture().number)

        watching = threading.Thread(target=watch)
        watching.start()
        show.until(lambda _: numbers and numbers[-1] > 100)  # others go on
        for second in range(2, 14):
            show.now_ns = second * NS_PER_S
            show.next_picture()
            newest = show.web._showcase.picture_number
            show.until(lambda _, wanted=newest: numbers[-1] >= wanted, show.step)
        assert stalled.close_code() is None  # hung up on
        show.wait_for(1)
        assert show.web.stats()["stalled_viewers"] == 1
        viewer.socket.close()
        watching.join(TIMEOUT_S)


def test_there_are_not_too_many_viewers(show):
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(Viewing(show.url)) for _ in range(MOST_VIEWERS)]
        show.wait_for(MOST_VIEWERS)
        with Viewing(show.url) as surplus:
            assert surplus.close_code() == TOO_MANY
        viewers[0].socket.close()
        show.wait_for(MOST_VIEWERS - 1)
        with Viewing(show.url) as welcome:
            show.next_picture()
            assert welcome.picture().body


def test_connections_that_say_nothing_do_not_fill_it(show):
    with contextlib.ExitStack() as stack:
        for _ in range(2 * MOST_CONNECTIONS):
            silent = socket.create_connection(("127.0.0.1", show.port), timeout=TIMEOUT_S)
            stack.callback(silent.close)
        with Viewing(show.url) as viewer:
            show.wait_for(1)
            assert viewer.picture().body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": None}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_a_foreign_page_opens_no_connection(show, headers, status):
    with pytest.raises(InvalidStatus) as refused, Viewing(show.url, **headers):
        pass
    assert refused.value.response.status_code == status
    assert show.step() == []
    assert show.web.stats()["viewers"] == 0


def test_a_name_that_is_not_ours_gets_no_page_and_no_connection(show):
    for path in ("/", "/main.js", "/live"):
        assert show.request("GET", path, Host="evil.example")[0] == 421
        assert show.request("GET", path, Host=f"evil.example:{show.port}")[0] == 421
    upgrade = {
        "Host": f"evil.example:{show.port}",
        "Origin": f"http://evil.example:{show.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert show.request("GET", "/live", **upgrade)[0] == 421


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"{", b'{"kind":"quit","x":1}', b"\xff", b'{"kind":"click","x":2,"y":0}']
)
def test_nonsense_is_refused_and_the_viewer_stays(show, body):
    with Viewing(show.url) as viewer:
        viewer.socket.send(body)
        assert viewer.told("refused")["refused"]
        viewer.ask(kind="unsolo")
        (control,) = show.controls()
        assert control.kind == "unsolo"


def test_a_request_that_is_too_long_ends_the_connection(show):
    with Viewing(show.url) as viewer:
        viewer.socket.send(b" " * (LARGEST_REQUEST_BYTES + 1))
        assert viewer.close_code() == 1009
    assert show.step() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/../session.json"),
        ("GET", "/page/../web.py"),
        ("GET", "/etc/passwd"),
        ("GET", "/%2e%2e/web.py"),
        ("POST", "/"),
        ("DELETE", "/main.js"),
    ],
)
def test_there_is_nothing_else(show, method, path):
    assert show.request(method, path, Host=show.host)[0] in (404, 405, 400)


def test_a_flood_of_requests_is_refused_and_holds_nobody_up(show):
    with Viewing(show.url) as flooding, Viewing(show.url) as viewer:
        show.wait_for(2)
        stop = threading.Event()

        def flood():
            with contextlib.suppress(ConnectionClosed):
                while not stop.is_set():
                    flooding.ask(kind="unsolo")

        sender = threading.Thread(target=flood)
        sender.start()
        try:
            assert "too many" in flooding.told("refused")["refused"]
            show.next_picture()
            assert viewer.picture().body
            assert len(show.controls(64)) <= 2 * 64
        finally:
            stop.set()
            flooding.socket.socket.shutdown(socket.SHUT_RDWR)
            sender.join(TIMEOUT_S)


def test_garbage_instead_of_http_does_no_harm(show):
    with socket.create_connection(("127.0.0.1", show.port), timeout=TIMEOUT_S) as raw:
        raw.sendall(b"\x00\x01\x02 garbage\r\n\r\n")
        raw.recv(1000)
    assert show.request("GET", "/", Host=show.host)[0] == 200
