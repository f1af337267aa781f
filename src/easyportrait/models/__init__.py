"""Model files: what they say of themselves, where they lie, and how they are run."""

import os

# ONNX Runtime otherwise keeps an identifier in the user's home and reports to its makers; it
# looks for this when it is loaded, which only modules of this folder do
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
