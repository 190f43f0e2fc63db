"""Routes that score rows.

What lives here: one POST per use case. What does not: parsing (`rows`), the model or its baseline (`scoring`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response

from ml.serving.answers import FailureScores, OutageScores
from ml.serving.body import read_json
from ml.serving.documents import problems
from ml.serving.fields import request_schema
from ml.serving.problems import Problem
from ml.serving.rows import parse_rows
from ml.serving.scoring import score_rows
from ml.serving.use_cases import DRIVERS, USE_CASES

if TYPE_CHECKING:
    from ml.serving.answers import ScoreAnswer
    from ml.serving.rows import Rows
    from ml.serving.scoring import Scored
    from ml.serving.served import Served, ServedModel
    from ml.serving.service import Service
    from ml.serving.use_cases import ServedUseCase

ANSWERS: dict[str, type[ScoreAnswer]] = {"transformer_failure": FailureScores, "outage_risk": OutageScores}
SUMMARIES = {
    "transformer_failure": "Probability that transformers fail within 28 days",
    "outage_risk": "Unplanned outages of feeders on local days",
}


def scoring_router(service: Service) -> APIRouter:
    """Return the routes of all use cases that score rows."""
    router = APIRouter(tags=["scores"])
    for served in USE_CASES.values():
        _add_route(router, service, served)
    return router


def _add_route(router: APIRouter, service: Service, served: ServedUseCase) -> None:
    settings = service.settings
    schema = request_schema(served, at_most=settings.api_rows)

    @router.post(
        f"/v1/{served.name.replace('_', '-')}/score",
        name=f"score_{served.name}",
        summary=SUMMARIES[served.name],
        response_model=ANSWERS[served.name],
        responses=problems(400, 401, 403, 404, 408, 413, 415, 422, 429),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "security": [{"bearer": ["score"]}, {"header": ["score"]}],
        },
    )
    async def score(request: Request) -> Response:
        content = await read_json(
            request, at_most_bytes=settings.api_body_bytes, within_seconds=settings.api_slow_client_seconds
        )
        with service.room.one(), service.holder.lease() as state:
            model = state.models.get(served.name)
            if model is None:
                raise Problem(HTTPStatus.NOT_FOUND, "No model of this use case has been trained yet.")
            rows = parse_rows(
                content,
                served,
                networks=model.process.networks,
                live=None if state.snapshot is None else state.snapshot.features.get(served.name),
                at_most=settings.api_rows,
            )
            scored = await score_rows(
                model,
                rows,
                seconds=settings.api_score_seconds,
                metrics=service.metrics,
                events=service.events,
            )
            answer = _provenance(state, model, rows, scored) | _told(served, rows, scored)
        return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def _provenance(state: Served, model: ServedModel, rows: Rows, scored: Scored) -> dict[str, Any]:
    features = rows.features
    return {
        "model_version": model.champion.model_version,
        "data_version": f"model:{model.champion.sha256}" if features is None else features.data_version,
        "materialization_id": model.materialization_id or None,
        "source": scored.source,
        "degraded": state.is_degraded,
        "features_materialization_id": None if features is None else features.materialization_id,
    }


def _told(served: ServedUseCase, rows: Rows, scored: Scored) -> dict[str, Any]:
    """Return the scores as objects, or as lists to a client that sent lists; NaN is null in both."""
    columns: dict[str, Any] = {served.entity: rows.entities, "network_id": rows.network_ids}
    for name, values in zip(served.columns, scored.columns, strict=True):
        columns[name] = _names(served, values) if name in DRIVERS else np.ascontiguousarray(values)
    if rows.is_columnar:
        return {"columns": columns}
    told = [each.tolist() if isinstance(each, np.ndarray) else each for each in columns.values()]
    scores = [dict(zip(columns, row, strict=True)) for row in zip(*told, strict=True)]
    if rows.labels:
        scores = [row | label for row, label in zip(scores, rows.labels, strict=True)]
    return {"scores": scores}


def _names(served: ServedUseCase, places: Any) -> list[str | None]:  # noqa: ANN401 - floats that are places
    names = (*served.features, None)  # -1 is the last one
    return [names[place] for place in places.astype(int).tolist()]
