"""Both networks on an NVIDIA GPU: captured graphs, what overlaps, and how far from the roofline.

    python -m benchmarks.gpu                     the shipped model
    python -m benchmarks.gpu --paper             the paper's widths, random weights

The baseline is eager PyTorch on the same GPU, copies included. The trace is of both networks at
once, each in a thread of its own, as in a live run; ``--trace FILE`` keeps it for a viewer.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import paper_model
from benchmarks.report import Report, command, command_line
from engines.backends.torch_cuda import TorchCudaEngine, usable_device
from engines.backends.torch_modules import Half, Newest, example, module, results
from engines.model import read_spec
from engines.networks import NetworkRequest
from engines.opened import warmed_up
from engines.protocol import Network
from engines.shipped import SHIPPED_MODEL
from pixelplayer.networks.vision import VisualFeatures
from pixelplayer.spec import USUAL, ModelSpec

NETWORKS: tuple[Network, ...] = ("vision", "sound")
P99_MOST = 1.3  # of the median
STEPS = 2000
_TRACED_S = 0.3
_SIDE = 8192  # of the matrix products that show what the GPU can do


@dataclass(frozen=True, slots=True)
class Both:
    """The two networks of one model in one precision: what is asked for, and fresh modules."""

    requests: dict[Network, NetworkRequest]
    modules: Callable[[Network], nn.Module]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = command_line(__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, metavar="DIR")
    parser.add_argument("--paper", action="store_true", help="the paper's widths instead")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="keep the trace")
    options = parser.parse_args(arguments)
    gpu = usable_device()
    report = Report("gpu")
    report.note("GPU", f"{gpu.name}, compute capability {gpu.capability}")
    report.note("torch", f"{torch.__version__}, CUDA {torch.version.cuda}")
    for precision in ("fp32", "fp16"):
        both = _paper(precision) if options.paper else _kept(options.model, precision)
        _measure(both, precision, options, report)
    return report.publish(options.json)


def _measure(both: Both, precision: str, options: argparse.Namespace, report: Report) -> None:
    peak = _peak_flops(torch.float32 if precision == "fp32" else torch.float16)
    report.note(f"{precision}: matrix products of {_SIDE}, TFLOP/s", f"{peak / 1e12:.0f}")
    kinds = ["graph", "compiled graph"] if options.compile else ["graph"]
    for kind in kinds:
        with ExitStack() as opened:
            engines: dict[Network, TorchCudaEngine] = {}
            for network in NETWORKS:
                whole = both.modules(network)
                if kind != "graph":
                    whole.compile(fullgraph=True, dynamic=False)
                request = both.requests[network]
                engines[network] = opened.enter_context(
                    warmed_up(TorchCudaEngine(request, whole, f"torch {kind}"))
                )
            updates = {network: _update(engine) for network, engine in engines.items()}
            label = f"{precision}, {kind}"
            for network in NETWORKS:
                _alone(
                    both.modules(network),
                    both.requests[network],
                    updates[network],
                    label=label,
                    peak=peak,
                    report=report,
                )
            _together(list(updates.values()), label, report)
            _overlap(list(updates.values()), label, options.trace, report)


def _alone(
    whole: nn.Module,
    request: NetworkRequest,
    update: Callable[[], object],
    *,
    label: str,
    peak: float,
    report: Report,
) -> None:
    network = request.network
    captured = _times_ms(update, STEPS // 4)
    given = example(request)
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        whole(*(one.clone() for one in given))
    flops = counted.get_total_flops()
    eager = _times_ms(_eager(whole, given), 100)
    once, twice = float(np.median(eager)), float(np.median(captured))
    report.note(f"{label}, {network}: eager, ms", _spread(eager))
    report.note(f"{label}, {network}: captured, ms", f"{_spread(captured)}; {once / twice:.1f} ×")
    rate = flops / (twice / 1000)
    report.note(
        f"{label}, {network}: {flops / 1e9:.1f} GFLOP",
        f"{rate / 1e12:.2f} TFLOP/s, {100 * rate / peak:.1f} % of the peak",
    )
    report.keep(f"{label} {network}", {"eager_ms": eager, "captured_ms": captured, "flops": flops})


def _together(updates: Sequence[Callable[[], object]], label: str, report: Report) -> None:
    taken: list[list[float]] = [[] for _ in updates]
    began = time.perf_counter()
    _in_threads(
        [
            lambda update=update, own=own: own.extend(_times_ms(update, STEPS))  # type: ignore[misc]
            for update, own in zip(updates, taken, strict=True)
        ]
    )
    passed_s = time.perf_counter() - began
    report.note(f"{label}, both at once: updates/s", f"{STEPS / passed_s:.0f}")
    for network, own in zip(NETWORKS, taken, strict=True):
        ratio = float(np.percentile(own, 99) / np.median(own))
        report.note(f"{label}, both at once, {network}: ms", _spread(own))
        report.at_most(f"{label}, both at once, {network}: p99 / p50", ratio, P99_MOST, "")
    report.keep(f"{label} together", taken)


def _overlap(
    updates: Sequence[Callable[[], object]], label: str, kept: Path | None, report: Report
) -> None:
    """How busy each stream is while both run, and how much of it at the same time."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        stop = time.perf_counter() + _TRACED_S

        def run(update: Callable[[], object]) -> None:
            while time.perf_counter() < stop:
                update()

        _in_threads([lambda update=update: run(update) for update in updates])  # type: ignore[misc]
        torch.cuda.synchronize()
    with tempfile.TemporaryDirectory() as scratch:
        path = (
            kept.with_stem(f"{kept.stem}-{label.partition(',')[0]}")
            if kept
            else Path(scratch) / "t"
        )
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    spans = _spans(events)
    first = min(start for own in spans.values() for start, _ in own)
    last = max(stop for own in spans.values() for _, stop in own)
    busy = {stream: _length(own) for stream, own in spans.items()}
    for stream, own in sorted(busy.items(), key=lambda item: -item[1])[:4]:
        report.note(f"{label}: stream {stream}", f"busy {100 * own / (last - first):.0f} %")
    work = sorted(
        (own for (_, what), own in spans.items() if what == "compute"), key=_length, reverse=True
    )
    if len(work) < 2:
        report.claim(f"{label}: both networks overlap", "yes", "one stream only", met=False)
        return
    at_once = _length(work[0]) + _length(work[1]) - _length(work[0] + work[1])
    share = at_once / min(_length(work[0]), _length(work[1]))
    report.claim(
        f"{label}: both networks overlap",
        "yes",
        f"{100 * share:.0f} % of the shorter one's work beside the other's",
        met=share > 0.05,
    )


