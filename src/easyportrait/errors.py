"""Everything that can go wrong, in one tree.

    EasyPortraitError             code                exit  http
    ├─ BadInput                   bad-input              3   422
    │  ├─ ImageUnreadable         image-unreadable       3   422
    │  ├─ ImageTooLarge           image-too-large        3   413
    │  ├─ VideoUnreadable         video-unreadable       3   422
    │  ├─ CameraUnusable          camera-unusable        3   422
    │  ├─ ShapeMismatch           shape-mismatch         3   422
    │  ├─ ArchiveUnsafe           archive-unsafe         3   422
    │  ├─ BadRecipe               bad-recipe             3   422
    │  └─ BadKnob                 bad-knob               3   422
    ├─ ModelError                 bad-model              4   500
    │  ├─ UnknownModel            unknown-model          4   404
    │  └─ ExportMismatch          export-mismatch        4   500
    ├─ MissingExtra               missing-extra          5   501
    ├─ OutputUnwritable           output-unwritable      6   500
    ├─ DownloadFailed             download-failed        7   502
    ├─ DatasetUnsound             dataset-unsound        8   422
    ├─ SomeFailed                 some-failed            1   207
    └─ RequestRefused             request-refused        9   400
       ├─ Unauthorised            unauthorised           9   401
       ├─ WrongHost               wrong-host             9   403
       ├─ OtherSite               other-site             9   403
       ├─ TooSlow                 too-slow               9   408
       ├─ BodyTooLarge            body-too-large         9   413
       ├─ Busy                    busy                   9   429
       ├─ HeadTooLarge            head-too-large         9   431
       └─ TookTooLong             took-too-long          9   503

The command line prints the message and leaves with `exit`; a server answers `http` with
`{"error": code, "message": ...}`. Neither keeps a table of its own. Exit status 2 is
the command line's own word for a wrong option.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class EasyPortraitError(Exception):
    """Base class: catch this to catch everything this package raises on purpose."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500


class BadInput(EasyPortraitError):
    """What the caller passed cannot be used."""

    code = "bad-input"
    exit_status = 3
    http_status = 422


class ImageUnreadable(BadInput):
    """A file is not a picture of an allowed format, or is damaged."""

    code = "image-unreadable"


class ImageTooLarge(BadInput):
    """A picture has more pixels than the limit allows."""

    code = "image-too-large"
    http_status = 413


class VideoUnreadable(BadInput):
    """A file is not a video of an allowed format, or is damaged."""

    code = "video-unreadable"


class CameraUnusable(BadInput):
    """There is no such camera, it gives no pictures, or there is nowhere to show them."""

    code = "camera-unusable"


class ShapeMismatch(BadInput):
    """An array has the wrong shape or dtype, or two do not cover the same pixels."""

    code = "shape-mismatch"


class ArchiveUnsafe(BadInput):
    """An archive is damaged, or holds what could do harm when it is extracted."""

    code = "archive-unsafe"


class BadRecipe(BadInput):
    """A training recipe leaves a number out, or names one that does not exist."""

    code = "bad-recipe"


class BadKnob(BadInput):
    """There is no such effect, or it does not take what was wished of it."""

    code = "bad-knob"


class ModelError(EasyPortraitError):
    """The model file, not the caller, is at fault."""

    code = "bad-model"
    exit_status = 4


class UnknownModel(ModelError):
    """No model of that name is installed, and no file lies at that path."""

    code = "unknown-model"
    http_status = 404

    def __init__(self, name: str, known: Iterable[str], *, paths: bool = True) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        too = " A path to an .onnx file works too." if paths else ""
        super().__init__(f"there is no model {name!r}. {hint}Models: {', '.join(known)}.{too}")


class ExportMismatch(ModelError):
    """An exported file does not answer what the trained net answers; it was not kept."""

    code = "export-mismatch"


class MissingExtra(EasyPortraitError):
    """A part of the package needs libraries that the plain install leaves out."""

    code = "missing-extra"
    exit_status = 5
    http_status = 501

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"this needs {package}, which comes with the extra {extra!r}: "
            f'pip install "easyportrait[{extra}]"'
        )


class OutputUnwritable(EasyPortraitError):
    """A result could not be written where it was wanted."""

    code = "output-unwritable"
    exit_status = 6


class DownloadFailed(EasyPortraitError):
    """A file could not be had, or what came is not the file that was meant."""

    code = "download-failed"
    exit_status = 7
    http_status = 502


class DatasetUnsound(EasyPortraitError):
    """A dataset was looked at from end to end, and something is wrong with it."""

    code = "dataset-unsound"
    exit_status = 8
    http_status = 422


class SomeFailed(EasyPortraitError):
    """A job over many files is done, except for those named in the message."""

    code = "some-failed"
    http_status = 207


class RequestRefused(EasyPortraitError):
    """A request to the server is not answered, whatever picture it holds."""

    code = "request-refused"
    exit_status = 9
    http_status = 400


class Unauthorised(RequestRefused):
    """The server wants a token, and the request has none or another."""

    code = "unauthorised"
    http_status = 401


class WrongHost(RequestRefused):
    """The request was meant for a server of another name."""

    code = "wrong-host"
    http_status = 403


class OtherSite(RequestRefused):
    """Another site's page asks, in somebody's browser."""

    code = "other-site"
    http_status = 403


class TooSlow(RequestRefused):
    """The request did not arrive in time."""

    code = "too-slow"
    http_status = 408


class BodyTooLarge(RequestRefused):
    """The request has more bytes or parts than the limits allow."""

    code = "body-too-large"
    http_status = 413


class Busy(RequestRefused):
    """There are as many requests as may be here at once.

    Attributes:
        retry_after: seconds after which it may be otherwise.
    """

    code = "busy"
    http_status = 429

    def __init__(self, most: int, seconds: int) -> None:
        self.retry_after = max(1, seconds)
        super().__init__(f"{most} requests are here already; try again in {self.retry_after} s")


class HeadTooLarge(RequestRefused):
    """The request's headers are longer than the limits allow."""

    code = "head-too-large"
    http_status = 431


class TookTooLong(RequestRefused):
    """The answer was not ready in time."""

    code = "took-too-long"
    http_status = 503
