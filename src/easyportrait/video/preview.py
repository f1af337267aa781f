"""Where a camera's pictures are shown: a window here, a page or a virtual camera beside."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import cv2
import numpy as np

from ..errors import CameraUnusable, OutputUnwritable
from ..image.io import Image, write_image
from .camera import Camera, Shown

TICK = 0.02  # seconds within which a key is heard
TOLD = 3.0  # seconds for which a note is shown
QUIT, TOGGLE, SAVE = "q", "space", "s"
KEYS = "q quits, space switches effects off and on, s saves a picture"


class Screen(Protocol):
    """Shows pictures, and hears keys."""

    def wants(self) -> bool:
        """Whether anybody is looking."""
        ...

    def show(self, shown: Shown, words: str) -> bool:
        """Show a picture and words about it; whether it was seen. It returns when it was."""
        ...

    def pressed(self) -> list[str]:
        """Keys since the last time: "q", "space", "s"."""
        ...

    def close(self) -> None: ...


def watch(camera: Camera, screens: Sequence[Screen], keep: Callable[[Image], str]) -> None:
    """Show a camera's pictures until it ends or somebody quits.

    Args:
        keep: saves a picture, and says in a few words how that went.

    Raises:
        CameraUnusable, BadInput: as `Camera.frames`.
    """
    note, until = "", 0.0
    last: Shown | None = None
    camera.start()
    while not camera.is_over():
        for key in [key for screen in screens for key in screen.pressed()]:
            if key == QUIT:
                return
            if key == TOGGLE:
                camera.effects_on = not camera.effects_on
            if key == SAVE and last is not None:
                note, until = keep(last.image), time.monotonic() + TOLD
        if not any(screen.wants() for screen in screens):
            if camera.has_ended:
                return
            time.sleep(TICK)
            continue
        shown = camera.take(TICK)
        if shown is None:
            continue
        words = camera.speed + (f", {note}" if time.monotonic() < until else "")
        seen = [screen.show(shown, words) for screen in screens if screen.wants()]
        camera.count(any(seen))
        last = shown


def keeper(folder: Path) -> Callable[[Image], str]:
    """Saves pictures as PNG, named by the time."""

    def keep(image: Image) -> str:
        stem = f"{datetime.now():easyportrait-%Y%m%d-%H%M%S}"
        paths = (folder / f"{stem}{more}.png" for more in ("", *(f"-{n}" for n in range(2, 1000))))
        path = next((p for p in paths if not p.exists()), folder / f"{stem}.png")
        try:
            write_image(path, image)
        except OutputUnwritable as error:
            return str(error)
        return f"saved {path}"

    return keep


class Keys:
    """Keys that were pressed, from any thread."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[str] = SimpleQueue()
        self.put = self._waiting.put

    def taken(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self._waiting.get_nowait())
            except Empty:
                return found


class Window:
    """A window of this desktop. Its title says how fast it is.

    Raises:
        CameraUnusable: there is no display, or Python came without tkinter.
    """

    def __init__(self, title: str = "easyportrait") -> None:
        try:
            import tkinter

            from PIL import ImageTk
        except ImportError:
            raise CameraUnusable(
                "a window needs tkinter, which this Python came without (Debian and Ubuntu: "
                "apt install python3-tk); --page shows the picture in a browser instead"
            ) from None
        try:
            self._root = tkinter.Tk(className=title)
        except tkinter.TclError as error:
            raise CameraUnusable(
                f"there is no display for a window ({error}); "
                "--page shows the picture in a browser instead"
            ) from None
        self._error, self._photo_of = tkinter.TclError, ImageTk.PhotoImage
        self._title, self._keys, self._is_open = title, Keys(), True
        self._most = 0.9 * self._root.winfo_screenwidth(), 0.9 * self._root.winfo_screenheight()
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._photo: Any = None
        self._root.title(f"{title}: starting")
        self._root.protocol("WM_DELETE_WINDOW", lambda: self._keys.put(QUIT))
        self._root.bind("<Key>", lambda event: self._keys.put(event.keysym.lower()))
        self._root.update()

    def wants(self) -> bool:
        return self._is_open

    def show(self, shown: Shown, words: str) -> bool:
        from PIL import Image as Pil

        picture = Pil.fromarray(fitted(on_checks(shown.image), *self._most))
        try:
            if self._photo is None or (self._photo.width(), self._photo.height()) != picture.size:
                self._photo = self._photo_of(picture)
                self._label.configure(image=self._photo)
            else:
                self._photo.paste(picture)
            self._root.title(f"{self._title}: {words} ({KEYS})")
            self._root.update()
        except self._error:  # it is being closed
            self._is_open = False
        return self._is_open

    def pressed(self) -> list[str]:
        try:
            self._root.update()
        except self._error:
            self._is_open = False
        return self._keys.taken() if self._is_open else [QUIT]

    def close(self) -> None:
        self._is_open = False
        self._photo = None
        with suppress(self._error):  # it may be closed already
            self._root.destroy()


def fitted(image: Image, width: float, height: float) -> Image:
    """Made smaller to fit into (width, height), if it does not."""
    scale = min(1.0, width / image.shape[1], height / image.shape[0])
    if scale == 1:
        return image
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def on_checks(image: Image) -> Image:
    """(H, W, 3 or 4) -> (H, W, 3): what is transparent lies on grey squares."""
    if image.shape[2] == 3:
        return image
    y, x = np.indices(image.shape[:2]) // 16 % 2
    ground = np.where(y == x, np.uint8(200), np.uint8(160)).astype(np.float32)[..., None]
    share = image[..., 3:].astype(np.float32) / 255
    return (ground + share * (image[..., :3] - ground) + 0.5).astype(np.uint8)
