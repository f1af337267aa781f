"""Where a camera's pictures come from: a device, or a video file played at its own rate.

OpenCV reads both, so a camera needs no extra.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import cv2

from ..errors import CameraUnusable
from ..image.io import Image

DEVICES = Path("/dev")
NAMES = Path("/sys/class/video4linux")
PROBED = 4  # numbers that are tried where the system does not list its cameras
FASTEST = 1000  # frames a second; files that say more do not know


class Source(Protocol):
    """Gives pictures when they come.

    Attributes:
        name: for messages.
        rate: frames a second as far as it says, else 30.
        is_live: whether it is a camera; what was filmed before need not be mirrored.
        notes: what is not as it was wished, a line each.
    """

    name: str
    rate: float
    is_live: bool
    notes: list[str]

    def frames(self, stop: Event) -> Iterator[Image]:
        """(H, W, 3) uint8 RGB, each when it is due, until `stop`. Raises: CameraUnusable."""
        ...

    def close(self) -> None: ...


def open_source(
    source: int | str | Path | Iterable[Image],
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> Source:
    """What is meant by a camera.

    Args:
        source: a camera's number, its device's path, a video file, or an iterable that
            gives (H, W, 3) uint8 RGB when a picture has come.
        size: (width, height) to ask a camera for, in pixels.
        fps: frames a second to ask a camera for.

    Raises:
        CameraUnusable: there is no such camera or file, or it cannot be opened.
    """
    if not isinstance(source, (int, str, Path)):
        return Given(source)
    if isinstance(source, str) and source.isdecimal():
        source = int(source)
    if isinstance(source, int) or is_device(Path(source)):
        return Device(source, size, fps)
    path = Path(source)
    if not path.is_file():
        raise CameraUnusable(f"there is no camera and no video file {str(source)!r}; {advice()}")
    if size or fps:
        raise CameraUnusable(f"size and fps are for cameras; {path} has its own")
    return File(path)


def is_device(path: Path) -> bool:
    return path.is_char_device() or path.is_relative_to(DEVICES)


class Device:
    """A camera of this machine."""

    is_live = True

    def __init__(
        self, source: int | str | Path, size: tuple[int, int] | None, fps: float | None
    ) -> None:
        self.name = f"camera {source}" if isinstance(source, int) else str(source)
        self._capture = opened(source if isinstance(source, int) else str(source), system_way())
        if not self._capture.isOpened():
            raise CameraUnusable(why_not(self.name, source))
        self._ask(size, fps)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= FASTEST else 30.0
        self.notes = list(self._told(size))

    def _ask(self, size: tuple[int, int] | None, fps: float | None) -> None:
        if sys.platform == "linux":
            # uncompressed, most webcams give a few large pictures a second only
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if size:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # older pictures are of no use

    def _told(self, size: tuple[int, int] | None) -> Iterator[str]:
        ways = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        width, height = (int(self._capture.get(way)) for way in ways)
        if size and (width, height) != size:
            yield f"{self.name} gives {width} x {height}, not {size[0]} x {size[1]}"

    def frames(self, stop: Event) -> Iterator[Image]:
        count = 0
        while not stop.is_set():
            came, image = self._capture.read()
            if stop.is_set():
                return
            if not came and not count:
                raise CameraUnusable(
                    f"{self.name} gives no pictures: another program may be using it; {advice()}"
                )
            if not came:
                raise CameraUnusable(
                    f"{self.name} stopped giving pictures after {count:,}: "
                    "is it still plugged in, and did another program take it?"
                )
            count += 1
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        self._capture.release()


class File:
    """A video file as a camera: its pictures come when it would show them."""

    is_live = False

    def __init__(self, path: Path) -> None:
        self.name, self.notes = str(path), list[str]()
        # absolute, so that no name is taken for an address
        self._capture = opened(str(path.absolute()), cv2.CAP_FFMPEG)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= FASTEST else 30.0
        if not self._capture.isOpened():
            raise CameraUnusable(f"{path} is no video that can be read, or a damaged one")

    def frames(self, stop: Event) -> Iterator[Image]:
        began, count, last = time.monotonic(), 0, -1.0
        while self._capture.grab():
            said = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            last = said if said > last else last + 1 / self.rate
            if stop.wait(max(0.0, began + last - time.monotonic())):
                return
            came, image = self._capture.retrieve()
            if came:
                count += 1
                yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        if not count:
            raise CameraUnusable(f"{self.name} holds no picture that can be read")

    def close(self) -> None:
        self._capture.release()


class Given:
    """Pictures that the caller gives."""

    name, rate, is_live = "the pictures", 30.0, False

    def __init__(self, images: Iterable[Image]) -> None:
        self._images, self.notes = images, list[str]()

    def frames(self, stop: Event) -> Iterator[Image]:
        for image in self._images:
            if stop.is_set():
                return
            yield image

    def close(self) -> None:
        with suppress(AttributeError):
            self._images.close()  # type: ignore[attr-defined]


# -- what there is -------------------------------------------------------------------------


def system_way() -> int:
    return cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY


def opened(source: int | str, way: int) -> Any:
    """OpenCV's capture, opened quietly: what matters is raised."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(source, way)
    finally:
        cv2.utils.logging.setLogLevel(before)


def cameras() -> list[str]:
    """The cameras of this machine: numbers, with names where the system tells them."""
    if sys.platform != "linux":
        return [str(i) for i in range(PROBED) if answers(i)]
    numbers = (p.name.removeprefix("video") for p in DEVICES.glob("video*"))
    return [named(n) for n in sorted((n for n in numbers if n.isdecimal()), key=int)]


def answers(number: int) -> bool:
    capture = opened(number, system_way())
    try:
        return bool(capture.isOpened())
    finally:
        capture.release()


def named(number: str) -> str:
    try:
        return f"{number} ({(NAMES / f'video{number}' / 'name').read_text().strip()})"
    except OSError:
        return number


def advice() -> str:
    """What would work."""
    found = cameras()
    if found:
        return f"cameras here: {', '.join(found)}"
    return "none was found here; a video file can take its place (--camera FILE)"


def why_not(name: str, source: int | str | Path) -> str:
    """Why a device cannot be opened."""
    path = DEVICES / f"video{source}" if isinstance(source, int) else Path(source)
    if sys.platform == "linux" and not path.exists():
        return f"there is no {name}; {advice()}"
    try:
        if sys.platform == "linux":
            path.open("rb").close()
    except PermissionError:
        return f"{name} may not be used: permission denied for {path} (is the group 'video' yours?)"
    except OSError:
        pass
    return (
        f"{name} cannot be opened: another program may be using it, or it may not be allowed; "
        + advice()
    )
