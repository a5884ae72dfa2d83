"""A stage on another host, over real sockets: keyed, cut, attacked, ended."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest
import zmq

from realtime.errors import DeviceError, UsageError
from realtime.options import SeparationOptions
from realtime.remote.keys import make_pair, read_pair, read_peer, trust
from realtime.remote.letters import Hello, write
from realtime.remote.line import Line
from tests.fakes.tiny_model import write_tiny_model
from tests.realtime.remote.parts import HERE, Player, Rig, port_of, wait_for
from tests.realtime.remote.proxy import Proxy


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remote") / "model"
    write_tiny_model(folder)
    return folder


@pytest.fixture
def rig(tmp_path: Path, model: Path) -> Rig:
    return Rig(tmp_path, model)


def test_pictures_go_there_and_maps_come_back_in_the_players_time(rig: Rig) -> None:
    with rig.host() as host:
        player = Player(rig.away(port_of(host)))
        player.away.open()
        player.more(5)
        player.end()
        player.until(lambda: player.away.finished)
        stats = player.away.stats()
        player.away.close()
    for sight in player.maps:
        assert sight.features.mean() * 255 == pytest.approx(
            player.sent[sight.frame_sequence], abs=1.5
        )
        assert 0 < sight.capture_ns < player.clock.now_ns()
    assert [sight.sequence for sight in player.maps] == list(range(len(player.maps)))
    assert stats["cuts"] == stats["refused_letters"] == 0
    assert stats["maps_count"] >= 1
    assert 0 <= stats["there_age_p50_ms"] < 10_000
    assert stats["round_trip_ms"] < 1000
    assert host.refusals == (0, 0, 0)


@pytest.mark.parametrize("is_traced", [True, False])
def test_a_traced_run_is_told_when_engines_were_at_work_there(rig: Rig, is_traced: bool) -> None:
    with rig.host() as host:
        player = Player(rig.away(port_of(host), is_traced=is_traced))
        player.away.open()
        started_ns = player.clock.now_ns()
        player.more(8)
        player.end()
        player.until(lambda: player.away.finished)
        slices = player.away.engine_slices()
        seen = player.away.stats()["maps_count"]
        player.away.close()
    assert player.away.engine_slices() == []
    if not is_traced:
        assert slices == []
        return
    assert len(slices) == 2 * seen
    assert {(engine, part) for engine, part, _, _ in slices} == {
        (f"eye at {HERE}", ""),
        (f"eye at {HERE}", "run"),
    }
    # In the player's time, whatever that host's clock says.
    assert all(
        started_ns <= start_ns < stop_ns <= player.clock.now_ns()
        for _, _, start_ns, stop_ns in slices
    )


def test_after_a_cut_the_same_stage_goes_on(rig: Rig) -> None:
    with rig.host() as host, closing(Proxy(port_of(host))) as proxy:
        player = Player(rig.away(proxy.port))
        player.away.open()
        player.more(3)
        proxy.cut()
        player.until(lambda: player.away.stats()["cuts"] == 1)
        player.until(lambda: player.away.stats()["away_s"] > 0.5)
        proxy.mend()
        player.more(5)
        assert player.away.stats()["away_s"] == 0
        player.away.close()
    sequences = [sight.sequence for sight in player.maps]
    assert sequences == sorted(set(sequences))  # it was not begun anew
    assert "studio is back, its sight goes on" in rig.said


def test_who_takes_the_place_of_one_that_is_gone_goes_on_in_the_same_shot(rig: Rig) -> None:
    with rig.host() as host:
        former = Player(rig.away(port_of(host)))
        former.away.open()
        former.away.resume({"shot": 7})
        former.more(2)
        player = Player(rig.away(port_of(host)))  # while the other one's session lives on
        player.away.open()
        player.away.resume(former.away.state())
        player.more(2)
        assert player.away.state() == {"shot": 7}
        for each in (former, player):
            assert {sight.shot for sight in each.maps} == {7}
            each.away.close()


def test_a_connection_that_is_dropped_is_made_again(rig: Rig) -> None:
    with rig.host() as host, closing(Proxy(port_of(host))) as proxy:
        player = Player(rig.away(proxy.port))
        player.away.open()
        for number in (1, 2, 3):
            player.more(1)
            proxy.drop()
            player.cuts(number)
        player.more(1)
        player.away.close()


def test_a_host_that_is_started_anew_is_found_again(rig: Rig) -> None:
    with rig.host() as host:
        port = port_of(host)
        player = Player(rig.away(port))
        player.away.open()
        player.more(2)
    player.until(lambda: player.away.stats()["away_s"] > 0.2)
    with rig.host(port):
        player.more(2)
        player.away.close()


def test_at_the_end_nobody_waits_for_a_host_that_is_gone(rig: Rig) -> None:
    with rig.host() as host:
        player = Player(rig.away(port_of(host)))
        player.away.open()
        player.more(1)
    player.until(lambda: player.away.stats()["away_s"] > 0)
    player.end()
    assert player.away.finished
    player.away.close()


def test_an_error_there_is_no_error_here_and_the_stage_is_asked_for_again(
    rig: Rig, capfd: pytest.CaptureFixture[str]
) -> None:
    with rig.host() as host:
        player = Player(rig.away(port_of(host), stream="bad"))
        player.away.open()
        player.more(5)  # two of each
        player.away.close()
    assert [sight.sequence for sight in player.maps[:5]] == [0, 1, 0, 1, 0]
    assert "something broke" in capfd.readouterr().err


def test_a_key_that_is_not_known_there_is_refused_in_one_line(rig: Rig) -> None:
    with rig.host() as host:
        (rig.box / "peers" / "studio.key").unlink()
        away = rig.away(port_of(host))
        with pytest.raises(
            UsageError, match=r"does not know this player's key; there, run: .*[0-9a-f]{64}"
        ):
            away.open()
        away.close()
        wait_for(lambda: host.refusals[0] >= 1)
        assert host.refusals[1] >= 1
        trust(rig.box, "studio", read_pair(rig.player).public.hex())  # it is let in at once
        away = rig.away(port_of(host))
        away.open()
        away.close()


def test_another_host_at_the_address_is_refused(rig: Rig, tmp_path: Path) -> None:
    other, _ = make_pair(tmp_path / "other")
    (rig.player / "peers" / f"{HERE}.key").unlink()
    trust(rig.player, HERE, other.public.hex())
    with rig.host() as host:
        away = rig.away(port_of(host))
        with pytest.raises(UsageError, match="another key than peers/127"):
            away.open()
        away.close()
        wait_for(lambda: host.refusals[0] >= 1)
        assert host.refusals[1] == 0


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"model": "f" * 16}, "another model"),
        ({"stream": "unopened"}, "there is no such eye"),
        ({"stream": ""}, "stream: wanted a name"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(rig: Rig, more: dict[str, str], text: str) -> None:
    with rig.host() as host:
        away = rig.away(port_of(host), **more)
        with pytest.raises(UsageError, match=text) as caught:
            away.open()
        away.close()
    assert str(caught.value).startswith("sight: 127.0.0.1 refuses: ")


def test_a_stage_that_the_host_does_not_run_is_refused(rig: Rig) -> None:
    with rig.host(stages=("hearing",)) as host:
        away = rig.away(port_of(host))
        with pytest.raises(UsageError, match="it runs hearing, not 'sight'"):
            away.open()
        away.close()


def test_nobody_there_is_a_missing_device(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.remote.away.UNREACHABLE_S", 0.3)
    with socket.create_server((HERE, 0)) as nobody:  # takes connections and says nothing
        away = rig.away(nobody.getsockname()[1])
        with pytest.raises(DeviceError, match="does not answer; start there: python -m realtime"):
            away.open()
        away.close()


def test_noise_without_a_key_is_refused_and_counted_while_maps_go_on(rig: Rig) -> None:
    noises = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(200),
        b"\xff" + bytes(8) + b"\x7f\x03" + os.urandom(500),
        os.urandom(4000),
        b"",
    ]
    with rig.host() as host:
        player = Player(rig.away(port_of(host)))
        player.away.open()
        player.more(1)
        for noise in noises * 4:
            with socket.create_connection((HERE, port_of(host))) as stranger:
                stranger.sendall(noise)
            player.step()
        naked = zmq.Context()
        push = naked.socket(zmq.DEALER)
        push.linger = 0
        push.connect(f"tcp://{HERE}:{port_of(host)}")
        push.send_multipart(write(hello("live", "0" * 32)))
        player.until(lambda: host.refusals[0] >= 21)
        player.more(3)
        push.close()
        naked.term()
        stats = player.away.stats()
        player.away.close()
    assert stats["cuts"] == stats["refused_letters"] == 0
    assert sum("asks for" in line for line in rig.said) == 1


def hello(stream: str, session: str) -> Hello:
    return Hello(
        version="0.1.0", stage="sight", stream=stream, session=session, model="",
        separation=SeparationOptions(), is_traced=False,
    )  # fmt: skip


def test_noise_of_a_known_peer_is_refused_and_counted_while_maps_go_on(rig: Rig) -> None:
    own = read_pair(rig.player)
    letters = [
        [b"no", b"letter", b"of ours"],
        [b"pixelplayer/2", b"hello", b"{}"],
        [b"pixelplayer/2", b"hello", b"[" * 9000],
        [b"pixelplayer/2", b"shell", b"rm"],
        [b"pixelplayer/2", b"parcel", b"video", os.urandom(3000)],  # of no session
        [b"pixelplayer/9", b"hello", b"{}"],
        [os.urandom(20), os.urandom(20), os.urandom(20)],
        [b"x"] * 50,
    ]
    with rig.host() as host:
        player = Player(rig.away(port_of(host)))
        player.away.open()
        address = f"tcp://{HERE}:{port_of(host)}"
        line = Line(address, (own.public, own.private), read_peer(rig.player, HERE))
        for letter in letters:
            assert line.send(letter)
        player.until(lambda: host.refusals[2] >= 7)
        player.more(3)
        answers = [bytes(part) for parts in line.poll(100).letters for part in parts]
        line.close()
        player.away.close()
    assert any(b"speaks version 9 of the protocol and this host 2" in part for part in answers)
    assert host.refusals[0] == 0


def test_a_session_is_gone_on_with_by_its_own_peer_alone(rig: Rig, tmp_path: Path) -> None:
    thief, _ = make_pair(tmp_path / "thief")
    trust(rig.box, "thief", thief.public.hex())
    with rig.host() as host:
        player = Player(rig.away(port_of(host)))
        player.away.open()
        player.more(1)
        session = player.away._caller._call._session  # type: ignore[union-attr]
        address = f"tcp://{HERE}:{port_of(host)}"
        line = Line(address, (thief.public, thief.private), read_peer(rig.player, HERE))
        line.send(write(hello("live", session)))
        wait_for(lambda: any("thief is refused" in text for text in rig.said))
        player.more(3)
        line.close()
        player.away.close()
