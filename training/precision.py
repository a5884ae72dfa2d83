"""Mixed precision: convolutions in sixteen bits, weights in thirty-two."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_NATIVE = ("avx512_bf16", "amx_bf16", "bf16")  # as torch names what x86 and Arm processors can do


def computes_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; emulated, it is slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _NATIVE)


def fastest(device: torch.device) -> Precision:
    """What a training takes unless it is told."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    return "bfloat16" if computes_bfloat16() else "float32"


def mixed(kind: str = "cpu") -> torch.autocast:
    """A context whose convolutions are in bfloat16 where that pays; weights stay in float32.

    ``kind`` is that of the device, "cpu" or "cuda".
    """
    pays = torch.cuda.is_bf16_supported() if kind == "cuda" else computes_bfloat16()
    return torch.autocast(kind, torch.bfloat16, enabled=pays)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """``--device`` and ``--workers``."""
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that make mixtures (1)"
    )


def check_device(parser: argparse.ArgumentParser, device: str) -> None:
    """Leave with a message if that device is not there; set it up for a training if it is."""
    if device != "cuda":
        return
    if not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device; leave --device out")
    torch.backends.cudnn.benchmark = True  # shapes do not change from step to step
    torch.set_float32_matmul_precision("high")


class Stepper:
    """Takes a model's steps in one precision, on one device.

    In float16 small gradients would vanish: the loss is scaled up for them, by as much as goes
    without overflow, and a step whose gradients overflow is left out (P. Micikevicius et al.,
    "Mixed precision training", ICLR 2018, section 3.2).
    """

    def __init__(self, device: torch.device, precision: Precision, largest_gradient: float) -> None:
        self._device, self._precision = device, precision
        self._largest_gradient = largest_gradient
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")

    def mixed(self) -> torch.autocast:
        """The context in which a network answers."""
        return torch.autocast(
            self._device.type,
            getattr(torch, self._precision if self._precision != "float32" else "bfloat16"),
            enabled=self._precision != "float32",
        )

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss, scaled."""
        self._scaler.scale(loss).backward()

    def step(self, model: nn.Module, optimisers: Sequence[torch.optim.Optimizer]) -> None:
        """Clip the gradients, and move all weights by them."""
        for optimiser in optimisers:
            self._scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(model.parameters(), self._largest_gradient)
        for optimiser in optimisers:
            self._scaler.step(optimiser)
        self._scaler.update()

    def state_dict(self) -> dict[str, object]:
        """How far the loss is scaled; empty where it is not."""
        return dict(self._scaler.state_dict())

    def load_state_dict(self, state: dict[str, object]) -> None:
        """What ``state_dict`` gave."""
        if state:
            self._scaler.load_state_dict(state)
