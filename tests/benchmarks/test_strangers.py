"""Whoever knocks without being asked is counted on both sides."""

from __future__ import annotations

from pathlib import Path

from benchmarks.strangers import Strangers
from realtime.remote.keys import read_pair, read_peer
from tests.fakes.tiny_model import write_tiny_model
from tests.realtime.remote.parts import HERE, Rig, port_of, wait_for


def test_who_knocked_was_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")
    rig = Rig(tmp_path, tmp_path / "model")
    with rig.host() as host:
        there, known = read_peer(rig.player, HERE), read_pair(rig.player)
        strangers = Strangers(HERE, port_of(host), there, known, 50.0)
        wait_for(lambda: strangers.keys >= 2 and strangers.letters >= 10)
        strangers.stop()
        wait_for(lambda: host.refusals[0] >= strangers.knocks)
        wait_for(lambda: host.refusals[2] >= strangers.letters)
        assert host.refusals[1] >= strangers.keys
    assert strangers.knocks > strangers.keys
