"""The API's document: how every route may fail, and how a key is shown.

What lives here: OpenAPI beyond what FastAPI derives. What does not: fields (`fields`, `answers`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from ml.serving.answers import ProblemDetails
from ml.serving.keys import SCOPES
from ml.serving.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = f"""Scores, forecasts and lineage of a utility's published data, read-only.

Every answer below /v1 says which model, which data and which materialization it is from, whether the model or its
baseline answered, and whether the service is degraded. Times are UTC, ISO 8601. Keys are made by `gridweave keys add`
and have scopes: {", ".join(SCOPES)}."""
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how a route may fail, as FastAPI's `responses`."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": schema,
                    "example": {
                        "type": "about:blank",
                        "title": HTTPStatus(status).phrase,
                        "status": status,
                        "detail": "What is wrong, and what to do.",
                    },
                }
            },
        }
        for status in (*statuses, 421)
    }


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        parts = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**parts.pop("$defs"), "ProblemDetails": parts}
        for unused in ("HTTPValidationError", "ValidationError"):  # what FastAPI would answer; `app` answers otherwise
            schemas.pop(unused, None)
        components["securitySchemes"] = SECURITY
        app.openapi_schema = made
    return app.openapi_schema
