"""Every engine that runs here, in every precision: alone, and both networks at once.

    python -m benchmarks.engines                     the shipped model
    python -m benchmarks.engines --paper             the paper's widths, random weights

The baseline is torch, eager, with all cores, one network after the other. Everything is measured in
turns, so that what else the machine does meets all alike. Windows are computed whole unless
``--newest`` says how many of their columns are wanted. Answers go where the ones before went.

*In flight*: as many updates at a time as there are cores, each on one of its own, one network after
the other. An update then takes longer, and no core waits for another.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch

from benchmarks import paper_model as paper
from benchmarks.engine_memory import memory_mb
from benchmarks.model_engines import cores
from benchmarks.report import BenchmarkError, Report, command, command_line
from calibration.collect import from_band
from calibration.graphs import read_graph
from calibration.half import halved
from calibration.quantize import quantized, simplified
from calibration.steps import quantized_like
from engines import parity, survey
from engines.errors import EngineError
from engines.model import graph_path, read_spec
from engines.protocol import Engine, Network
from engines.registry import BACKENDS, open_engine
from engines.shipped import SHIPPED_MODEL
from pixelplayer.pictures import prepared
from pixelplayer.spec import USUAL
from training.export import write_model

NETWORKS: tuple[Network, ...] = ("vision", "sound")
PAPER_UPDATES_PER_S, PAPER_RATIO = 30.0, 15.0
PAPER_GFLOP = 26.4 + 6.2  # of an update: the U-Net's window and a picture
_PEAK_SIDE = 1024  # of square matrices
INT8_RATIO = 1.5
_TURNS = 4
_CALIBRATED_WITH = 6


@dataclass(frozen=True, slots=True)
class Case:
    """One engine: a backend, a precision, and threads for each of the two networks."""

    backend: str
    precision: str
    threads: int
    newest: int | None = None

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"{self.backend}/{self.precision}, {self.threads} thread{'s'[: self.threads - 1]}"

    def open(self, folder: Path, network: Network) -> Engine:
        """Open one of the model's networks, for the pictures of most cameras."""
        grid = read_spec(folder).vision.grid_for(*USUAL)
        return open_engine(
            folder,
            network,
            self.backend,
            self.precision,
            self.threads,
            grid=grid,
            newest=self.newest,
        )


