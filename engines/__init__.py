"""Turns a model folder's two graphs into something that runs here."""

import os
import sys

# A player that watches and listens to a room sends nothing to anybody. From 1.29 on ONNX Runtime
# sends usage data to its maker unless told not to before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# OpenVINO does at every import, from a process of its own, and leaves a number for its user in the
# home folder; it knows no such variable. Its converter, which begins that, is loaded only if it can
# be, and nothing here needs it: without, a process starts 80 ms earlier.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # not to be had
sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
