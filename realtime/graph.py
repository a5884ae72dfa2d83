"""The whole wiring, as two tables: who there is, and what travels between them.

Nothing else in the project knows who talks to whom. ``docs/architecture.md`` shows the same
tables; a test compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from realtime.desk import Choice, Present, Recording
from realtime.messages import (
    AudioChunk,
    AudioGap,
    CapturedPicture,
    CapturedSound,
    Control,
    Message,
    Scene,
    SightMap,
    SoundColumns,
    Stats,
    Streams,
    VideoFrame,
)
from realtime.priority import SOUND_NICENESS
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.wishes import Show

Pace: TypeAlias = Literal["realtime", "fast"]
Placement: TypeAlias = Literal["threads", "processes"]
StageKind: TypeAlias = Literal["source", "stage", "sink", "supervisor"]
WhenFull: TypeAlias = Literal["newest", "drop", "gap", "wait"]
"""What happens when ``depth`` messages are on their way and one more comes.

``newest``: it is dropped and counted, and the consumer skips to the newest that it finds.
``drop``: it is dropped and counted; the consumer gets all that got through.
``gap``: it is dropped and counted, and an AudioGap of that length follows before the next.
``wait``: the producer waits (back-pressure); nothing is lost.
"""

MAIN = "main"  # the process that the command itself runs in
SOUND = "sound"  # that of the microphone and the speaker: neither is of use without the other


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicEntry:
    """One kind of traffic. ``End`` is allowed on every topic besides ``messages``.

    ``rate_hz`` is what to expect; ``depth`` bounds the messages on their way to one consumer.
    A data topic ends, and its end ends the run; the others are remarks on the side, or come from
    outside by way of a sink.
    """

    messages: tuple[type[Message], ...]
    rate_hz: float
    depth: int
    when_full: WhenFull
    is_data: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEntry:
    """One stage: what it is, reads and writes, and its process when placed in ``processes``."""

    kind: StageKind
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    process: str = MAIN
    thread: Literal["own", "main"] = "own"  # some window systems work on the main thread only
    keeps_up: bool = True  # False: a viewer; it never holds the others up, not even in fast
    is_vital: bool = True  # False: a live run goes on without it; who listens hears on
    is_replaced: bool = False  # in a live run another takes its place when it fails


SPARED = ("hearing", "separator")
"""Processes that another waits for, all open, to take their place: sound is divided by them."""

NICENESS: Mapping[str, int] = MappingProxyType(
    {
        "sight": 10,
        **dict.fromkeys((SOUND, "microphone", "hearing", "separator", "speaker"), SOUND_NICENESS),
    }
)
"""Who gives way where cores are short, and, where they may, who goes before others: a late picture
is not noticed, late sound is. Of a child, by its process, all threads and its session; in the main
process, by its name, the stage's own thread."""


LOOKED_AT = frozenset({("video", "sight")})
"""Edges, as topic and consumer, of which some pictures are looked at: see :mod:`realtime.picks`.

In ``fast`` the others are not sent there. Live they are: should the consumer be late, it finds a
newer one among them.
"""

# Depths: `newest` is deep enough for a slow consumer to find a really new one behind the old ones;
# 10 s of sound are 1000 chunks of 10 ms, or 215 steps of two hops.
TOPICS: Mapping[str, TopicEntry] = MappingProxyType(
    {
        "video": TopicEntry(messages=(VideoFrame,), rate_hz=30, depth=8, when_full="newest"),
        "audio": TopicEntry(
            messages=(AudioChunk, AudioGap), rate_hz=100, depth=1000, when_full="gap"
        ),
        "sight": TopicEntry(messages=(SightMap,), rate_hz=10, depth=8, when_full="newest"),
        # A full `sound` makes hearing wait, so that what is lost is lost at `audio`, as a gap.
        "sound": TopicEntry(messages=(SoundColumns,), rate_hz=22, depth=220, when_full="wait"),
        "streams": TopicEntry(messages=(Streams, AudioGap), rate_hz=22, depth=220, when_full="gap"),
        "scene": TopicEntry(messages=(Scene,), rate_hz=10, depth=8, when_full="newest"),
        "control": TopicEntry(
            messages=(Control, Show, Choice),
            rate_hz=10,
            depth=1000,
            when_full="wait",
            is_data=False,
        ),
        # For viewers, while they want it: nothing that is heard waits for it, nothing ends with it.
        "monitor": TopicEntry(
            messages=(Streams, AudioGap), rate_hz=22, depth=220, when_full="gap", is_data=False
        ),
        "spectra": TopicEntry(
            messages=(ObjectSpectra, PixelSpectra),
            rate_hz=32,
            depth=64,
            when_full="drop",
            is_data=False,
        ),
        # 3 s of what a browser takes; what is lost shows in the samples' numbers.
        "captured": TopicEntry(
            messages=(CapturedPicture, CapturedSound),
            rate_hz=120,
            depth=360,
            when_full="drop",
            is_data=False,
        ),
        "stats": TopicEntry(
            messages=(Stats,), rate_hz=10, depth=100, when_full="drop", is_data=False
        ),
        "desk": TopicEntry(
            messages=(Present, Recording),
            rate_hz=10,
            depth=100,
            when_full="drop",
            is_data=False,
        ),
    }
)

