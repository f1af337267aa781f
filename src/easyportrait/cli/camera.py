"""`easyportrait camera`: a camera in, a better camera out."""

import webbrowser
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..effects import EFFECTS
from ..effects.chain import BACKGROUND
from ..errors import BadInput, CameraUnusable
from ..image.io import MAX_PIXELS, Image
from ..models.catalog import DEFAULT
from .common import Looks, MaxPixels, Model, Runtime, words
from .effects import Wishes, takes_effects
from .video import stoppable

if TYPE_CHECKING:
    from ..video.page import Page
    from ..video.preview import Screen


@takes_effects
def camera(
    wishes: Wishes,
    source: Annotated[
        str,
        typer.Option(
            "--camera",
            metavar="N|DEVICE|FILE",
            help="A camera's number or device, or a video file in its place.",
        ),
    ] = "0",
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Ask the camera for this size. \\[default: its own]"),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=1, max=240, help="Ask it for so many pictures a second."),
    ] = None,
    mirror: Annotated[
        bool | None,
        typer.Option(
            "--mirror/--no-mirror",
            help="As a mirror shows it. \\[default: a camera, unless others see it (--virtual)]",
        ),
    ] = None,
    every: Annotated[
        int,
        typer.Option(
            min=1, help="Let the net look at every so many pictures only: faster, and coarser."
        ),
    ] = 1,
    steady: Annotated[
        bool, typer.Option("--steady/--no-steady", help="Calm the outlines of what keeps still.")
    ] = True,
    virtual: Annotated[
        bool,
        typer.Option("--virtual", help="Be a camera for other programs (with pyvirtualcam)."),
    ] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Show it in a browser instead of a window.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The page's port; 0 for any that is free.")
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
    snapshots: Annotated[Path, typer.Option(help="Folder for saved pictures.")] = Path(),
    model: Model = DEFAULT,
    runtime: Runtime = "onnx",
    looks: Looks = 1,
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Retouch, light or hide faces before a camera; blur or replace the background.

    Shown in a window, on a page, or to other programs as a virtual camera. q quits, space
    switches effects off and on, s saves a picture. Pictures that come faster than they can
    be done are dropped, so what is seen is always now.
    """
    from ..video.camera import Camera
    from ..video.preview import KEYS, keeper, watch

    check(wishes)
    with stoppable(), ExitStack() as stack:
        screens = [stack.enter_context(closing(s)) for s in open_screens(virtual, page, port, fps)]
        opened = Camera(
            source,
            model=model,
            runtime=runtime,
            looks=looks,
            every=every,
            steady=steady,
            mirror=False if virtual and mirror is None else mirror,
            size=read_size(size),
            fps=fps,
            max_pixels=max_pixels,
            **wishes,
        )
        stack.enter_context(opened)
        for note in opened.notes:
            words.print(note, style="yellow", markup=False)
        if page:
            show_page(cast("Page", screens[-1]), no_open)
        hint = KEYS if screens[1:] or not virtual else "no window here; --page shows it too"
        words.print(f"{hint}; Ctrl-C ends", markup=False)
        try:
            watch(opened, screens, telling(keeper(snapshots)))
        except KeyboardInterrupt:
            pass
        finally:
            opened.close()
            words.print(str(opened.summary), style="green", markup=False)


def check(wishes: Wishes) -> None:
    """Raises: BadInput: there is nothing to do, or what no camera shows."""
    if not wishes:
        raise BadInput(f"name an effect: --background, {', '.join(f'--{n}' for n in EFFECTS)}")
    if wishes.get("background") == "remove" or BACKGROUND["remove"] in wishes:
        raise BadInput(
            "a camera has no transparency: put a colour there, as with --background '#00ff00', "
            "and let the other program take it out"
        )


def read_size(text: str | None) -> tuple[int, int] | None:
    """(width, height). Raises: BadInput: it is not written like 1280x720."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise BadInput(f"a size is written like 1280x720, got {text!r}")
    return int(width), int(height)


def open_screens(virtual: bool, page: bool, port: int, fps: float | None) -> "list[Screen]":
    """Where to show it: the virtual camera first, then a page or a window.

    Raises:
        CameraUnusable: one of them cannot be had; a window only if nothing else is there.
    """
    from ..video.page import Page
    from ..video.preview import Window
    from ..video.virtual import Virtual

    screens: list[Screen] = [Virtual(fps or 30.0)] if virtual else []
    if page:
        return [*screens, Page(port, must_be_seen=not virtual)]
    try:
        return [*screens, Window()]
    except CameraUnusable:
        if not virtual:
            raise
        return screens


def show_page(page: "Page", no_open: bool) -> None:
    print(page.address, flush=True)
    if not no_open:  # in a thread: a browser of the terminal would keep everything waiting
        Thread(target=webbrowser.open, args=[page.address], daemon=True).start()


def telling(keep: Callable[[Image], str]) -> Callable[[Image], str]:
    """`keep`, which says on the terminal, too, how it went."""

    def told(image: Image) -> str:
        said = keep(image)
        words.print(said, markup=False)
        return said

    return told
