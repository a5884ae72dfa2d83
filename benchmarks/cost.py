"""What an update costs: the paper's model as published, and the live model as shipped.

The paper's is its networks alone (a picture, a whole window, two masks), in eager PyTorch with
all cores. The live one is everything between a chunk of samples and the objects' samples:
transform, networks, search for objects, masks, inverse transform. Both are measured in turns.

    python -m benchmarks.cost
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from benchmarks.model_engines import PACE, OpenModel, add_model_options, cores, open_networks
from benchmarks.report import Report, command, command_line
from pixelplayer.band import demo_scene
from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.synthesizer import Synthesizer as MaskNet
from pixelplayer.networks.vision import FrameNet, VisualFeatures
from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, Message, VideoFrame
from realtime.stages.hearing import Hearing
from realtime.stages.join import NewestSight
from realtime.stages.separator import Separator, SeparatorSettings
from realtime.stages.sight import Sight

PAPER_CHANNELS, PAPER_WIDTH, PAPER_SIDE_PX, PAPER_WINDOW = 32, 64, 224, 256
PAPER_FRAMES = 3  # of a window
_OBJECTS = 2
_WARM_S = 8.0  # of sound before the live one is measured: a full window, and objects found
_TURNS = 5
_HEIGHT_PX, _WIDTH_PX = 360, 640


@dataclass(slots=True)
class Cost:
    """Wall clock and processor time of updates, ms."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def measure(self, update: Callable[[], object], count: int) -> None:
        """Time ``count`` updates, each by itself."""
        for _ in range(count):
            cpu_ns, wall_ns = time.process_time_ns(), time.perf_counter_ns()
            update()
            self.wall_ms.append((time.perf_counter_ns() - wall_ns) / 1e6)
            self.cpu_ms.append((time.process_time_ns() - cpu_ns) / 1e6)

    @property
    def median_ms(self) -> float:
        """Of the wall clock."""
        return statistics.median(self.wall_ms)

    @property
    def median_cpu_ms(self) -> float:
        """Of all cores together."""
        return statistics.median(self.cpu_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in turns, print."""
    parser = command_line(__doc__)
    add_model_options(parser)
    parser.add_argument("--updates", type=int, default=25, metavar="N", help="of each")
    options = parser.parse_args(arguments)
    per_turn = max(1, options.updates // _TURNS)
    networks, path, paper = Cost(), Cost(), Cost()
    report = Report("cost of an update")
    with open_networks(options.model, options.engine) as opened:
        player = LivePath(opened)
        player.warm_up()
        both = networks_update(opened)
        baseline = PaperModel(cores()).update
        baseline()
        for _ in range(_TURNS):
            paper.measure(baseline, per_turn)
            networks.measure(both, per_turn)
            player.prepare(per_turn)
            path.measure(player.update, per_turn)
        report.note("objects that the live path follows", f"{player.objects_count}")
        name, rate_hz = opened.sound.name, player.updates_per_s
    told = (
        ("the paper's networks, torch eager", paper),
        (f"live networks, {name}", networks),
        (f"whole live path, {name}", path),
    )
    for what, cost in told:
        cpu_s = cost.median_cpu_ms * rate_hz / 1000
        report.note(what, f"{cost.median_ms:.1f} ms; {cpu_s:.2f} CPU s per second of sound")
        report.keep(what, {"wall_ms": cost.wall_ms, "cpu_ms": cost.cpu_ms})
    report.note("updates per second, both", f"{rate_hz:.1f}")
    report.note("ratio, networks to networks", f"{paper.median_ms / networks.median_ms:.1f}")
    report.note("ratio, networks to whole path", f"{paper.median_ms / path.median_ms:.1f}")
    report.note(
        "ratio of CPU time, to whole path", f"{paper.median_cpu_ms / path.median_cpu_ms:.1f}"
    )
    return report.publish(options.json)


class PaperModel:
    """The paper's model in eager PyTorch, random weights: its time does not depend on them."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self._sight = VisualFeatures(FrameNet(PAPER_WIDTH, PAPER_CHANNELS)).eval()
        self._hearing = SoundNet(PAPER_WIDTH, PAPER_CHANNELS).eval()
        self._masks = MaskNet(PAPER_CHANNELS).eval()
        self._shown = torch.rand(PAPER_FRAMES, 3, PAPER_SIDE_PX, PAPER_SIDE_PX)
        self._window = torch.rand(1, 1, PAPER_WINDOW, PAPER_WINDOW)
        self._seen = self.look()

    def look(self, pictures: int = 1) -> torch.Tensor:
        """Look at pictures; of their features the highest count, as of a window's three."""
        with torch.inference_mode():
            self._seen = self._sight(self._shown[:pictures]).amax(dim=0, keepdim=True)
        return self._seen

    def hear(self) -> torch.Tensor:
        """A whole window, and the masks of what was seen last."""
        with torch.inference_mode():
            seen = self._seen.flatten(2)[:, :, :_OBJECTS].transpose(1, 2)
            return torch.sigmoid(self._masks(seen, self._hearing(self._window.clone())))

    def update(self, pictures: int = 1) -> torch.Tensor:
        """Both."""
        self.look(pictures)
        return self.hear()


def networks_update(networks: OpenModel) -> Callable[[], object]:
    """One update of the live model's networks alone: a picture, and a window's newest columns."""
    rng = np.random.default_rng(1)
    step = networks.step
    heard = {spec.name: rng.random(spec.shape, np.float32) for spec in step.inputs}
    pixels = rng.integers(0, 256, (_HEIGHT_PX, _WIDTH_PX, 3), np.uint8)

    def update() -> object:
        return networks.eyes.look(pixels), step.infer(heard)

    return update


class LivePath:
    """The live system's stages in one thread, fed with the duet one update at a time."""

    def __init__(self, networks: OpenModel) -> None:
        spec = networks.model.spec
        self._scene = demo_scene(spec.audio.rate_hz)
        self._analysis = spec.audio.at_rate(self._scene.rate_hz)
        self._samples = PACE.columns_per_step * self._analysis.hop
        self._position = 0
        self._ready: deque[tuple[VideoFrame, AudioChunk]] = deque()
        self._sight = Sight(networks.open_vision, spec.vision)
        self._hearing = Hearing(lambda _newest: networks.step, spec, PACE)
        self._separator = Separator(
            spec,
            networks.synthesizer,
            NewestSight(spec.vision.frames),
            SeparatorSettings(),
            networks.model.vocabulary,
        )
        for stage in (self._sight, self._hearing, self._separator):
            stage.open()
        self.costs = {name: Cost() for name in ("sight", "hearing", "separator")}

    @property
    def updates_per_s(self) -> float:
        """At real pace."""
        return self._analysis.rate_hz / self._samples

    @property
    def objects_count(self) -> int:
        """How many objects sound now."""
        return int(self._separator.stats()["objects_count"])

    def prepare(self, count: int) -> None:
        """Play picture and sound for ``count`` more updates: the band's work, not the player's."""
        for _ in range(count):
            rate_hz, position = self._analysis.rate_hz, self._position
            number, now_ns = position // self._samples, round(position * NS_PER_S / rate_hz)
            frame = VideoFrame(
                stream="demo",
                sequence=number,
                capture_ns=now_ns,
                pixels=self._scene.frame(position / rate_hz, _HEIGHT_PX, _WIDTH_PX),
            )
            chunk = AudioChunk(
                stream="demo",
                sequence=number,
                capture_ns=now_ns,
                first_sample=position,
                rate_hz=rate_hz,
                samples=self._scene.mixture.take(
                    np.arange(position, position + self._samples), mode="wrap"
                ),
            )
            self._position += self._samples
            self._ready.append((frame, chunk))

    def warm_up(self) -> None:
        """Until a window is full, and objects are found; what it cost is forgotten."""
        self.prepare(round(_WARM_S * self.updates_per_s))
        while self._ready:
            self.update()
        self.costs = {name: Cost() for name in self.costs}

    def update(self) -> None:
        """A picture and a step of sound through all stages."""
        frame, chunk = self._ready.popleft()
        sight, hearing, separator = self._sight, self._hearing, self._separator
        seen: list[Message] = []
        heard: list[Message] = []

        def see() -> None:
            seen.extend(_messages(sight.step(frame.capture_ns, {"video": [frame]})))

        def hear() -> None:
            heard.extend(_messages(hearing.step(chunk.capture_ns, {"audio": [chunk]})))

        self.costs["sight"].measure(see, 1)
        self.costs["hearing"].measure(hear, 1)
        self.costs["separator"].measure(
            lambda: separator.step(chunk.capture_ns, {"sight": seen, "sound": heard}), 1
        )


def _messages(outputs: Sequence[tuple[str, Message]]) -> list[Message]:
    return [message for _, message in outputs]


if __name__ == "__main__":
    command(main)
