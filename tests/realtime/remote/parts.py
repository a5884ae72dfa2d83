"""A host with small stages in a thread of the test, and a player's stage that calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from realtime.clock import Clock, SystemClock
from realtime.errors import UsageError
from realtime.messages import End, Message, SightMap, VideoFrame
from realtime.options import ModelOptions, Options, SeparationOptions
from realtime.plan import Plan
from realtime.remote.away import Away
from realtime.remote.call import Call
from realtime.remote.caller import Caller, There
from realtime.remote.keys import make_pair, read_pair, read_peer, trust
from realtime.remote.lighter import Lighter
from realtime.remote.placing import fingerprint
from realtime.remote.serving import Host
from realtime.stage import Inputs, Outputs, Stage
from realtime.telemetry import EngineSlice
from tests.fakes.tiny_model import tiny_spec

PATIENCE_S = 30.0
HERE = "127.0.0.1"


class Eye:
    """A map with each picture's mean level; the third picture of a stream "bad" ends it."""

    def __init__(self, stream: str, clock: Clock | None = None) -> None:
        self._stream = stream
        self._clock = clock  # in a run that is traced
        self._slices: list[EngineSlice] = []
        self._count = 0
        self.finished = False

    def open(self) -> None:
        if self._stream == "unopened":
            raise UsageError("there is no such eye; run with --help")

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        outputs: list[tuple[str, Message]] = []
        for message in inputs.get("video", ()):
            if isinstance(message, VideoFrame):
                if self._stream == "bad" and self._count == 2:
                    raise ValueError("something broke")
                if self._clock is not None:
                    at_ns = self._clock.now_ns()
                    self._slices += [
                        ("eye", "", at_ns, at_ns + 2),
                        ("eye", "run", at_ns, at_ns + 1),
                    ]
                level = np.float32(message.pixels.mean() / 255)
                sight = SightMap(
                    stream=message.stream,
                    sequence=self._count,
                    capture_ns=message.capture_ns,
                    frame_sequence=message.sequence,
                    shot=0,
                    features=np.full((1, 2, 3, 3), level, np.float32),
                )
                outputs.append(("sight", sight))
                self._count += 1
            elif isinstance(message, End):
                self.finished = True  # the end is said for it
        return outputs

    def engine_slices(self) -> Sequence[EngineSlice]:
        slices, self._slices = self._slices, []
        return slices

    def close(self) -> None:
        pass

    def stats(self) -> Mapping[str, float]:
        return {"maps_count": self._count}


def build(name: str, plan: Plan, clock: Clock) -> Stage:
    assert name == "sight"
    return Eye(plan.stream, clock if plan.is_traced else None)


class Rig:
    """Two hosts' folders: ``player`` knows ``box`` as 127.0.0.1, ``box`` knows ``studio``."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.player, self.box, self.model = folder / "player", folder / "box", model
        player, _ = make_pair(self.player)
        box, _ = make_pair(self.box)
        trust(self.player, HERE, box.public.hex())
        trust(self.box, "studio", player.public.hex())
        self.said: list[str] = []

    @contextmanager
    def host(self, port: int = 0, stages: Sequence[str] = ("sight",)) -> Iterator[Host]:
        """Serves while the block runs."""
        host = Host(
            listen=f"tcp://{HERE}:{port}",
            keys=self.box,
            stages=stages,
            options=Options(model=ModelOptions(model=str(self.model))),
            clock=SystemClock(),
            tell=self.said.append,
            builder="tests.realtime.remote.parts:build",
        )
        left = Event()
        thread = Thread(target=host.serve, args=(left,))
        thread.start()
        try:
            yield host
        finally:
            left.set()
            thread.join()
            host.close()

    def caller(
        self, port: int, *, stream: str = "live", model: str | None = None, is_traced: bool = False
    ) -> Caller:
        call = Call(
            stage="sight",
            stream=stream,
            model=fingerprint(self.model) if model is None else model,
            separation=SeparationOptions(),
            is_traced=is_traced,
        )
        key = read_peer(self.player, HERE)
        there = There(host=HERE, address=f"tcp://{HERE}:{port}", key=key)
        return Caller(call, there, read_pair(self.player), SystemClock())

    def away(self, port: int, **more: Any) -> Away:
        """Sight on the host at ``port``."""
        lighter = Lighter(tiny_spec().vision)
        return Away("sight", HERE, lambda: self.caller(port, **more), lighter, SystemClock())


def port_of(host: Host) -> int:
    return int(host.address.rpartition(":")[2])


class Player:
    """Steps the stage as a run would: pictures of rising level, and what comes back."""

    def __init__(self, away: Away) -> None:
        self.away = away
        self.clock = SystemClock()
        self.maps: list[SightMap] = []
        self.others: list[Message] = []
        self.sent: dict[int, int] = {}  # level by sequence
        self.count = 0

    def step(self) -> None:
        """One more picture."""
        level = self.count % 200
        self.sent[self.count] = level
        picture = VideoFrame(
            stream="live",
            sequence=self.count,
            capture_ns=self.clock.now_ns(),
            pixels=np.full((48, 64, 3), level, np.uint8),
        )
        self.count += 1
        self.take(self.away.step(self.clock.now_ns(), {"video": [picture]}))
        self.clock.sleep_s(0.02)

    def end(self) -> None:
        message = End(stream="live", sequence=self.count, topic="video")
        self.take(self.away.step(self.clock.now_ns(), {"video": [message]}))

    def take(self, outputs: Outputs) -> None:
        for topic, message in outputs:
            assert topic == "sight"
            if isinstance(message, SightMap):
                self.maps.append(message)
            else:
                self.others.append(message)

    def more(self, count: int) -> None:
        """Step until so many more maps have come."""
        wanted = len(self.maps) + count
        self.until(lambda: len(self.maps) >= wanted)

    def cuts(self, count: int) -> None:
        """Step until it has noticed so many cuts."""
        self.until(lambda: self.away.stats()["cuts"] >= count)

    def until(self, what: Callable[[], bool]) -> None:
        """Step until it is so."""
        until_ns = self.clock.now_ns() + round(PATIENCE_S * 1e9)
        while not what():
            assert self.clock.now_ns() < until_ns, self.away.stats()
            self.step()


def wait_for(what: Callable[[], bool], patience_s: float = 20.0) -> None:
    """Until it is so."""
    clock = SystemClock()
    until_ns = clock.now_ns() + round(patience_s * 1e9)
    while not what():
        assert clock.now_ns() < until_ns
        clock.sleep_s(0.02)