def _spans(events: Sequence[Any]) -> dict[tuple[int, str], list[tuple[float, float]]]:
    """When what is going on, by stream and kind (compute or copy), in µs."""
    spans: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for event in events:
        kind = {"kernel": "compute", "gpu_memcpy": "copy"}.get(event.get("cat", ""))
        if kind and event.get("ph") == "X":
            start = float(event["ts"])
            own = spans.setdefault((int(event["args"]["stream"]), kind), [])
            own.append((start, start + float(event["dur"])))
    return spans


def _length(spans: Sequence[tuple[float, float]]) -> float:
    """Of their union."""
    total, reached = 0.0, -np.inf
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total


def _in_threads(works: Sequence[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _update(engine: TorchCudaEngine) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    inputs = {spec.name: rng.random(spec.shape, np.float32) for spec in engine.inputs}
    return lambda: engine.infer(inputs)


def _eager(whole: nn.Module, given: Sequence[Tensor]) -> Callable[[], object]:
    there = whole.cuda().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def update() -> object:
        with torch.inference_mode():
            return [one.cpu() for one in results(there(*(one.cuda() for one in given)))]

    for _ in range(5):
        update()
    return update


def _peak_flops(dtype: torch.dtype) -> float:
    a = torch.randn(_SIDE, _SIDE, device="cuda", dtype=dtype)

    def multiply() -> None:
        a @ a
        torch.cuda.synchronize()

    times = _times_ms(multiply, 8)
    return 2 * _SIDE**3 / (min(times) / 1000)


def _times_ms(update: Callable[[], object], count: int) -> list[float]:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        update()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _spread(times_ms: Sequence[float]) -> str:
    return f"p50 {np.median(times_ms):.2f}, p99 {np.percentile(times_ms, 99):.2f}"


def _kept(folder: Path, precision: str) -> Both:
    requests = _requests(read_spec(folder), folder, precision)
    return Both(requests, lambda network: module(requests[network]))


def _paper(precision: str) -> Both:
    def fresh(network: Network) -> nn.Module:
        frame, sound, _ = paper_model.networks()
        picture = paper_model.SPEC.vision.picture
        whole: nn.Module = (
            VisualFeatures(frame, picture) if network == "vision" else Newest(sound, None)
        )
        return (Half(whole, takes_half=True) if precision == "fp16" else whole).eval()

    return Both(_requests(paper_model.SPEC, Path("paper"), precision), fresh)


def _requests(spec: ModelSpec, folder: Path, precision: str) -> dict[Network, NetworkRequest]:
    return {
        network: NetworkRequest(
            folder=folder,
            network=network,
            spec=spec,
            graph=folder / f"{network}.onnx",
            precision=precision,
            threads=1,
            grid=spec.vision.grid_for(*USUAL),
        )
        for network in NETWORKS
    }


if __name__ == "__main__":
    command(main)