STAGES: Mapping[str, StageEntry] = MappingProxyType(
    {
        "demo": StageEntry(kind="source", writes=("video", "audio")),
        "media": StageEntry(kind="source", writes=("video", "audio")),
        "film": StageEntry(kind="source", writes=("video",)),
        "track": StageEntry(kind="source", writes=("audio",)),
        "camera": StageEntry(
            kind="source", reads=("control",), writes=("video", "desk"), is_replaced=True
        ),
        "microphone": StageEntry(
            kind="source",
            reads=("control",),
            writes=("audio", "desk"),
            process=SOUND,
            is_replaced=True,
        ),
        "browser": StageEntry(
            kind="source", reads=("captured",), writes=("video", "audio"), is_replaced=True
        ),
        "sight": StageEntry(
            kind="stage",
            reads=("video", "control"),
            writes=("sight", "desk"),
            process="sight",
            is_replaced=True,
        ),
        "hearing": StageEntry(
            kind="stage",
            reads=("audio", "control"),
            writes=("sound", "desk"),
            process="hearing",
            is_replaced=True,
        ),
        "separator": StageEntry(
            kind="stage",
            reads=("sight", "sound", "control"),
            writes=("streams", "scene", "monitor", "spectra"),
            process="separator",
            is_replaced=True,
        ),
        "speaker": StageEntry(
            kind="sink",
            reads=("audio", "streams", "control"),
            writes=("desk",),
            process=SOUND,
            is_replaced=True,
        ),
        "recorder": StageEntry(
            kind="sink",
            reads=("video", "audio", "streams", "scene", "stats", "desk"),
            is_vital=False,
        ),
        "takes": StageEntry(
            kind="sink",
            reads=("video", "audio", "streams", "scene", "control", "stats", "desk"),
            writes=("desk",),
            is_vital=False,
            is_replaced=True,
        ),
        "outputs": StageEntry(
            kind="sink",
            reads=("audio", "streams", "scene"),
            writes=("control",),
            is_vital=False,
            is_replaced=True,
        ),
        "window": StageEntry(
            kind="sink",
            reads=("video", "scene", "spectra", "stats", "desk"),
            writes=("control",),
            thread="main",
            keeps_up=False,
            is_replaced=True,
        ),
        "web": StageEntry(
            kind="sink",
            reads=("video", "scene", "monitor", "spectra", "stats", "desk"),
            writes=("control", "captured"),
            keeps_up=False,
            is_replaced=True,
        ),
        "supervisor": StageEntry(
            kind="supervisor", reads=("control", "scene"), writes=("stats",), keeps_up=False
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Edge:
    """One producer's way to one consumer on one topic."""

    topic: str
    producer: str
    consumer: str


def edges(stages: Collection[str]) -> tuple[Edge, ...]:
    """All edges between the stages of a run, in the order of the tables; none to itself.

    Raises:
        KeyError: a name that is not in ``STAGES``.
    """
    return tuple(
        Edge(topic=topic, producer=producer, consumer=consumer)
        for topic in TOPICS
        for producer in stages
        if topic in STAGES[producer].writes
        for consumer in stages
        if topic in STAGES[consumer].reads and consumer != producer
    )


def when_full(topic: str, consumer: str, pace: Pace) -> WhenFull:
    """The rule of one edge.

    In ``fast`` nobody loses data but the viewers, and viewers never make anybody wait. A sink that
    keeps up (the recorder) wants all that there is, not the newest alone.
    """
    topic_entry, stage = TOPICS[topic], STAGES[consumer]
    if not topic_entry.is_data:
        return topic_entry.when_full
    if stage.keeps_up and pace == "fast":
        return "wait"
    if stage.keeps_up and stage.kind == "sink" and topic_entry.when_full == "newest":
        return "drop"
    return topic_entry.when_full


def depth(topic: str, pace: Pace) -> int:
    """The bound of one edge: with back-pressure a short queue is as good as a long one."""
    return min(TOPICS[topic].depth, 16) if pace == "fast" else TOPICS[topic].depth


def unwritten(stage: str, stages: Collection[str]) -> tuple[str, ...]:
    """Data topics that ``stage`` reads and nobody of this run writes; they count as ended."""
    written = {topic for name in stages for topic in STAGES[name].writes}
    return tuple(
        topic for topic in STAGES[stage].reads if topic not in written and TOPICS[topic].is_data
    )
