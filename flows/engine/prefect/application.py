"""Prefect's server as a web application that answers to this machine's names, and to no page but its own.

    uvicorn --factory flows.engine.prefect.application:create

What lives here: who is answered. What does not: starting and stopping it (server.py).

Prefect answers whatever name it is called by and whoever asks, and wants no password. So a page that a browser on this
machine shows could start runs: by a request across origins, which needs no answer to do harm, or under a name of its
own that it lets point here (DNS rebinding). Prefect's own protection (CSRF tokens) asks more of each client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")


def create() -> FastAPI:
    """Return the application that `prefect server start` runs, behind a look at who asks."""
    from prefect.server.api.server import create_app

    application = create_app()
    application.add_middleware(OwnPagesOnly)
    return application


class OwnPagesOnly:
    """Refuses who calls the server by a foreign name, and what a page of another origin asks for.

    Browsers name the origin with whatever may change something. What the server asks of itself, for an automation, does
    not come over its socket and has a name of Prefect's own.

    Args:
        application: Asked when nothing speaks against it.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the application, or refuse."""
        refusal = _refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            from starlette.responses import PlainTextResponse

            await PlainTextResponse(refusal[1], status_code=refusal[0])(scope, receive, send)


def _refusal(scope: Scope) -> tuple[int, str] | None:
    """Return status and words for who is refused."""
    address, port = scope["server"]
    if address not in NAMES:
        return None
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    called = _name_and_port(f"//{headers.get(b'host', '')}")
    if called[0] not in NAMES:
        return 400, "called by a foreign name"
    if b"origin" in headers and not is_own(headers[b"origin"], {port, called[1]}):
        return 403, "a page of another origin"
    return None


def is_own(origin: str, ports: Collection[int | None]) -> bool:
    """Tell whether an origin is this server, by one of its names and a port it is called by: a tunnel has its own.

    >>> [is_own(origin, {4200}) for origin in ("http://localhost:4200", "http://localhost:8080", "null")]
    [True, False, False]
    """
    name, port = _name_and_port(origin)
    return name in NAMES and port in ports


def _name_and_port(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # no address, or no port a port can be
        return None, None
    return parts.hostname, port
