"""PyTorch on an NVIDIA GPU: eager kernels, captured once as a CUDA graph.

A step of eager PyTorch is a hundred launches, which take longer than the work itself. Captured,
with the copies in and out of pinned memory, it is one. Each network has a stream of its own, so the
two of a run overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines import cuda
from engines.acceptance import accepted
from engines.backends import torch as eager
from engines.backends.torch_modules import example, module, results
from engines.errors import EngineError, one_line
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.watching import BIND, COPY, RUN

_WARM_UPS = 3  # before the capture: libraries choose their kernels and allocate


def open_network(request: NetworkRequest) -> TorchCudaEngine:
    """Load one network onto the GPU, capture it, and hold it against the processor's.

    Raises:
        EngineError: there is no GPU, PyTorch is built without CUDA, the weights are unusable,
            memory is short, or the GPU does not say what the processor says.
    """
    usable_device()
    engine = warmed_up(TorchCudaEngine(request, module(request)))
    accepted(engine, request, eager.open_network)
    return engine


def usable_device() -> cuda.Device:
    """The GPU, with PyTorch set to compute on it what it says.

    Raises:
        EngineError: there is none, or PyTorch is built without CUDA.
    """
    gpu = cuda.device()
    if not torch.cuda.is_available():
        raise EngineError(
            f"torch {torch.__version__} is built without CUDA; install it from pytorch.org"
        )
    torch.backends.cudnn.allow_tf32 = False  # fp32 shall be that; who wants less takes fp16
    return gpu


class TorchCudaEngine(OpenedNetwork):
    """One network on the GPU, its step captured as a graph.

    Args:
        request: what is opened.
        network: the module, on the processor; it is moved.
        backend: as it is called.
    """

    def __init__(
        self,
        request: NetworkRequest,
        network: Callable[..., Tensor | tuple[Tensor, ...]],
        backend: str = "torch_cuda",
    ) -> None:
        super().__init__(backend, request)
        try:
            self._capture(network, example(request))
        except torch.cuda.OutOfMemoryError as error:
            raise EngineError(
                "the GPU is out of memory; close other programs, or --engine auto"
            ) from error
        except RuntimeError as error:  # of the driver, or a kernel that this GPU has not
            raise EngineError(f"{self.name} does not start: {one_line(error)}") from error

    def _capture(self, network: Any, like: tuple[Tensor, ...]) -> None:
        network = network.cuda().to(memory_format=torch.channels_last)
        self._stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._given = tuple(one.pin_memory() for one in like)
        inside = tuple(one.cuda() for one in like)

        def step() -> tuple[Tensor, ...]:
            for there, here in zip(inside, self._given, strict=True):
                there.copy_(here, non_blocking=True)
            return tuple(one.contiguous() for one in results(network(*inside)))

        self._read_by_graph = (network, inside)  # by address: nothing else keeps them
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                shapes = [one.shape for one in step()]
            self._found = tuple(torch.empty(shape, pin_memory=True) for shape in shapes)
            self._stream.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(
                self._graph, stream=self._stream, capture_error_mode="thread_local"
            ):
                for here, there in zip(self._found, step(), strict=True):
                    here.copy_(there, non_blocking=True)

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        with self._during(BIND):
            for given, array in zip(self._given, inputs.values(), strict=True):
                np.copyto(given.numpy(), array)
        with self._during(RUN):
            with torch.cuda.stream(self._stream):
                self._graph.replay()
            self._stream.synchronize()
        with self._during(COPY):
            return {
                spec.name: found.numpy().copy()
                for spec, found in zip(self.outputs, self._found, strict=True)
            }

    def _release(self) -> None:
        del self._graph, self._read_by_graph, self._given, self._found
