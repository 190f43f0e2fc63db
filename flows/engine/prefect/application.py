"""Prefect's server as a web application that answers to this machine's names only.

    uvicorn --factory flows.engine.prefect.application:create

What lives here: who is answered. What does not: starting and stopping it (server.py).

Prefect answers whatever name it is called by, and by default pages of every origin. It asks for no password either, so
a page that a browser on this machine shows could start runs: by a request across origins, or under a name of its own
that it lets point here (DNS rebinding). Origins are a setting of Prefect's (server.py); names are looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

NAMES = ("127.0.0.1", "localhost")


def create() -> FastAPI:
    """Return the application that `prefect server start` runs, behind a look at the name it is called by."""
    from prefect.server.api.server import create_app
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    application = create_app()
    application.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES, www_redirect=False)
    return application
