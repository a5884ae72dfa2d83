"""The page off loopback: real sockets on another address of this machine, with and without TLS."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from realtime.errors import DeviceError, UsageError
from realtime.page_options import PageOptions
from realtime.sinks.web import Web
from realtime.sinks.web_door import WRONG_TOKENS
from realtime.sinks.web_server import NO_TOKEN, TAKEN
from realtime.sinks.web_sockets import MOST_CONNECTIONS
from tests.live.parts import missing
from tests.live.viewing import TIMEOUT_S, Viewing

from .certificate import self_signed
from .test_web_capture import JPEG, PICTURE, header
from .web_show import Show

TOKEN = "a-token-for-the-tests-alone"


def free_port(host="127.0.0.1"):
    with socket.socket() as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def own_address():
    """One of this machine's that is not loopback; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            missing("an address off loopback", "connect this machine to a network")
        return sock.getsockname()[0]


class Elsewhere(Show):
    """A web stage that is served as it is told, stepped by its test."""

    def __init__(self, given, captures=False):
        self.said = []
        self.web = Web("test", {}, self.said.append, page=given, captures=captures)
        self.web.open()
        self.number, self.now_ns = 0, 1_000_000_000
        self.shown = self.said[0]
        self.port = int(self.shown.partition("#")[0].rstrip("/").rpartition(":")[2])

    def url(self, host):
        scheme = self.shown.partition(":")[0]
        return f"{scheme}://{host}:{self.port}/"


@pytest.fixture
def stack():
    with contextlib.ExitStack() as opened:
        yield opened


def served(stack, captures=False, **given):
    given = {"address": f"0.0.0.0:{free_port()}", "token": TOKEN} | given
    show = Elsewhere(PageOptions(**given), captures)
    stack.callback(show.web.close)
    return show


def enter(viewing, token=TOKEN):
    viewing.socket.send(json.dumps({"kind": "enter", "token": token}))


def test_the_token_opens_the_page_from_another_address(stack):
    show = served(stack)
    assert show.shown == f"http://{socket.gethostname().lower()}:{show.port}/#token={TOKEN}"
    viewer = stack.enter_context(Viewing(show.url(own_address())))
    enter(viewer)
    show.wait_for(1)
    show.next_picture()
    assert viewer.picture().body
    viewer.ask(kind="unsolo")
    assert show.controls()[0].kind == "unsolo"


@pytest.mark.parametrize(
    "first", ["", "{}", '{"kind": "quit"}', b"\x00", '{"kind": "seen", "number": 1}']
)
def test_nothing_is_told_and_nothing_taken_without_the_token(stack, first):
    show = served(stack)
    show.next_picture()
    with Viewing(show.url(own_address())) as viewer:
        viewer.socket.send(first)
        with contextlib.suppress(ConnectionClosed):
            viewer.ask(kind="quit")
        with pytest.raises(ConnectionClosed):
            viewer.take()
        assert viewer.close_code() == NO_TOKEN
    assert show.step() == []
    stats = show.web.stats()
    assert (stats["viewers"], stats["refused_tokens"]) == (0, 1)


def test_who_guesses_is_held_off_and_who_is_in_stays(stack):
    show = served(stack)
    url = show.url(own_address())
    viewer = stack.enter_context(Viewing(url))
    enter(viewer)
    show.wait_for(1)
    for guess in range(WRONG_TOKENS):
        with Viewing(url) as guessing:
            enter(guessing, f"guess-number-{guess}")
            assert guessing.close_code() == NO_TOKEN
    with pytest.raises(InvalidStatus) as refused, Viewing(url):
        pass
    assert refused.value.response.status_code == 429
    show.next_picture()
    assert viewer.picture().body
    another = stack.enter_context(Viewing(show.url("127.0.0.1")))  # another address may still try
    enter(another)
    show.wait_for(2)
    assert show.web.stats()["refused_tokens"] == WRONG_TOKENS
    assert show.web.stats()["refused_floods"] == 1


@pytest.mark.parametrize("origin", ["http://evil.example", None, "null", "https://127.0.0.1:8765"])
def test_a_foreign_page_does_not_even_get_to_say_a_token(stack, origin):
    show = served(stack)
    with pytest.raises(InvalidStatus) as refused, Viewing(show.url(own_address()), origin=origin):
        pass
    assert refused.value.response.status_code == 403
    assert show.web.stats()["refused_origins"] == 1


def test_a_rebound_name_gets_nothing_and_a_plain_address_does(stack):
    show = served(stack)
    for path in ("/", "/main.js", "/live"):
        assert show.request("GET", path, Host=f"evil.example:{show.port}")[0] == 421
    assert show.request("GET", "/", Host=f"{own_address()}:{show.port}")[0] == 200
    assert show.web.stats()["refused_hosts"] == 3


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_strangers_who_say_nothing_push_nobody_out(stack, tmp_path, is_encrypted):
    tls, given = {}, {}
    if is_encrypted:
        certificate, key = self_signed(tmp_path)
        given = {"certificate": str(certificate), "key": str(key)}
        tls = {"ssl": ssl.create_default_context(cafile=str(certificate))}
    show = served(stack, **given)
    viewer = stack.enter_context(Viewing(show.url("127.0.0.1"), **tls))
    enter(viewer)
    show.wait_for(1)
    before = threading.active_count()
    for _ in range(100):
        sock = stack.enter_context(socket.create_connection((own_address(), show.port), TIMEOUT_S))
        sock.sendall(b"\x16\x03\x01" if is_encrypted else b"GET /")  # and nothing more
    show.until(lambda _: show.web.stats()["refused_connections"] > 50)
    show.until(lambda _: threading.active_count() < before + 2.5 * MOST_CONNECTIONS)
    show.next_picture()
    assert viewer.picture().body


