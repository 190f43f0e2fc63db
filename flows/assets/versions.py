"""Versions: of code, of parameters, and of what an asset is made from.

What lives here: hashes over normalised code and over length-prefixed inputs. What does not: content hashes of tables
(flows.warehouse.content) and of files (flows.sources).

Decision: formatting and comments never change a version. Python is compared as its syntax tree without docstrings, SQL
by the closure of each column (flows.assets.columns) and, where that cannot be followed, as its text with Jinja without
comments and with white space folded.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
import sys
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

FIRST_PARTY = ("flows.", "ml.", "expectations.")
CHECKOUT = Path(__file__).resolve().parents[2]

_LITERAL = re.compile(r"('(?:[^']|'')*')")
_LITERAL_OR_COMMENT = re.compile(r"('(?:[^']|'')*')|--[^\n]*|/\*.*?\*/|\{#.*?#\}", re.DOTALL)
_WHITE_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class FunctionVersion:
    """Version of a function: a digest over it and all first-party code it can call."""

    digest: str
    source_text: str
    source_path: str


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


def version_of_function(function: Callable[..., Any]) -> FunctionVersion:
    """Compute the version of a function over its own source and the first-party modules it reaches.

    Modules, not single functions, are followed: a constant or a class it uses counts as much as a function it calls,
    and a module of this project holds one concept.
    """
    source_text = textwrap.dedent(inspect.getsource(function))
    module = inspect.getmodule(function)
    path = Path(inspect.getsourcefile(function) or "")
    names = sorted(_reached_modules(module)) if module else []
    digest = digest_of(_normalised_python(source_text), *(_module_version(name) for name in names))
    relative = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path.name
    return FunctionVersion(digest=digest, source_text=source_text, source_path=str(relative))


def _reached_modules(module: ModuleType) -> set[str]:
    """Names of `ml` modules that the functions' module imports, directly or through others.

    Only `ml` holds computation; orchestration modules (flows.*) do not decide what a step computes.
    """
    reached: set[str] = set()
    waiting = [*_imports_of(module.__name__)]
    while waiting:
        name = waiting.pop()
        if name in reached or not name.startswith("ml.") or name == "ml.registry":
            continue
        reached.add(name)
        waiting.extend(_imports_of(name))
    return reached


@cache
def _module_source(name: str) -> str:
    """Source of a first-party module or package, empty when it is not a file of this checkout."""
    base = CHECKOUT.joinpath(*name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate.read_text(encoding="utf-8")
    return ""


@cache
def _module_version(name: str) -> str:
    return digest_of(name, _normalised_python(_module_source(name)))


@cache
def _imports_of(name: str) -> tuple[str, ...]:
    """First-party module names that a module imports anywhere, also inside functions."""
    source = _module_source(name)
    if not source:
        module = sys.modules.get(name)
        source = inspect.getsource(module) if module and getattr(module, "__file__", None) else ""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return tuple(sorted(each for each in found if each.startswith(FIRST_PARTY) and _module_source(each)))


def _normalised_python(source: str) -> str:
    """Dump the syntax tree without docstrings and positions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:]
    return ast.dump(tree, include_attributes=False)
