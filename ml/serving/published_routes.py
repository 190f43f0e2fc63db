"""Routes that answer from the published snapshot.

What lives here: one GET each, its SQL above it. What does not: scoring. No parameter becomes SQL text or a path.
"""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime

from flows.lineage.queries import QUERIES
from ml.serving.answers import (
    ForecastHour,
    Lineage,
    LineageEntry,
    LoadForecast,
    PublishedFailureScore,
    StormList,
    StormPlace,
)
from ml.serving.documents import problems
from ml.serving.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from ml.serving.served import Served
    from ml.serving.service import Service

NAME_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]+$"
EntityPath = Annotated[str, Path(min_length=1, max_length=128, pattern=NAME_PATTERN, examples=["T00001"])]
SeriesPath = Annotated[str, Path(min_length=1, max_length=128, pattern=NAME_PATTERN, examples=["F001"])]
NetworkQuery = Annotated[
    str | None,
    Query(min_length=1, max_length=128, pattern=NAME_PATTERN, description="Network, where the name is in several."),
]
MOST_ENTRIES = 10_000
FAILURE = """
select * from ml.transformer_failure_scores
where asset_id = $entity and score_kind = 'live' and coalesce(network_id = $network, true)
qualify valid_at = max(valid_at) over (partition by network_id) order by network_id
"""
FORECAST = """
with issues as (
    select * from ml.load_forecast
    where series_id = $entity and score_kind = 'live' and coalesce(network_id = $network, true)
    qualify issued_at = max(issued_at) over (partition by network_id)
)
select *, count(distinct network_id) over () as network_count from issues order by network_id, valid_at
"""
STORM = """
from reports.rpt_storm_priority
where coalesce(network_id = $network, true) and coalesce(outage_date = $day, true)
order by network_id, outage_date, priority_rank limit $most
"""
MATERIALIZATION = """
select asset_key, data_version, metadata->>'model_version' as model_version from lineage.materialization
where materialization_id = $materialization_id::uuid
"""
PROVENANCE = f"from ({QUERIES['score_provenance'].sql}) limit {MOST_ENTRIES + 1}"


def published_router(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["published"])

    @router.get(
        "/v1/transformer-failure/{asset_id}",
        summary="The published failure score of one transformer",
        response_model=PublishedFailureScore,
        responses=problems(401, 403, 404, 422, 429),
        openapi_extra=_needs("score"),
    )
    async def transformer_failure(asset_id: EntityPath, network_id: NetworkQuery = None) -> Response:
        with service.room.one(), service.holder.lease() as state:
            rows = await _ask(state, FAILURE, {"entity": asset_id, "network": network_id})
            row = _single(rows, "live score")
            wanted = PublishedFailureScore.model_fields
            told = {name: row.get(name) for name in wanted if name in row or name == "missing_feature_share"}
            return _answer(told | await _provenance(state, row))

    @router.get(
        "/v1/load-forecast/{series_id}",
        summary="The last published load forecast of one series",
        response_model=LoadForecast,
        responses=problems(401, 403, 404, 422, 429),
        openapi_extra=_needs("forecast"),
    )
    async def load_forecast(
        series_id: SeriesPath,
        network_id: NetworkQuery = None,
        from_at: Annotated[
            AwareDatetime | None, Query(alias="from", description="First hour, with time zone; none: all.")
        ] = None,
        to_at: Annotated[AwareDatetime | None, Query(alias="to", description="End, not included.")] = None,
    ) -> Response:
        with service.room.one(), service.holder.lease() as state:
            rows = await _ask(state, FORECAST, {"entity": series_id, "network": network_id})
            if not rows:
                raise Problem(HTTPStatus.NOT_FOUND, "Nothing is published under this name: no live forecast.")
            if rows[0]["network_count"] > 1:
                raise Problem(HTTPStatus.NOT_FOUND, "This name is in several networks; give network_id.")
            hours = [
                _chosen(row, ForecastHour)
                for row in rows
                if (from_at is None or row["valid_at"] >= from_at) and (to_at is None or row["valid_at"] < to_at)
            ]
            is_baseline = all(row.get("forecast_source") == "seasonal_naive" for row in rows)
            told = {name: rows[0][name] for name in ("series_id", "network_id", "issued_at")}
            provenance = await _provenance(state, rows[0], source="baseline" if is_baseline else "model")
            return _answer(told | provenance | {"hours": hours})

    @router.get(
        "/v1/storm-priority",
        summary="The published storm list",
        response_model=StormList,
        responses=problems(401, 403, 404, 422, 429),
        openapi_extra=_needs("score"),
    )
    async def storm_priority(
        network_id: NetworkQuery = None,
        day: Annotated[date | None, Query(alias="date", description="Local day; none: all that are listed.")] = None,
        most: Annotated[int, Query(alias="limit", ge=1, le=MOST_ENTRIES, description="Most places.")] = 1_000,
    ) -> Response:
        with service.room.one(), service.holder.lease() as state:
            rows = await _ask(state, STORM, {"network": network_id, "day": day, "most": most})
            if not rows:
                raise Problem(HTTPStatus.NOT_FOUND, "No storm list is published for this.")
            places = [_chosen(row, StormPlace) for row in rows]
            return _answer(await _provenance(state, rows[0]) | {"places": places})

    @router.get(
        "/v1/lineage/{materialization_id}",
        summary="What stands behind a materialization",
        response_model=Lineage,
        responses=problems(401, 403, 404, 422, 429),
        openapi_extra=_needs("lineage"),
    )
    async def lineage(materialization_id: UUID) -> Response:
        with service.room.one(), service.holder.lease() as state:
            asked = {"materialization_id": str(materialization_id)}
            found = await _ask(state, MATERIALIZATION, asked)
            if not found:
                raise Problem(HTTPStatus.NOT_FOUND, "The ledger knows no such materialization.")
            rows = await _ask(state, PROVENANCE, asked)
            told = {
                "model_version": found[0]["model_version"],
                "data_version": found[0]["data_version"],
                "materialization_id": str(materialization_id),
                "source": "model",
                "degraded": state.is_degraded,
                "asset_key": found[0]["asset_key"],
                "is_truncated": len(rows) > MOST_ENTRIES,
            }
            return _answer(told | {"entries": [_chosen(row, LineageEntry) for row in rows[:MOST_ENTRIES]]})

    return router


def _needs(scope: str) -> dict[str, Any]:
    return {"security": [{"bearer": [scope]}, {"header": [scope]}]}


async def _ask(state: Served, statement: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
    if state.snapshot is None:
        raise Problem(HTTPStatus.NOT_FOUND, "Nothing has been published yet.")
    return await state.snapshot.ask(statement, parameters)


async def _provenance(state: Served, row: Mapping[str, Any], *, source: str = "model") -> dict[str, Any]:
    """Return what every answer says of where it is from, for a row that names its materialization."""
    found = await _ask(state, MATERIALIZATION, {"materialization_id": row["materialization_id"]})
    return {
        "model_version": row["model_version"],
        "data_version": found[0]["data_version"] if found else None,
        "materialization_id": row["materialization_id"],
        "source": source,
        "degraded": state.is_degraded,
    }


def _single(rows: list[dict[str, Any]], what: str) -> dict[str, Any]:
    if not rows:
        raise Problem(HTTPStatus.NOT_FOUND, f"Nothing is published under this name: no {what}.")
    if len(rows) > 1:
        raise Problem(HTTPStatus.NOT_FOUND, "This name is in several networks; give network_id.")
    return rows[0]


def _chosen(row: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the columns an answer promises."""
    return {name: row.get(name) for name in model.model_fields}


def _answer(content: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
