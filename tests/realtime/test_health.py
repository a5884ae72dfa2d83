from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.health import HUNG_S, OPENING_S, STOPPED_S, Health
from realtime.process_state import is_stopped

TURN_NS = 50 * NS_PER_MS


def silence(health: Health, duration_s: float, *, stopped: bool) -> str | None:
    for _ in range(round(duration_s * NS_PER_S / TURN_NS)):
        health.passed(TURN_NS)
        if verdict := health.verdict(lambda: stopped):
            return verdict
    return None


def test_an_engine_may_take_its_time_but_not_for_ever() -> None:
    health = Health()
    for _ in range(3):
        assert silence(health, HUNG_S, stopped=False) is None
        health.beat()
    assert silence(health, HUNG_S + 0.1, stopped=False) == "said nothing for 5 s"


def test_one_that_begins_again_may_take_longer_once() -> None:
    health = Health()
    health.opens()
    assert silence(health, OPENING_S, stopped=False) is None
    health.beat()
    assert silence(health, HUNG_S + 0.1, stopped=False) == "said nothing for 5 s"


def test_who_is_stopped_is_not_waited_for() -> None:
    health = Health()
    assert silence(health, STOPPED_S, stopped=True) is None
    assert silence(health, 0.1, stopped=True) == "was stopped"


def test_the_system_is_not_asked_without_need() -> None:
    health = Health()

    def unasked() -> bool:
        raise AssertionError

    health.passed(TURN_NS)
    assert health.verdict(unasked) is None


def test_a_watcher_that_slept_itself_blames_nobody() -> None:
    health = Health()
    health.passed(3600 * NS_PER_S)
    assert health.verdict(lambda: True) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_system_tells_who_is_stopped() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert not is_stopped(process.pid)
        process.send_signal(signal.SIGSTOP)
        for _ in range(500):
            if is_stopped(process.pid):
                break
            time.sleep(0.01)
        assert is_stopped(process.pid)
        process.send_signal(signal.SIGCONT)
    finally:
        process.kill()
        process.communicate()
    assert not is_stopped(process.pid)
    assert not is_stopped(os.getpid())
