"""Sockets that do not wait for ever: uvicorn's protocol with the times that it lacks.

It times neither headers that never end nor an answer that nobody takes. What is overridden
are asyncio's own hooks, so another uvicorn fits as well.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import Busy, RequestRefused
from .guard import as_json
from .limits import Limits


class Watched(H11Protocol):
    """One connection. `limited` makes the class for a server."""

    limits: Limits = Limits()
    _head: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.write(plain(Busy(self.limits.connections, 1), "Retry-After: 1\r\n"))
            transport.close()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        is_between = self.cycle is None or self.cycle.response_complete
        # after an answer, uvicorn's own timer runs until something of a request has come
        if is_between and self.timeout_keep_alive_task is None:
            self._await_head()
        else:
            self._stop_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking = self.loop.call_later(self.limits.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; in our words, and with nothing mixed into an answer under way."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                plain(RequestRefused("that is no HTTP, or its headers are too long"))
            )
        self.transport.close()

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.limits.head_s, self._head_late)

    def _stop_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _head_late(self) -> None:
        self._head = None
        self.transport.abort()


def limited(limits: Limits) -> type[Watched]:
    return type("Limited", (Watched,), {"limits": limits})


def plain(error: RequestRefused, more: str = "") -> bytes:
    """A whole answer, for before there is anything that could make one."""
    body = as_json(error.code, str(error))
    status = HTTPStatus(error.http_status)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"X-Content-Type-Options: nosniff\r\n{more}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def settings(limits: Limits) -> dict[str, Any]:
    """For uvicorn's Config: HTTP/1.1 only, with these limits."""
    return {
        "http": limited(limits),
        "ws": "none",
        "h11_max_incomplete_event_size": limits.head,
        "timeout_keep_alive": limits.keep_s,
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "log_level": "warning",
    }
