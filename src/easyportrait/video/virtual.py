"""A camera that other programs can choose, fed with pictures after effects.

Through pyvirtualcam, which is GPL-2.0 and so never comes along: who wants it installs it.
"""

import sys
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from ..errors import CameraUnusable
from .camera import Shown

DRIVER = {
    "linux": (
        "it needs a v4l2loopback device: sudo apt install v4l2loopback-dkms, then "
        "sudo modprobe v4l2loopback exclusive_caps=1 card_label=easyportrait"
    ),
    "darwin": "it needs OBS Studio (obsproject.com): start its virtual camera once, and quit OBS",
    "win32": "it needs OBS Studio (obsproject.com), whose virtual camera it uses",
}
MISSING = (
    "a virtual camera needs pyvirtualcam, which is not installed: pip install pyvirtualcam "
    "(its licence is GPL-2.0, so it never comes along); then "
)


class Virtual:
    """Sends pictures to the virtual camera, which opens at the first one.

    Args:
        rate: pictures a second that other programs are told.

    Raises:
        CameraUnusable: pyvirtualcam is not installed; at the first picture, that there is
            no virtual camera on this machine.
    """

    def __init__(self, rate: float = 30.0) -> None:
        try:
            pyvirtualcam = import_module("pyvirtualcam")
        except ImportError:
            raise CameraUnusable(MISSING + driver()) from None
        self._module, self._rate = pyvirtualcam, rate
        self._camera: Any = None

    @property
    def device(self) -> str | None:
        """What other programs call it; None before the first picture."""
        return None if self._camera is None else str(self._camera.device)

    def wants(self) -> bool:
        return True

    def show(self, shown: Shown, words: str) -> bool:
        image = shown.image[..., :3]
        if self._camera is None:
            self._camera = self._opened(image.shape[1], image.shape[0])
        size = self._camera.width, self._camera.height
        if (image.shape[1], image.shape[0]) != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._camera.send(np.ascontiguousarray(image))
        return True

    def _opened(self, width: int, height: int) -> Any:
        try:
            return self._module.Camera(width=width, height=height, fps=self._rate)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise CameraUnusable(
                f"there is no virtual camera on this machine: {driver()} ({reason})"
            ) from error

    def pressed(self) -> list[str]:
        return []

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()


def driver() -> str:
    """What this system needs besides."""
    return DRIVER.get(sys.platform, DRIVER["linux"])