def test_on_loopback_alone_nobody_else_gets_through(stack):
    show = served(stack, address=None, token=None)
    assert show.shown.startswith("http://127.0.0.1:")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((own_address(), show.port), TIMEOUT_S)


def test_the_page_is_served_with_a_certificate(stack, tmp_path):
    certificate, key = self_signed(tmp_path)
    show = served(stack, certificate=str(certificate), key=str(key))
    assert show.shown.startswith("https://")
    trusts = ssl.create_default_context(cafile=str(certificate))
    origin = f"https://127.0.0.1:{show.port}"
    opened = connect(f"wss://127.0.0.1:{show.port}/live", ssl=trusts, origin=origin, proxy=None)
    with opened as viewer:
        viewer.send(json.dumps({"kind": "enter", "token": TOKEN}))
        show.wait_for(1)
        show.next_picture()
        assert viewer.recv(TIMEOUT_S)
    # Who speaks plain HTTP, or says nothing, holds nobody up.
    with socket.create_connection(("127.0.0.1", show.port), TIMEOUT_S) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with connect(
            f"wss://127.0.0.1:{show.port}/live", ssl=trusts, origin=origin, proxy=None
        ) as viewer:
            viewer.send(json.dumps({"kind": "enter", "token": TOKEN}))
            show.wait_for(1)


def test_key_and_certificate_may_be_one_file(stack, tmp_path):
    certificate, key = self_signed(tmp_path)
    one = tmp_path / "one.pem"
    one.write_text(certificate.read_text() + key.read_text())
    assert served(stack, certificate=str(one)).shown.startswith("https://")


def test_what_cannot_be_served_is_told(stack, tmp_path):
    certificate, _ = self_signed(tmp_path)
    with pytest.raises(UsageError, match="wanted a PEM file"):
        served(stack, certificate=str(certificate))  # it has no key
    with pytest.raises(UsageError, match="No such file"):
        served(stack, certificate=str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match="no address of this machine"):
        served(stack, address="192.0.2.1:8765")
    port = free_port()
    stack.enter_context(socket.create_server(("127.0.0.1", port)))
    with pytest.raises(DeviceError, match="choose another port"):
        served(stack, address=f"127.0.0.1:{port}")


def test_the_source_needs_the_token_and_there_is_one_at_a_time(stack):
    show = served(stack, captures=True)

    def source():
        url = f"ws://127.0.0.1:{show.port}/source"
        origin = f"http://127.0.0.1:{show.port}"
        return stack.enter_context(connect(url, origin=origin, proxy=None, max_size=None))

    def code(connection):
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(TIMEOUT_S)
        return closed.value.rcvd.code

    stranger = source()
    stranger.send('{"kind": "clock", "sent": 1}')
    assert code(stranger) == NO_TOKEN
    first, second = source(), source()
    first.send(json.dumps({"kind": "enter", "token": TOKEN}))
    assert json.loads(first.recv(TIMEOUT_S)) == {"kind": "go", "rate_hz": None}
    second.send(json.dumps({"kind": "enter", "token": TOKEN}))
    assert code(second) == TAKEN
    first.send('{"kind": "clock", "sent": 1}')
    at_ns = round(json.loads(first.recv(TIMEOUT_S))["at_ms"] * 1e6)
    first.send(os.urandom(50))  # is refused; what comes then is taken
    first.send(header(PICTURE, capture_ns=at_ns) + JPEG)
    ((topic, taken),) = show.until(lambda found: found, show.step)
    assert (topic, taken.jpeg.tobytes()) == ("captured", JPEG)
    assert show.web.stats()["refused_packets"] == 1
    first.close()
    show.until(lambda _: not show.web.stats()["has_source"], show.step)
    third = source()
    third.send(json.dumps({"kind": "enter", "token": TOKEN}))
    assert json.loads(third.recv(TIMEOUT_S))["kind"] == "go"


def test_a_run_with_another_source_takes_nothing_from_browsers(stack):
    show = served(stack)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{show.port}/source", origin=show.url("127.0.0.1")[:-1], proxy=None)
    assert refused.value.response.status_code == 404


def test_a_flood_of_packets_is_bounded_and_holds_nobody_up(stack):
    show = served(stack, captures=True, address=None, token=None)
    viewer = stack.enter_context(Viewing(show.url("127.0.0.1")))
    show.wait_for(1)
    origin = show.url("127.0.0.1")[:-1]
    flooding = stack.enter_context(connect(f"ws{origin[4:]}/source", origin=origin, proxy=None))
    stop = threading.Event()

    def flood():
        with contextlib.suppress(ConnectionClosed, OSError):
            while not stop.is_set():
                flooding.send(bytes(1000))

    sender = threading.Thread(target=flood)
    sender.start()
    try:
        show.next_picture()
        assert viewer.picture().body
        refused = show.web.stats()["refused_packets"]
        assert refused < 200  # it is read more slowly
    finally:
        stop.set()
        flooding.socket.shutdown(socket.SHUT_RDWR)
        sender.join(TIMEOUT_S)
