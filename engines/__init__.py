"""Turns a model folder's two graphs into something that runs here."""

import os

# From 1.29 on ONNX Runtime sends usage data to its maker unless told not to before it is loaded. A
# player that watches and listens to a room sends nothing to anybody.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
