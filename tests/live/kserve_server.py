"""Serves a repository of `python -m engines export-repository` by Triton, without its own ONNX
backend: that is not in the package. Runs in an environment of its own, so it imports nothing here.

    kserve_server.py REPOSITORY GRPC_PORT
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def bind(triton: Triton, folder: Path) -> None:
    session = onnxruntime.InferenceSession(
        folder / "1" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    names = [port.name for port in session.get_outputs()]
    # As the repository says: requests of what streams are not gathered.
    is_gathered = "max_batch_size: 0" not in (folder / "config.pbtxt").read_text(encoding="utf-8")

    def tensors(ports: list) -> list:
        return [
            Tensor(
                name=port.name,
                dtype=np.float32,
                shape=tuple(
                    side if isinstance(side, int) else -1 for side in port.shape[is_gathered:]
                ),
            )
            for port in ports
        ]

    def infer(requests: list) -> list:
        return [
            dict(zip(names, session.run(names, request.data), strict=True)) for request in requests
        ]

    triton.bind(
        model_name=folder.name,
        infer_func=infer,
        inputs=tensors(session.get_inputs()),
        outputs=tensors(session.get_outputs()),
        config=ModelConfig(batching=is_gathered, max_batch_size=4),
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
