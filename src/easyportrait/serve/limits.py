"""How much a request may be, take and cost. Every number that guards the server is here."""

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server takes.

    Attributes:
        body: bytes of a request's body, all its parts together.
        pixels: of one picture.
        parts: of a multipart body.
        part_head: bytes of the headers of one part.
        field: bytes of a part that is no picture.
        head: bytes of a request's first line and headers.
        head_s: seconds from the first byte to the end of the headers.
        idle_s: seconds between two pieces of a body.
        receive_s: seconds from the headers to the end of the body.
        answer_s: seconds from there to the answer, waiting for others included.
        send_s: seconds that a client may leave an answer lying.
        keep_s: seconds for which a connection is kept without a request.
        linger_s: seconds for which a body that is not wanted is still let in, so that its
            sender hears why.
        queue: requests that may wait while every thread works.
        connections: open at the same time.
    """

    body: int = 32 * MB
    pixels: int = 50 * MB
    parts: int = 8
    part_head: int = 4_096
    field: int = 16_384
    head: int = 16_384
    head_s: float = 10.0
    idle_s: float = 10.0
    receive_s: float = 30.0
    answer_s: float = 60.0
    send_s: float = 60.0
    keep_s: float = 5.0
    linger_s: float = 2.0
    queue: int = 16
    connections: int = 256
