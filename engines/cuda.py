"""CUDA as far as engines need it: which device there is, a stream, buffers, a captured graph.

The only module that imports NVIDIA's bindings. ``device`` comes first: without a driver TensorRT's
own objects can take the whole process down at their first call.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError

INSTALL = "pip install cuda-bindings"
_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The GPU that engines run on: number 0, or the first that CUDA_VISIBLE_DEVICES leaves."""

    name: str
    capability: str  # "8.9"
    memory_bytes: int

    @property
    def has_float8(self) -> bool:
        """Whether it computes in floats of eight bits: from Ada on."""
        return tuple(map(int, self.capability.split("."))) >= (8, 9)


def has_driver() -> bool:
    """Whether a driver can be loaded here; to ask the bindings takes fifty times as long."""
    try:
        ctypes.CDLL(_DRIVER)
    except OSError:
        return False
    return True


def device() -> Device:
    """The GPU of this machine.

    Raises:
        EngineError: there is none that can be used; the message says why.
    """
    cuda = _runtime()
    error, count = cuda.cudaGetDeviceCount()
    if error == cuda.cudaError_t.cudaErrorInsufficientDriver:
        _, version = cuda.cudaDriverGetVersion()
        if not version:
            raise EngineError("no NVIDIA driver is installed; --engine auto runs on the CPU")
        raise EngineError(
            f"the NVIDIA driver is for CUDA {version // 1000}.{version % 1000 // 10}, older than "
            "the CUDA bindings; update the driver"
        )
    if error != cuda.cudaError_t.cudaSuccess or not count:
        raise EngineError(f"no CUDA device ({error.name}); --engine auto runs on the CPU")
    properties = _done(cuda.cudaGetDeviceProperties(0))
    return Device(
        name=properties.name.split(b"\0")[0].decode(),
        capability=f"{properties.major}.{properties.minor}",
        memory_bytes=int(properties.totalGlobalMem),
    )


class Stream:
    """An order of work on the device, apart from all other."""

    def __init__(self) -> None:
        cuda = _runtime()
        self._cuda = cuda
        flags = cuda.cudaStreamNonBlocking  # the default stream is not waited for
        self._stream: Any = _done(cuda.cudaStreamCreateWithFlags(flags))
        self._graph: Any = None

    @property
    def handle(self) -> int:
        """As other libraries take it."""
        return int(self._stream)

    def upload(self, buffer: Buffer) -> None:
        """From the host to the device, in order."""
        cuda = self._cuda
        kind = cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        _done(
            cuda.cudaMemcpyAsync(
                buffer.address, buffer.host_address, buffer.nbytes, kind, self._stream
            )
        )

    def download(self, buffer: Buffer) -> None:
        """From the device to the host, in order."""
        cuda = self._cuda
        kind = cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        _done(
            cuda.cudaMemcpyAsync(
                buffer.host_address, buffer.address, buffer.nbytes, kind, self._stream
            )
        )

    def copy(self, source: Buffer, target: Buffer) -> None:
        """On the device, in order."""
        cuda = self._cuda
        kind = cuda.cudaMemcpyKind.cudaMemcpyDeviceToDevice
        _done(
            cuda.cudaMemcpyAsync(target.address, source.address, source.nbytes, kind, self._stream)
        )

    def wait(self) -> None:
        """Until all is done."""
        _done(self._cuda.cudaStreamSynchronize(self._stream))

    def capture(self, work: Callable[[], None]) -> bool:
        """Record what ``work`` puts onto the stream as one graph; False where it cannot be."""
        cuda = self._cuda
        mode = cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _done(cuda.cudaStreamBeginCapture(self._stream, mode))
        try:
            work()
        finally:
            error, graph = cuda.cudaStreamEndCapture(self._stream)
        if error != cuda.cudaError_t.cudaSuccess:
            cuda.cudaGetLastError()  # it would be told at the next call
            return False
        self._graph = _done(cuda.cudaGraphInstantiate(graph, 0))
        _done(cuda.cudaGraphDestroy(graph))
        return True

    def replay(self) -> None:
        """Do again what was captured, in one launch."""
        _done(self._cuda.cudaGraphLaunch(self._graph, self._stream))

    def close(self) -> None:
        """Give it back."""
        if self._graph is not None:
            self._cuda.cudaGraphExecDestroy(self._graph)
            self._graph = None
        if self._stream is not None:
            self._cuda.cudaStreamDestroy(self._stream)
            self._stream = None


class Buffer:
    """Memory on the device, and as much on the host, locked so that copies need no detour.

    ``host`` is the host's, an array of ``shape`` and ``dtype``.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        cuda = _runtime()
        self._cuda = cuda
        kind = np.dtype(dtype)
        self.nbytes = prod(shape) * kind.itemsize
        self.address = int(_done(cuda.cudaMalloc(self.nbytes)))
        try:
            self.host_address = int(_done(cuda.cudaHostAlloc(self.nbytes, 0)))
        except EngineError:
            cuda.cudaFree(self.address)
            raise
        block = (ctypes.c_char * self.nbytes).from_address(self.host_address)
        self.host: NDArray[Any] = np.ndarray(shape, kind, memoryview(block))

    def close(self) -> None:
        """Give both back; ``host`` must not be used any more."""
        if self.address:
            self._cuda.cudaFree(self.address)
            self._cuda.cudaFreeHost(self.host_address)
            self.address = self.host_address = 0


def _runtime() -> Any:
    try:
        from cuda.bindings import runtime
    except (ImportError, OSError) as error:
        raise EngineError(f"NVIDIA's CUDA bindings are missing ({error}); run: {INSTALL}") from None
    return runtime


def _done(result: tuple[Any, ...]) -> Any:
    """The value of a call of the bindings.

    Raises:
        EngineError: it failed; out of memory is told with what to do.
    """
    error, *values = result
    if error.value:
        if error.name == "cudaErrorMemoryAllocation":
            raise EngineError("the GPU is out of memory; close other programs, or --engine auto")
        raise EngineError(f"CUDA: {error.name}")
    return values[0] if values else None
