"""Shapes of messages: one JSON Schema per kind. The only importer of jsonschema.

What lives here: checking a body against the schema of its kind. What does not: the schemas (schemas/), and what becomes
of a message that does not fit (making.py, deciding.py).
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

FAULT_CHARACTERS = 300


def schema_of(message_type: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of message."""
    text = resources.files("flows.delivery").joinpath("schemas", f"{message_type}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def fault_of(message_type: str, body: object) -> str:
    """Return the first way in which a body does not fit its schema, with its place; empty when it fits."""
    error = next(_validator(message_type).iter_errors(body), None)
    if error is None:
        return ""
    place = ".".join(str(part) for part in error.absolute_path) or "(whole body)"
    return f"does not fit its schema at {place}: {error.message}"[:FAULT_CHARACTERS]


@cache
def _validator(message_type: str) -> Draft202012Validator:
    """Compile a schema, once."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema_of(message_type))
