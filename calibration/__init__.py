"""Other precisions of a model, and what they cost."""

import engines  # noqa: F401 - says that ONNX Runtime sends nothing, before it is loaded
