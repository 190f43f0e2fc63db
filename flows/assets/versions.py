"""Versions: of code, of parameters, and of what an asset is made from.

What lives here: hashes over normalised code and over length-prefixed inputs. What does not: content hashes of tables
(flows.warehouse.content) and of files (flows.sources).

Decision: formatting and comments never change a version. Python is compared as its syntax tree without docstrings
(flows.assets.function_versions), SQL by the closure of each column (flows.assets.columns) and, where that cannot be
followed, as its text with Jinja without comments and with white space folded.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parents[2]

_LITERAL = re.compile(r"('(?:[^']|'')*')")
_LITERAL_OR_COMMENT = re.compile(r"('(?:[^']|'')*')|--[^\n]*|/\*.*?\*/|\{#.*?#\}", re.DOTALL)
_WHITE_SPACE = re.compile(r"\s+")


def digest_of(*parts: str) -> str:
    """Return the sha256 over length-prefixed parts, so that no two lists of parts collide."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hashed.update(f"{len(encoded)}:".encode())
        hashed.update(encoded)
    return hashed.hexdigest()


def version_of_partitions(versions: Mapping[str, str]) -> str:
    """Return one data version for a table from those of its partitions.

    Args:
        versions: Data version by partition key.
    """
    return digest_of(*(part for item in sorted(versions.items()) for part in item))


def parameters_hash(parameters: Mapping[str, Any]) -> str:
    """Return the sha256 over parameters as canonical JSON."""
    return digest_of(json.dumps(parameters, sort_keys=True, default=str, separators=(",", ":")))


def logical_version(
    *,
    code_version: str,
    input_versions: Mapping[str, str],
    parameters: Mapping[str, Any],
    environment_id: str,
) -> str:
    """Identify a materialization by everything that goes into it.

    Args:
        code_version: Version of the step.
        input_versions: Data version of each input by asset key.
        parameters: Values that count as inputs.
        environment_id: Python and locked packages.

    Returns:
        sha256, hexadecimal.
    """
    inputs = [part for key in sorted(input_versions) for part in (key, input_versions[key])]
    return digest_of(code_version, parameters_hash(parameters), environment_id, *inputs)


def normalised_sql(text: str) -> str:
    """Fold white space and drop comments of SQL with Jinja; string literals stay as they are.

    >>> normalised_sql("select  1 -- one")
    'select 1'
    """
    without_comments = _LITERAL_OR_COMMENT.sub(lambda match: match.group(1) or " ", text)
    parts = _LITERAL.split(without_comments)  # literals stand at the odd places
    folded = (part if place % 2 else _WHITE_SPACE.sub(" ", part) for place, part in enumerate(parts))
    return "".join(folded).strip()
