"""Serves a repository of `python -m engines export-repository` by Triton, without its own ONNX
backend: that is not in the package. Runs in an environment of its own, so it imports nothing here.

    kserve_server.py REPOSITORY GRPC_PORT
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def bind(triton: Triton, folder: Path) -> None:
    session = onnxruntime.InferenceSession(
        folder / "1" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    (given,), (result,) = session.get_inputs(), session.get_outputs()

    def sides(port: onnxruntime.NodeArg) -> tuple:
        return tuple(side if isinstance(side, int) else -1 for side in port.shape[1:])

    @batch
    def infer(**inputs: np.ndarray) -> dict:
        return {result.name: session.run(None, {given.name: inputs[given.name]})[0]}

    triton.bind(
        model_name=folder.name,
        infer_func=infer,
        inputs=[Tensor(name=given.name, dtype=np.float32, shape=sides(given))],
        outputs=[Tensor(name=result.name, dtype=np.float32, shape=sides(result))],
        config=ModelConfig(max_batch_size=4),
    )


def main() -> None:
    repository, port = Path(sys.argv[1]), int(sys.argv[2])
    config = TritonConfig(
        grpc_address="127.0.0.1", grpc_port=port, allow_http=False, allow_metrics=False
    )
    with Triton(config=config) as triton:
        for folder in sorted(repository.iterdir()):
            bind(triton, folder)
        triton.serve()


if __name__ == "__main__":
    main()
