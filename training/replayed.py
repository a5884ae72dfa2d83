"""A whole step of learning as one CUDA graph, replayed on a stream of its own.

On a large GPU a step of a narrow network is thousands of kernels of a few microseconds each, which
the processor cannot launch as fast as they end. Captured once, a step is one launch; and several
networks that learn from the same mixtures share the GPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.checkpoints import check_loss
from training.learner import Plan, State, decay_at, follow, learn
from training.mixing import Mixture
from training.team import Team
from training.variants import Scale, Variant

# Before a step can be captured it must have run: the optimisers' states are made, and cuDNN has
# chosen its kernels.
FIRST_STEPS = 3


def can_replay(plan: Plan) -> bool:
    """Whether its steps can be captured: float16 asks after each one whether it overflowed."""
    return torch.device(plan.device).type == "cuda" and plan.precision != "float16"


@dataclass(frozen=True, slots=True)
class Part:
    """One network that learns: what it is asked for, and its state, which is changed in place."""

    variant: Variant
    state: State


class Replayed:
    """Steps of several networks from mixtures of one shape, captured when first needed.

    Args:
        parts: on the same CUDA device; their states have gone ``FIRST_STEPS`` since they were made
            or read.
        heard: mixtures like those to come, on that device, for each scale; overwritten by them.
        team: of one.
    """

    def __init__(self, parts: Sequence[Part], heard: Mapping[Scale, Mixture], team: Team) -> None:
        self._parts, self._heard = parts, heard
        device = parts[0].state.device
        self._kept = torch.zeros((), device=device)  # of the running average, in this step
        self._rates: list[tuple[Tensor, float]] = []
        optimisers = [one for part in parts for one in part.state.optimisers]
        groups = [group for one in optimisers for group in one.param_groups]
        for group in groups:
            group["lr"] = torch.zeros((), device=device)
            group["capturable"] = True  # AdamW's; Muon always is
            self._rates.append((group["lr"], group["share"]))
        for known in (state for one in optimisers for state in one.state.values()):
            if "step" in known:
                known["step"] = known["step"].to(device)
        self._streams = [torch.cuda.Stream(device) for _ in parts]
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._losses: list[Tensor] = []
        for part, stream in zip(parts, self._streams, strict=True):
            part.state.model.zero_grad()
            graph = torch.cuda.CUDAGraph()
            # Others may ask the driver for memory meanwhile: the loader pins what it has made.
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                loss = learn(part.state, part.variant, heard[part.variant.scale], team)
                follow(part.state.average, part.state.model, self._kept)
            self._graphs.append(graph)
            self._losses.append(loss)
        for group in groups:  # as they are written, and go on elsewhere
            group.update(lr=0.0, capturable=False)

    def advance(self, heard: Mapping[Scale, Mixture], *, rate: float, average: float) -> None:
        """One step of all.

        Raises:
            TrainingError: a loss is not a number.
        """
        for scale, mixtures in heard.items():
            for place, part in zip(self._heard[scale], mixtures, strict=True):
                place.copy_(part, non_blocking=True)
        for lr, share in self._rates:
            lr.fill_(rate * share)
        self._kept.fill_(decay_at(self._parts[0].state.step, average))
        now = torch.cuda.current_stream()
        for stream, graph in zip(self._streams, self._graphs, strict=True):
            stream.wait_stream(now)
            with torch.cuda.stream(stream):
                graph.replay()
        for stream in self._streams:
            now.wait_stream(stream)
        for part, loss in zip(self._parts, torch.stack(self._losses).tolist(), strict=True):
            check_loss(loss, part.state.step)
            part.state.step += 1
            part.state.losses.append(loss)
