"""Mixed precision where the processor has it: bfloat16 halves the time of a step, or doubles it."""

from __future__ import annotations

import torch

_NATIVE = ("avx512_bf16", "amx_bf16", "bf16")  # as torch names what x86 and Arm processors can do


def computes_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; emulated, it is slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _NATIVE)


def mixed() -> torch.autocast:
    """A context whose convolutions are in bfloat16 where that pays; weights stay in float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=computes_bfloat16())
