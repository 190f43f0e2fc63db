"""The application: routes, what becomes of errors, and the layer that guards all of it.

What lives here: putting together. What does not: sockets and TLS (`server`).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from flows.errors import WarehouseError
from ml.serving.documents import document
from ml.serving.guard import LOOPBACK_NAMES, Guard
from ml.serving.limits import LockOut, RateLimit
from ml.serving.operating_routes import operating_router
from ml.serving.problems import Problem, invalid
from ml.serving.published_routes import published_router
from ml.serving.scoring_routes import scoring_router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ml.serving.service import Service


def create_app(service: Service) -> Guard:
    """Return the guarded application; it opens what it serves when it starts and closes it when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.reporter.begin()
        await service.watcher.look()
        tasks = [asyncio.create_task(each.run()) for each in (service.watcher, service.reporter)]
        try:
            yield
        finally:
            for each in tasks:
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each
            service.reporter.report.end()
            service.holder.change(snapshot=None, models={})

    app = FastAPI(
        title="gridweave scoring API",
        version=version("gridweave"),
        lifespan=lifespan,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (scoring_router(service), published_router(service), operating_router(service)):
        app.include_router(router)
    app.openapi = lambda: document(app)  # type: ignore[method-assign] # the way FastAPI documents
    _answer_errors(app)
    settings = service.settings
    return Guard(
        app=app,
        keys=service.keys,
        rate=RateLimit(per_second=settings.api_requests_per_second),
        lock_out=LockOut(seconds=settings.api_lockout_seconds),
        room=service.room,
        hosts=LOOPBACK_NAMES | {settings.api_host.lower(), *map(str.lower, settings.api_allowed_hosts)},
        request_seconds=settings.api_request_seconds,
        metrics=service.metrics,
        events=service.events,
    )


def _answer_errors(app: FastAPI) -> None:
    """Turn whatever is raised into problem details that echo nothing."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        return Problem(status, f"{status.phrase}; see /openapi.json.", headers=error.headers).response()

    @app.exception_handler(RequestValidationError)
    async def _parameters(_: Request, error: RequestValidationError) -> Response:
        faults = [(".".join(map(str, each["loc"][:2])), str(each["type"])) for each in error.errors()]
        return invalid("Some parameters have a wrong form.", faults).response()

    @app.exception_handler(WarehouseError)
    async def _warehouse(_: Request, error: WarehouseError) -> Response:
        del error  # it may quote SQL
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The published data did not answer in time.").response()

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, error: Exception) -> Response:
        del error  # the server logs it
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "This was not foreseen; it has been logged.").response()
