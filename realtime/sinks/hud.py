"""The numbers of the status line, gathered from stats and frames. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.latency import causes_ms
from realtime.lip_sync import NOT_SEEN, verdict
from realtime.messages import Stats, VideoFrame
from realtime.sinks.feedback.told import warning

_FRAMES_FOR_RATE = 30
_SYNC_FOLLOW = 0.05  # of every picture's: what a person sees is the mean of a second
_LATE_SHOWN_REPORTS = 5  # reports that a stage stays named after it was late


@dataclass(frozen=True, slots=True, kw_only=True)
class Hud:
    """What the status line says; None is what is not known (yet)."""

    latency_ms: float | None = None  # capture to ear
    causes_ms: tuple[tuple[str, float], ...] = ()  # of it, in the order of the way
    masks_per_s: float | None = None
    frames_per_s: float | None = None
    lost: tuple[tuple[int, str], ...] = ()  # how many, and of what: "pictures skipped"
    engines: str = ""
    warnings: tuple[str, ...] = ()
    sound_early_ms: float | None = None  # before the picture, as both are shown
    av_offset_ms: float = 0.0  # by which pictures were set right


def total(values: Mapping[str, Mapping[str, float]], name: str) -> float:
    """The sum of one number over all stages that tell it."""
    return sum(numbers.get(name, 0.0) for numbers in values.values())


def engine_names(engines: Mapping[str, str]) -> str:
    """`openvino/int8`, or one name per network where they differ."""
    names = list(dict.fromkeys(engines.values()))
    return " + ".join(names)


class HudTracker:
    """Folds what arrives into the newest Hud."""

    def __init__(self, engines: Mapping[str, str]) -> None:
        """`engines` maps each network to backend/precision."""
        self._engines = dict(engines)
        self._values: dict[str, Mapping[str, float]] = {}
        self._late: dict[str, int] = {}
        self._frames: deque[tuple[int, int]] = deque(maxlen=_FRAMES_FOR_RATE)
        self._sound_early_ms: float | None = None

    def add_frame(self, frame: VideoFrame) -> None:
        """Count a frame; those in between that were not seen here count as well."""
        self._frames.append((frame.capture_ns, frame.sequence))

    def exchange_engine(self, network: str, name: str) -> None:
        """A network runs in another engine now."""
        self._engines[network] = name

    def add_shown(self, now_ns: int, capture_ns: int) -> None:
        """A picture goes on show: how long after its sound is heard?"""
        latency_ms = self._latency_ms
        if latency_ms is None:
            return
        early_ms = (now_ns - capture_ns) / NS_PER_MS - latency_ms
        before_ms = early_ms if self._sound_early_ms is None else self._sound_early_ms
        self._sound_early_ms = before_ms + _SYNC_FOLLOW * (early_ms - before_ms)

    @property
    def sound_early_ms(self) -> float | None:
        """How much earlier sound is heard than its picture is shown, in the mean."""
        return self._sound_early_ms

    def add_stats(self, stats: Stats) -> None:
        """Take the newest numbers of one stage."""
        before = self._values.get(stats.stage, {}).get("late", 0.0)
        is_late = stats.values.get("late", 0.0) > before
        left = self._late.get(stats.stage, 0) - 1
        self._late[stats.stage] = _LATE_SHOWN_REPORTS if is_late else max(left, 0)
        self._values[stats.stage] = dict(stats.values)

    def value(self, stage: str, name: str) -> float | None:
        """One number, None where it is not known."""
        return self._values.get(stage, {}).get(name)

    @property
    def _latency_ms(self) -> float | None:
        """From capture to the ear; the speaker tells 0 until something has been played."""
        return self.value("speaker", "latency_ms") or None

    @property
    def hud(self) -> Hud:
        """The newest state of everything."""
        return Hud(
            latency_ms=self._latency_ms,
            causes_ms=tuple(causes_ms(self._values).items()),
            masks_per_s=self.value("hearing", "rate_hz"),
            frames_per_s=self._frames_per_s(),
            lost=self._lost(),
            engines=engine_names(self._engines),
            warnings=self._warnings(),
            sound_early_ms=self._sound_early_ms,
            av_offset_ms=total(self._values, "av_offset_ms"),
        )

    def _frames_per_s(self) -> float | None:
        if len(self._frames) < 2:
            return None
        (first_ns, first), (last_ns, last) = self._frames[0], self._frames[-1]
        if last_ns <= first_ns:
            return None
        return (last - first) * NS_PER_S / (last_ns - first_ns)

    def _lost(self) -> tuple[tuple[int, str], ...]:
        counts: dict[str, float] = {}
        for values in self._values.values():
            for name, value in values.items():
                if name.startswith("dropped_") and value:
                    counts[name] = counts.get(name, 0.0) + value
        pictures = counts.pop("dropped_video", 0.0)
        samples = counts.pop("dropped_audio_samples", 0.0)
        counts.pop("dropped_audio", None)  # its samples tell
        others = {
            name.removeprefix("dropped_"): count
            for name, count in counts.items()
            if not name.endswith("_samples")
        }
        return (
            *(((round(pictures), "pictures skipped"),) if pictures else ()),
            *(((round(samples), "samples lost"),) if samples else ()),
            *((round(count), f"of {topic} dropped") for topic, count in sorted(others.items())),
        )

    def _warnings(self) -> tuple[str, ...]:
        warnings = [f"{stage} is late" for stage, left in sorted(self._late.items()) if left > 0]
        for stage, values in sorted(self._values.items()):
            if values.get("device_lost", 0.0) > 0:
                warnings.append(f"{stage} is gone, looking for it")
        early_ms = self._sound_early_ms
        if early_ms is not None and verdict(early_ms) != NOT_SEEN:
            side = "before" if early_ms > 0 else "after"
            warnings.append(f"sound {abs(early_ms):.0f} ms {side} the picture")
        if told := warning(self._values.get("speaker", {})):
            warnings.append(told)
        restarts = round(total(self._values, "restarts"))
        if restarts:
            warnings.append(f"{restarts} restart{'s' if restarts > 1 else ''}")
        return tuple(warnings)
