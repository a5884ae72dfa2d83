"""PyTorch's own compiler: on the GPU if there is one, otherwise on the processor.

It compiles for a minute at every start, and a C++ compiler must be there: for comparison rather
than for daily use.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from engines.acceptance import accepted
from engines.backends import torch as eager
from engines.backends.torch import TorchEngine
from engines.backends.torch_cuda import TorchCudaEngine, usable_device
from engines.backends.torch_modules import example, module
from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork, warmed_up


def open_network(request: NetworkRequest) -> OpenedNetwork:
    """Compile and warm up one network.

    Raises:
        EngineError: the weights are unusable, it does not compile, or it does not say what the
            network says.
    """
    network = module(request)
    with warnings.catch_warnings():
        # It advises TensorFloat32, which would not say what the network says.
        warnings.filterwarnings("ignore", "TensorFloat32", UserWarning)
        engine = warmed_up(_opened(request, network))
    accepted(engine, request, eager.open_network)
    return engine


def _opened(request: NetworkRequest, network: torch.nn.Module) -> OpenedNetwork:
    if torch.cuda.is_available():
        usable_device()
        like = tuple(one.cuda() for one in example(request))
        return TorchCudaEngine(request, compiled(network.cuda(), like), "torch_compile")
    if request.precision != "fp32":
        raise EngineError(f"torch_compile has no {request.precision} on a CPU; use fp32")
    torch.set_num_threads(request.threads)
    return TorchEngine(request, compiled(network, example(request)), "torch_compile")


def compiled(network: torch.nn.Module, like: tuple[Tensor, ...]) -> torch.nn.Module:
    """The network for inputs like these; it is compiled at its first call.

    Exported first: of a module's own code the compiler makes eight versions at most, whoever asks.
    """
    arranged: torch.nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode():
        exported: torch.nn.Module = torch.export.export(arranged, like).module()
    exported.compile(fullgraph=True, dynamic=False)
    return exported
