"""A photograph of a person in, what every pixel is out.

>>> import easyportrait
>>> parsing = easyportrait.parse(easyportrait.demo_image())
>>> parsing.labels.shape
(512, 512)
>>> len(parsing.faces)
1
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# The public names and where they live. They are imported when first used, so that
# `import easyportrait` costs next to nothing.
_HOMES = {
    "CLASSES": "taxonomy",
    "Box": "faces",
    "Camera": "video.camera",
    "Card": "models.card",
    "EasyPortrait": "data.easyportrait",
    "EasyPortraitError": "errors",
    "Face": "faces",
    "FakeSession": "models.session",
    "OnnxSession": "models.session",
    "Parser": "models.parser",
    "Parsing": "parsing",
    "EFFECTS": "effects",
    "apply": "core",
    "apply_to_video": "video.pipeline",
    "demo_image": "assets",
    "load": "core",
    "overlay": "image.blend",
    "parse": "core",
    "read_image": "image.io",
    "read_video": "video.read",
    "write_image": "image.io",
    "write_video": "video.write",
}

__all__ = [
    "__version__",
    "apply",
    "apply_to_video",
    "Box",
    "Camera",
    "Card",
    "CLASSES",
    "demo_image",
    "EasyPortrait",
    "EasyPortraitError",
    "EFFECTS",
    "Face",
    "FakeSession",
    "load",
    "OnnxSession",
    "overlay",
    "parse",
    "Parser",
    "Parsing",
    "read_image",
    "read_video",
    "write_image",
    "write_video",
]

if TYPE_CHECKING:
    from .assets import demo_image
    from .core import apply, load, parse
    from .data.easyportrait import EasyPortrait
    from .effects import EFFECTS
    from .errors import EasyPortraitError
    from .faces import Box, Face
    from .image.blend import overlay
    from .image.io import read_image, write_image
    from .models.card import Card
    from .models.parser import Parser
    from .models.session import FakeSession, OnnxSession
    from .parsing import Parsing
    from .taxonomy import CLASSES
    from .video.camera import Camera
    from .video.pipeline import apply_to_video
    from .video.read import read_video
    from .video.write import write_video


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'easyportrait' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
