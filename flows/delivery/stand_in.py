"""A stand-in for a system that takes messages over HTTP, for demonstrations: it acknowledges, and acts once per key.

What lives here: the receiver's half of what README.md asks for. What does not: anything gridweave needs in operation.
"""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

LARGEST_BODY_BYTES = 1_000_000


class StandInSystem:
    """Listens on loopback while its block is entered.

    Attributes:
        effects: What was acted on: the body of each message, by idempotency key, in the order of arrival.
        request_count: Requests, repeated ones too.
    """

    def __init__(self) -> None:
        self.effects: dict[str, dict[str, Any]] = {}
        self.request_count = 0
        self._lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status = stand_in._take(self)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet; whoever demonstrates shows what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/messages"

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self._server.serve_forever, name="stand-in system", daemon=True).start()
        return self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: BaseHTTPRequestHandler) -> HTTPStatus:
        """Act on a message, once per key."""
        key = request.headers.get("Idempotency-Key")
        length = int(request.headers.get("Content-Length") or 0)
        if not key or not 0 < length <= LARGEST_BODY_BYTES:
            return HTTPStatus.BAD_REQUEST
        try:
            body = json.loads(request.rfile.read(length))
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        with self._lock:
            self.request_count += 1
            self.effects.setdefault(key, body)
        return HTTPStatus.OK
