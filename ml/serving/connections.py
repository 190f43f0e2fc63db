"""Connections that never become a request: cut after a while, or when their head grows without end.

What lives here: time and size of a request's head, and time of a body that goes on after its answer. What does not:
bodies that are read (`body`), requests (`guard`). uvicorn itself limits none of them while it parses with httptools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

LARGEST_HEAD_BYTES = 32_768


class CuttingProtocol(HttpToolsProtocol):
    """An HTTP connection whose heads have an end."""

    head_seconds: ClassVar[float] = 15.0

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **named)
        self._cut: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Expect a head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._expect_no_head()
        self._expect_no_rest()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Expect the head of a further request on a kept connection."""
        super().on_message_begin()
        if self._cut is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Hand the request over; from here on its body has a time of its own."""
        self._expect_no_head()
        self._is_in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect no more of a body."""
        self._is_in_body = False
        self._expect_no_rest()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Expect the rest of a body that was answered before it was read, as a request without a key is."""
        super().on_response_complete()
        if self._is_in_body and self._rest is None:
            self._rest = self.loop.call_later(self.head_seconds, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Parse, unless a head has no end."""
        super().data_received(data)
        if self._cut is not None:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD_BYTES:
                self.transport.abort()

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._cut = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _expect_no_head(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None

    def _expect_no_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None


def cutting_after(seconds: float) -> type[HttpToolsProtocol]:
    """Return a protocol that gives every request's head that much time."""
    return type("TimedProtocol", (CuttingProtocol,), {"head_seconds": seconds})
