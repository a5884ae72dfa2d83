"""NVIDIA's runtime bindings and TensorRT as far as engines use them, on the processor.

Streams put off nothing but what is captured; a graph is the list of what was put on its stream.
Memory of the device is memory of the process, told from the host's by its address alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np

Work = Callable[[], None]
Compute = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


class Status(IntEnum):
    cudaSuccess = 0  # noqa: N815  as the bindings have them
    cudaErrorMemoryAllocation = 2  # noqa: N815
    cudaErrorInsufficientDriver = 35  # noqa: N815
    cudaErrorNoDevice = 100  # noqa: N815


class Stream:
    def __init__(self) -> None:
        self.recorded: list[Work] | None = None

    def put(self, work: Work) -> None:
        if self.recorded is None:
            work()
        else:
            self.recorded.append(work)


class CudaRuntime:
    """``cuda.bindings.runtime``; ``copies`` counts what was copied, by kind."""

    cudaError_t = Status  # noqa: N815
    cudaMemcpyKind = SimpleNamespace(  # noqa: N815
        cudaMemcpyHostToDevice="up", cudaMemcpyDeviceToHost="down", cudaMemcpyDeviceToDevice="over"
    )
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)  # noqa: N815
    cudaStreamNonBlocking = 1  # noqa: N815

    def __init__(
        self,
        *,
        count: tuple[Status, int] = (Status.cudaSuccess, 1),
        driver: int = 13000,
        memory_bytes: int = 1 << 30,
    ) -> None:
        self._count, self._driver, self._left = count, driver, memory_bytes
        self._memory: dict[int, Any] = {}
        self._objects: dict[int, Any] = {}
        self.copies: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> Callable[..., tuple[Any, ...]]:
        """Everything else does nothing, well."""
        if not name.startswith("cuda"):
            raise AttributeError(name)
        return lambda *_: (Status.cudaSuccess,)

    def cudaGetDeviceCount(self) -> tuple[Any, ...]:  # noqa: N802
        return self._count

    def cudaDriverGetVersion(self) -> tuple[Any, ...]:  # noqa: N802
        return Status.cudaSuccess, self._driver

    def cudaGetDeviceProperties(self, _number: int) -> tuple[Any, ...]:  # noqa: N802
        found = SimpleNamespace(name=b"Fake GPU\0", major=8, minor=9, totalGlobalMem=self._left)
        return Status.cudaSuccess, found

    def cudaMalloc(self, nbytes: int) -> tuple[Any, ...]:  # noqa: N802
        if nbytes > self._left:
            return Status.cudaErrorMemoryAllocation, 0
        self._left -= nbytes
        return self.cudaHostAlloc(nbytes, 0)

    def cudaHostAlloc(self, nbytes: int, _flags: int) -> tuple[Any, ...]:  # noqa: N802
        block = ctypes.create_string_buffer(nbytes)
        address = ctypes.addressof(block)
        self._memory[address] = block
        return Status.cudaSuccess, address

    def cudaStreamCreateWithFlags(self, _flags: int) -> tuple[Any, ...]:  # noqa: N802
        return Status.cudaSuccess, self._handle(Stream())

    def cudaMemcpyAsync(  # noqa: N802
        self, to: int, source: int, nbytes: int, kind: str, stream: int
    ) -> tuple[Any, ...]:
        def copy() -> None:
            self.copies.append((kind, nbytes))
            ctypes.memmove(to, source, nbytes)

        self.stream(stream).put(copy)
        return (Status.cudaSuccess,)

    def cudaStreamBeginCapture(self, stream: int, _mode: int) -> tuple[Any, ...]:  # noqa: N802
        self.stream(stream).recorded = []
        return (Status.cudaSuccess,)

    def cudaStreamEndCapture(self, stream: int) -> tuple[Any, ...]:  # noqa: N802
        captured, self.stream(stream).recorded = self.stream(stream).recorded, None
        return Status.cudaSuccess, captured

    def cudaGraphInstantiate(self, graph: list[Work], _flags: int) -> tuple[Any, ...]:  # noqa: N802
        return Status.cudaSuccess, graph

    def cudaGraphLaunch(self, graph: list[Work], stream: int) -> tuple[Any, ...]:  # noqa: N802
        for work in graph:
            self.stream(stream).put(work)
        return (Status.cudaSuccess,)

    def stream(self, handle: int) -> Stream:
        found: Stream = self._objects[handle]
        return found

    def _handle(self, thing: object) -> int:
        self._objects[id(thing)] = thing
        return id(thing)


class FakeTensorRt:
    """The package: its plans are what ``compute`` makes of inputs by name."""

    __name__ = "tensorrt"
    __version__ = "10.3.0"

    def __init__(
        self, cuda: CudaRuntime, compute: Compute, shapes: dict[str, tuple[int, ...]]
    ) -> None:
        self._cuda, self._compute, self._shapes = cuda, compute, shapes
        self.Logger = type("Logger", (), {"ERROR": 1, "__init__": lambda _self, _level: None})
        self.runtimes: list[SimpleNamespace] = []

    def Runtime(self, _logger: object) -> SimpleNamespace:  # noqa: N802
        engine = SimpleNamespace(create_execution_context=lambda: _Context(self))
        made = SimpleNamespace(
            deserialize_cuda_engine=lambda _plan: engine, engine_host_code_allowed=False
        )
        self.runtimes.append(made)
        return made


class _Context:
    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt = trt
        self._addresses: dict[str, int] = {}
        self._inputs: list[str] = []

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def set_input_shape(self, name: str, _shape: tuple[int, ...]) -> None:
        self._inputs.append(name)

    def execute_async_v3(self, handle: int) -> bool:
        def work() -> None:
            given = {name: self._at(name).copy() for name in self._inputs}
            for name, array in self._trt._compute(given).items():
                np.copyto(self._at(name), array)

        self._trt._cuda.stream(handle).put(work)
        return True

    def _at(self, name: str) -> np.ndarray:
        shape = self._trt._shapes[name]
        count = int(np.prod(shape))
        block = (ctypes.c_float * count).from_address(self._addresses[name])
        return np.frombuffer(block, np.float32).reshape(shape)
