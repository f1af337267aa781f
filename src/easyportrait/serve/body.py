"""What came in a request's body: a picture as it is, or a form with pictures and fields.

Forms are taken apart as they arrive and kept in memory: nothing goes to a temporary file,
and a body with too many parts is refused at the first of them that is too many.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..errors import BadInput, BodyTooLarge
from .limits import Limits

PICTURES = ("picture", "background")


@dataclass(slots=True)
class Form:
    """Pictures as their files' bytes, fields as text."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


async def read_form(
    stream: AsyncIterator[bytes],
    content_type: str,
    limits: Limits,
    *,
    pictures: Collection[str],
    fields: Collection[str],
) -> Form:
    """Read a body to its end.

    Args:
        stream: the body in pieces; whoever makes it counts its bytes.
        content_type: as the request says. Of anything but multipart/form-data the whole
            body is the picture.
        pictures, fields: names of parts that are taken.

    Raises:
        BadInput: there is no picture; a part is damaged, unknown, or comes twice.
        BodyTooLarge: too many parts, or one that is too long.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        form = Form({"picture": b"".join([piece async for piece in stream])})
    else:
        parts = Parts(limits, pictures, fields)
        parser = parser_for(options.get(b"boundary", b""), parts)
        async for piece in stream:
            try:
                parser.write(piece)
            except FormParserError as error:
                raise BadInput(f"the form is damaged: {error}") from None
        if not parts.is_whole:
            raise BadInput("the form is cut short: its last boundary is missing")
        form = parts.form
    if not form.pictures.get("picture"):
        raise BadInput(
            "there is no picture: send it as the body, or as the part 'picture' of a form"
        )
    return form


def parser_for(boundary: bytes, parts: "Parts") -> MultipartParser:
    if not boundary:
        raise BadInput("the form's Content-Type names no boundary")
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_end,
                "on_part_data": parts.data,
                "on_part_end": parts.end,
                "on_end": parts.all_end,
            },
        )
    except FormParserError as error:
        raise BadInput(f"the form is damaged: {error}") from None


class Parts:
    """A form in the making: the parser calls what is named after what it has seen."""

    def __init__(self, limits: Limits, pictures: Collection[str], fields: Collection[str]) -> None:
        self.form = Form()
        self.is_whole = False
        self._limits, self._pictures, self._fields = limits, pictures, fields
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self._head_size, self._size = 0, 0
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        self._pieces: list[bytes] = []

    def begin(self) -> None:
        self._begin()
        self._count += 1
        if self._count > self._limits.parts:
            raise BodyTooLarge(f"a form has at most {self._limits.parts} parts")

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._value += data[start:end]

    def _count_head(self, more: int) -> None:
        self._head_size += more
        if self._head_size > self._limits.part_head:
            raise BodyTooLarge(f"a part's headers have at most {self._limits.part_head} bytes")

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def headers_end(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        known = (*self._pictures, *self._fields)
        if self._name not in known:
            raise BadInput(f"a form has the parts {', '.join(known)}, not {self._name!r}")
        if self._name in self.form.pictures or self._name in self.form.fields:
            raise BadInput(f"the part {self._name!r} comes twice")

    def data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._name in self._fields and self._size > self._limits.field:
            raise BodyTooLarge(f"{self._name} has at most {self._limits.field} bytes")
        self._pieces.append(data[start:end])

    def end(self) -> None:
        whole = b"".join(self._pieces)
        if self._name in self._pictures:
            self.form.pictures[self._name] = whole
        else:
            self.form.fields[self._name] = whole.decode("utf-8", "replace")
        self._begin()

    def all_end(self) -> None:
        self.is_whole = True
