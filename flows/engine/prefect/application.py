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
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")


def create() -> FastAPI:
    """Return the application that `prefect server start` runs, behind a look at who asks."""
    from prefect.server.api.server import create_app
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    application = create_app()
    application.add_middleware(OwnPagesOnly)
    application.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES, www_redirect=False)
    return application


class OwnPagesOnly:
    """Refuses what a page of another origin asks for; browsers name the origin with whatever may change something.

    Args:
        application: Asked when nothing speaks against it.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the application, or refuse."""
        origins = [value for name, value in scope.get("headers", ()) if name == b"origin"]
        if all(is_own(origin.decode("latin-1"), scope["server"][1]) for origin in origins):
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "a page of another origin"})
        else:
            from starlette.responses import PlainTextResponse

            await PlainTextResponse("a page of another origin", status_code=403)(scope, receive, send)


def is_own(origin: str, port: int) -> bool:
    """Tell whether an origin is this server, by one of its names.

    >>> is_own("http://localhost:4200", 4200), is_own("http://localhost:8080", 4200), is_own("null", 4200)
    (True, False, False)
    """
    parts = urlsplit(origin)
    try:
        return parts.hostname in NAMES and parts.port == port
    except ValueError:  # no port a port can be
        return False
