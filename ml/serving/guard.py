"""What every request passes before a route sees it: host, origin, key, scope, rate, room, time.

What lives here: an ASGI layer around the whole application, so that a route cannot be forgotten. What does not: bodies
(`body`), connections that never become a request (`connections`).

Decision: a locked-out address is refused whatever key it shows, else a lock-out would not slow down guessing. Only
unknown keys count: a missing one guesses nothing, an expired or narrow one is known.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.errors import ConfigurationError
from ml.serving.problems import Problem, come_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ml.serving.events import EventLog
    from ml.serving.keys import ApiKey, KeyStore
    from ml.serving.limits import LockOut, RateLimit
    from ml.serving.metrics import Metrics

GUARDED = "/v1/"
ROUTE_SCOPES = {"load-forecast": "forecast", "lineage": "lineage"}
"""Scope by the first part of a path below /v1; everything else is scores."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
ROOM_SECONDS = 1.0
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="gridweave"'}
HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'"),
]


@dataclass
class Room:
    """How many requests are worked on at once."""

    most: int
    taken: int = 0

    def refuse_when_full(self) -> None:
        """Refuse at once what there is no room for.

        Raises:
            Problem: There is none.
        """
        if self.taken >= self.most:
            raise come_back("As many requests as fit are being worked on.", ROOM_SECONDS)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take room for one request.

        Raises:
            Problem: There is none.
        """
        self.refuse_when_full()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass
class Guard:
    """The layer.

    Args:
        app: What it guards.
        keys: Who may ask.
        rate: How often.
        lock_out: Who has tried too many wrong keys.
        room: How much is worked on at once.
        hosts: Host names that may be asked for, without port.
        request_seconds: Time a request has.
        metrics: Where requests are counted.
        events: Where lock-outs are told.
    """

    app: ASGIApp
    keys: KeyStore
    rate: RateLimit
    lock_out: LockOut
    room: Room
    hosts: frozenset[str]
    request_seconds: float
    metrics: Metrics
    events: EventLog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        try:
            self._admit(scope)
            async with asyncio.timeout(self.request_seconds):
                await self.app(scope, receive, counted)
        except Problem as problem:
            self.metrics.refused.labels(problem.status.name.lower()).inc()
            await problem.response()(scope, receive, counted)
        except TimeoutError:
            if status:  # half an answer was sent to a client that does not take it: cut it
                raise
            late = Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"No answer within {self.request_seconds:g} s.")
            await late.response()(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)

    def _admit(self, scope: Scope) -> None:
        """Refuse what may not pass.

        Raises:
            Problem: 401, 403, 421 or 429.
        """
        headers = dict(scope["headers"])  # of a name given twice the last counts
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if _without_port(host) not in self.hosts or sum(name == b"host" for name, _ in scope["headers"]) != 1:
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "This host name is not served here.")
        origin = headers.get(b"origin")
        if origin is not None and _host_of(origin.decode("latin-1").lower()) != host:
            raise Problem(HTTPStatus.FORBIDDEN, "Requests from pages of other origins are not answered.")
        if not (scope["path"] + "/").startswith(GUARDED):
            return
        self._admit_key(scope, headers)

    def _admit_key(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        address = scope["client"][0] if scope.get("client") else "unknown"
        locked = self.lock_out.remaining_seconds(address)
        if locked > 0:
            raise come_back("This address has shown too many unknown keys.", locked)
        secret = _secret(headers)
        if not secret:
            raise Problem(HTTPStatus.UNAUTHORIZED, "Send a key: Authorization: Bearer KEY.", headers=CHALLENGE)
        key = self._find(secret)
        if key is None:
            if self.lock_out.failed(address):
                self.events.write("address locked out", address=address, seconds=self.lock_out.seconds)
            raise Problem(HTTPStatus.UNAUTHORIZED, "The key is not known.", headers=CHALLENGE)
        if key.is_over(self.keys.now()):
            raise Problem(HTTPStatus.UNAUTHORIZED, "The key has expired or was revoked.", headers=CHALLENGE)
        needed = ROUTE_SCOPES.get(scope["path"].removeprefix(GUARDED).partition("/")[0], "score")
        if needed not in key.scopes:
            raise Problem(HTTPStatus.FORBIDDEN, f"The key lacks the scope {needed}.")
        self.room.refuse_when_full()  # before its body is read; a slow body must not take room
        wait = self.rate.wait_seconds(key.name)
        if wait > 0:
            raise come_back("The key has sent more requests than it may.", wait)

    def _find(self, secret: str) -> ApiKey | None:
        try:
            return self.keys.find(secret)
        except ConfigurationError as error:  # nobody is let in on a key file that cannot be read
            self.events.write("keys cannot be read", why=error.message)
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Keys cannot be checked at present.") from error


def _secret(headers: dict[bytes, bytes]) -> str:
    """Return the key a request shows, in either header; empty without."""
    kind, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()


def _host_of(origin: str) -> str:
    """Return host and port of an origin; empty of what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