@dataclass(slots=True)
class Timed:
    """What was measured of one engine."""

    name: str
    alone_ms: dict[Network, list[float]] = field(default_factory=dict)
    updates_per_s: list[float] = field(default_factory=list)
    in_flight_per_s: list[float] = field(default_factory=list)
    memory_mb: float = 0.0
    difference: dict[Network, float] = field(default_factory=dict)
    problem: str = ""  # why it cannot be used

    @property
    def best_per_s(self) -> float:
        """Updates per second where these cores do most: at once, or some in flight."""
        rates = [self.updates_per_s, self.in_flight_per_s]
        return max(statistics.median(rate) for rate in rates if rate)

    def row(self, baseline: float) -> str:
        """A line of the table."""
        parts = []
        for network in NETWORKS:
            taken = self.alone_ms[network]
            p99 = np.percentile(taken, 99)
            parts += [f"{statistics.median(taken):.1f} / {p99:.1f}"]
        both = statistics.median(self.updates_per_s)
        flight = f"{statistics.median(self.in_flight_per_s):.1f}" if self.in_flight_per_s else "—"
        differences = " / ".join(f"{self.difference[network]:.0e}" for network in NETWORKS)
        return (
            f"| {self.name} | {parts[0]} | {parts[1]} | {both:.1f} | {both / baseline:.1f} "
            f"| {flight} | {self.memory_mb:.0f} | {differences} |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in turns, print."""
    parser = command_line(__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, metavar="DIR")
    parser.add_argument("--paper", action="store_true", help="the paper's widths instead")
    parser.add_argument("--newest", type=int, metavar="N", help="columns wanted; default: all")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as opened:
        folder = options.model
        if options.paper:
            folder = paper_model(Path(opened.enter_context(tempfile.TemporaryDirectory())))
        return _measure(folder, options, is_paper=options.paper)


def _measure(folder: Path, options: argparse.Namespace, *, is_paper: bool) -> int:
    seconds = options.seconds
    eager: list[float] = []
    timed = {case: Timed(name=case.name) for case in cases(folder, options.newest)}
    for turn in range(_TURNS):
        with _torch(folder) as update:
            eager.append(_rate(update, seconds))
        for case, entry in timed.items():
            if entry.problem:
                continue
            try:
                _turn(folder, case, entry, seconds, is_first=turn == 0)
            except EngineError as error:  # of this engine; the others go on
                entry.problem = str(error)
    unusable = [entry for entry in timed.values() if entry.problem]
    timed = {case: entry for case, entry in timed.items() if not entry.problem}
    if not timed:
        raise BenchmarkError(f"no engine runs the model in {folder} ({_told(unusable)})")
    baseline = statistics.median(eager)
    print(
        f"{folder.name}: {cores()} cores; torch eager, all cores, one network after the other: "
        f"{baseline:.1f} updates/s\n"
    )
    print(
        "| engine | vision p50 / p99, ms | sound p50 / p99, ms | both at once, updates/s "
        "| torch eager × | in flight, updates/s | memory of a process of its own: the most while "
        "both open and run, less before, MB | largest difference: vision / sound |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rates = {case: statistics.median(entry.updates_per_s) for case, entry in timed.items()}
    for case in sorted(timed, key=lambda one: -rates[one]):
        print(timed[case].row(baseline))
    for entry in unusable:
        print(f"| {entry.name} | cannot be used: {entry.problem} | | | | | | |")
    print()
    report = Report("engines")
    best = max(timed.values(), key=lambda entry: entry.best_per_s)
    report.note("fastest", best.name)
    if unusable:
        report.claim("engines that are here", "all can be used", _told(unusable), met=False)
    if is_paper:
        report.note("one update after the other", f"{max(rates.values()):.1f} /s")
        report.at_least("updates/s", best.best_per_s, PAPER_UPDATES_PER_S, "/s")
        report.at_least("against torch eager", best.best_per_s / baseline, PAPER_RATIO, "×")
        eager_share = PAPER_GFLOP * baseline / _peak_gflops()
        report.note("torch eager, of what these cores multiply in fp32", f"{eager_share:.0%}")
    least = {
        precision: max(
            (rate for case, rate in rates.items() if (case.backend, case.precision) == wanted),
            default=0.0,
        )
        for precision in ("int8", "fp32")
        for wanted in [("openvino", precision)]
    }
    if all(least.values()):
        gain = least["int8"] / least["fp32"]
        report.at_least("int8 against fp32, OpenVINO", gain, INT8_RATIO, "×")
    named = {case.name: rate for case, rate in rates.items()}
    report.keep("updates_per_s", named | {"torch eager": baseline})
    flights = {
        entry.name: statistics.median(entry.in_flight_per_s)
        for entry in timed.values()
        if entry.in_flight_per_s
    }
    report.keep("in_flight_per_s", flights)
    report.keep("memory_mb", {entry.name: entry.memory_mb for entry in timed.values()})
    report.keep("alone_ms", {entry.name: entry.alone_ms for entry in timed.values()})
    return report.publish(options.json)


def cases(folder: Path, newest: int | None = None) -> list[Case]:
    """Backends that can be used here, with the model's precisions; torch is the baseline.

    Each network has half of the cores, or both have all of them and share.
    """
    return [
        Case(one.backend, one.precision, threads, newest)
        for one in survey.cases(folder)
        if one.backend != "torch"
        for threads in _threads(one.backend)
    ]


def _told(unusable: Sequence[Timed]) -> str:
    return "; ".join(f"{entry.name}: {entry.problem}" for entry in unusable)


def _threads(backend: str) -> list[int]:
    """Half of the cores for each of two networks, or all of them; a GPU has its own."""
    if BACKENDS[backend].needs_gpu:
        return [1]
    return sorted({max(1, cores() // 2), cores()})


def _turn(folder: Path, case: Case, entry: Timed, seconds: float, *, is_first: bool) -> None:
    with contextlib.ExitStack() as opened:
        engines = {
            network: opened.enter_context(case.open(folder, network)) for network in NETWORKS
        }
        if is_first:
            for network in NETWORKS:
                entry.difference[network] = _difference(folder, network, engines[network])
        for network, engine in engines.items():
            taken = entry.alone_ms.setdefault(network, [])
            taken += _times_ms(_once(engine), seconds / 2)
        entry.updates_per_s.append(_together(list(engines.values()), seconds))
        if case.threads == 1 and cores() > 1 and not BACKENDS[case.backend].needs_gpu:
            others = [
                [opened.enter_context(case.open(folder, network)) for network in NETWORKS]
                for _ in range(cores() - 1)
            ]
            entry.in_flight_per_s.append(_in_flight([list(engines.values()), *others], seconds))
    if is_first:
        entry.memory_mb = memory_mb(folder, case.backend, case.precision, case.threads, case.newest)


def _difference(folder: Path, network: Network, engine: Engine) -> float:
    spec = read_spec(folder)
    given = parity.inputs(spec, network, spec.vision.grid_for(*USUAL), 3)
    newest = engine.outputs[0].shape[3] if network == "sound" else None
    with Case("torch", "fp32", 1, newest).open(folder, network) as reference:
        return parity.error(reference, engine, given)


def _together(engines: Sequence[Engine], seconds: float) -> float:
    """Updates per second: both networks at once, each in a thread; then the next update."""
    began = time.perf_counter()
    count = 0
    with ThreadPoolExecutor(len(engines)) as threads:
        updates = [_once(engine) for engine in engines]
        while time.perf_counter() - began < seconds or not count:
            for running in [threads.submit(update) for update in updates]:
                running.result()
            count += 1
    return count / (time.perf_counter() - began)


def _in_flight(lanes: Sequence[Sequence[Engine]], seconds: float) -> float:
    """Updates per second: each lane has its own, one network after the other."""

    def ran(engines: Sequence[Engine]) -> int:
        updates = [_once(engine) for engine in engines]
        count = 0
        while time.perf_counter() - began < seconds or not count:
            for update in updates:
                update()
            count += 1
        return count

    began = time.perf_counter()
    with ThreadPoolExecutor(len(lanes)) as threads:
        count = sum(threads.map(ran, lanes))
    return count / (time.perf_counter() - began)


def _once(engine: Engine) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    inputs = {spec.name: rng.random(spec.shape, np.float32) for spec in engine.inputs}
    into = {spec.name: np.zeros(spec.shape, np.float32) for spec in engine.outputs}
    return lambda: engine.infer(inputs, into)


def _times_ms(update: Callable[[], object], seconds: float) -> list[float]:
    taken: list[float] = []
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop or len(taken) < 3:
        began = time.perf_counter()
        update()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _rate(update: Callable[[], object], seconds: float) -> float:
    update()
    return 1000 / statistics.median(_times_ms(update, seconds))


def _peak_gflops() -> float:
    """What all cores reach on large matrices in float32: nothing in torch goes beyond."""
    torch.set_num_threads(cores())
    one = torch.rand(_PEAK_SIDE, _PEAK_SIDE)
    return 2e-9 * _PEAK_SIDE**3 * 1000 / min(_times_ms(lambda: one @ one, 1.0))


@contextlib.contextmanager
def _torch(folder: Path) -> Iterator[Callable[[], object]]:
    torch.set_num_threads(cores())
    case = Case("torch", "fp32", cores())
    with contextlib.ExitStack() as opened:
        updates = [_once(opened.enter_context(case.open(folder, network))) for network in NETWORKS]
        yield lambda: [update() for update in updates]


def paper_model(folder: Path) -> Path:
    """The paper's model, random weights, with graphs in every precision, in ``folder``."""
    spec = paper.SPEC
    write_model(folder, spec, *paper.networks(), {})
    windows, looks = from_band(spec, _CALIBRATED_WITH, 0, np.random.default_rng(0))
    given: dict[Network, np.ndarray] = {
        "vision": prepared(np.stack([look.picture for look in looks]), spec.vision.picture),
        "sound": np.stack([window.log_magnitude for window in windows])[:, np.newaxis],
    }
    given["window"] = given["sound"]
    graphs: tuple[Network, ...] = (*NETWORKS, "window")
    for network in graphs:
        simple = simplified(read_graph(graph_path(folder, network, "fp32")))
        onnx.save(halved(simple), folder / f"{network}.fp16.onnx")
        eight = quantized(simple, given[network][:_CALIBRATED_WITH])
        onnx.save(eight, folder / f"{network}.int8.onnx")
    step = read_graph(graph_path(folder, "step", "fp32"))
    window = read_graph(graph_path(folder, "sound", "int8"))
    onnx.save(quantized_like(simplified(step), window), folder / "step.int8.onnx")
    return folder


if __name__ == "__main__":
    command(main)
