"""Learns a checkpoint."""

import calibration  # noqa: F401 - says that ONNX Runtime sends nothing, before it is loaded
