"""Routes for whoever operates the service; they need no key and tell nothing of the utility.

What lives here: health, readiness, metrics. What does not: the document, which `app` serves.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from ml.serving.answers import Health, Readiness
from ml.serving.documents import problems

if TYPE_CHECKING:
    from ml.serving.service import Service


def operating_router(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["operation"])

    @router.get("/health", summary="The process lives", response_model=Health, responses=problems())
    async def health() -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    @router.get(
        "/ready",
        summary="What is served, and whether anything is in trouble",
        response_model=Readiness,
        responses={**problems(), 503: {"model": Readiness, "description": "Neither data nor a model is there yet."}},
    )
    async def ready() -> Response:
        state = service.holder.current
        is_ready = state.snapshot is not None or bool(state.models)
        features = {} if state.snapshot is None else state.snapshot.features
        told = {
            "ready": is_ready,
            "degraded": state.is_degraded,
            "troubles": dict(state.troubles),
            "models": {name: model.champion.model_version for name, model in state.models.items()},
            "data_versions": {name: live.data_version for name, live in features.items()},
        }
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(orjson.dumps(told), status_code=status, media_type="application/json")

    @router.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={**problems(), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
