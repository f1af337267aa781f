"""`easyportrait doctor`: what works here, what is missing, and how to get it."""

import importlib.metadata
import importlib.util
import platform
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from .. import __version__
from ..assets import demo_image
from ..core import load
from ..image.io import _formats, _register_heif
from ..models.catalog import models_folder
from ..models.session import cores
from .common import words

LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "onnxruntime")
EXTRAS = {
    "heic": ("pillow_heif",),
    "openvino": ("openvino",),
    "serve": ("fastapi", "uvicorn", "python_multipart", "prometheus_client"),
    "video": ("av",),
    "export": ("onnx",),
    "train": ("torch", "lightning", "onnx", "onnxscript"),
}


def doctor() -> None:
    """Check the installation: libraries, picture formats, the embedded model at work."""
    table = Table("what", "found", show_header=False)
    table.add_row("easyportrait", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    table.add_row("cores", str(cores()))
    for name in LIBRARIES:
        table.add_row(name, importlib.metadata.version(name))
    _register_heif()
    table.add_row("picture formats", ", ".join(_formats()))
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        found = f'no: pip install "easyportrait[{extra}]"' if missing else "yes"
        table.add_row(f"extra {extra}", found)
    table.add_row("models of your own", str(models_folder()))

    start = time.perf_counter()
    parser = load()
    loaded = time.perf_counter()
    image = demo_image()
    result = parser.parse(image)
    found_classes = len(np.unique(result.labels))
    parsed = time.perf_counter()
    table.add_row("embedded model", f"{result.model}, loaded in {1e3 * (loaded - start):.0f} ms")
    table.add_row(
        "a portrait",
        f"{found_classes} classes, {len(result.faces)} face, in {1e3 * (parsed - loaded):.0f} ms",
    )
    Console().print(table)
    words.print("All well.", style="green")
