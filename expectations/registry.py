"""The catalogue of suites: which assets have one, at which gate, in which version.

What lives here: everything about suites that can be known without importing Great Expectations
(4-10 s). What does
not: building and running them (expectations.gate).

Decision: the version of a suite is a hash over syntax trees, not over text, so comments and
    formatting do not make a new version; of the shared bounds only those the suite names count, so
    moving one bound does not re-run every gate.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import logging
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from flows.errors import UnknownAssetError

Gate = Literal["raw", "features", "scores"]

_PACKAGE_FOLDER = Path(__file__).parent
_SUITES_FOLDER = _PACKAGE_FOLDER / "suites"
_GATE_OF_SCHEMA: dict[str, Gate] = {"raw": "raw", "features": "features", "ml": "scores"}

# What every suite is built with: a change in how a check is said is a change of the check.
_SHARED_MODULES = ("checks.py", "custom/share_of_rows.py")
_SHARED_MODULES_OF_GATE: dict[Gate, str] = {
    "raw": "landing.py",
    "features": "grain.py",
    "scores": "grain.py",
}
_BOUNDS_MODULE = "bounds.py"


@cache
def suite_keys() -> tuple[str, ...]:
    """Return the asset keys that have a suite, sorted."""
    return tuple(
        sorted(
            f"{schema}/{path.stem}" for schema in _GATE_OF_SCHEMA for path in (_SUITES_FOLDER / schema).glob("[!_]*.py")
        )
    )


def gate_of(asset_key: str) -> Gate:
    """Return the gate an asset's suite guards.

    Raises:
        UnknownAssetError: The asset has no suite.
    """
    _require_suite(asset_key)
    return _GATE_OF_SCHEMA[asset_key.split("/", maxsplit=1)[0]]


@cache
def suite_version(asset_key: str) -> str:
    """Return the version of an asset's suite: sha256, hexadecimal.

    Covers the suite's module, the bounds it names and the words it is written in.

    Raises:
        UnknownAssetError: The asset has no suite.
    """
    _require_suite(asset_key)
    suite_path = _SUITES_FOLDER / f"{asset_key}.py"
    return version_of_sources(
        suite_source=suite_path.read_text(encoding="utf-8"),
        bounds_source=(_PACKAGE_FOLDER / _BOUNDS_MODULE).read_text(encoding="utf-8"),
        shared_sources=tuple(
            (_PACKAGE_FOLDER / name).read_text(encoding="utf-8")
            for name in (*_SHARED_MODULES, _SHARED_MODULES_OF_GATE[gate_of(asset_key)])
        ),
    )


def version_of_sources(*, suite_source: str, bounds_source: str, shared_sources: tuple[str, ...]) -> str:
    """Hash Python sources so that comments, formatting and docstrings do not count.

    Args:
        suite_source: Source of the suite's module.
        bounds_source: Source of the shared bounds; only assignments the other sources name count.
        shared_sources: Sources that count in full.
    """
    sources = [_parsed(source) for source in (suite_source, *shared_sources)]
    bounds = _assignments(ast.parse(bounds_source))
    named = _bounds_named({name for source in sources for name in source.names}, bounds)
    digest = hashlib.sha256()
    for part in [
        *(source.normalised for source in sources),
        *(ast.dump(bounds[name]) for name in sorted(named)),
    ]:
        encoded = part.encode("utf-8")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def import_great_expectations() -> None:
    """Import Great Expectations, 4-10 s the first time.

    Here and nowhere else first: on import it uses modules that Python deprecates, which is nothing
    a gridweave user can act on, and an error where warnings are errors. At level INFO it logs a
    line or more for every query.
    """
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        importlib.import_module("great_expectations.expectations")


def build_suite(asset_key: str) -> Any:  # noqa: ANN401 - GX is untyped
    """Build an asset's GX suite. Imports Great Expectations.

    Raises:
        UnknownAssetError: The asset has no suite.
    """
    _require_suite(asset_key)
    import_great_expectations()
    return importlib.import_module(f"expectations.suites.{asset_key.replace('/', '.')}").build()


def expected_checks(asset_key: str) -> tuple[str, ...]:
    """Return the names of the checks an asset must have passed. Imports Great Expectations.

    Raises:
        UnknownAssetError: The asset has no suite.
    """
    return tuple(expectation.meta["check_name"] for expectation in build_suite(asset_key).expectations)


def _require_suite(asset_key: str) -> None:
    """Refuse an asset key without a suite; also keeps paths out of the import above."""
    if asset_key not in suite_keys():
        raise UnknownAssetError(name=asset_key, suggestions=suite_keys()[:3])


def _assignments(tree: ast.Module) -> dict[str, ast.stmt]:
    """Module-level assignments by the name they assign."""
    found: dict[str, ast.stmt] = {}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        found.update({target.id: statement for target in targets if isinstance(target, ast.Name)})
    return found


def _bounds_named(names: set[str], bounds: dict[str, ast.stmt]) -> set[str]:
    """Bounds among the names, and bounds that these are made of."""
    pending = names & bounds.keys()
    named: set[str] = set()
    while pending:
        name = pending.pop()
        named.add(name)
        pending |= (_names_in(bounds[name]) & bounds.keys()) - named
    return named


@dataclass(frozen=True)
class _Source:
    """What of a Python source counts: its syntax tree without docstrings, and the names in it."""

    normalised: str
    names: frozenset[str]


@cache
def _parsed(source: str) -> _Source:
    """Parse a source; cached because all suites share the longest ones."""
    tree = ast.parse(source)
    names = frozenset(_names_in(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            continue
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return _Source(normalised=ast.dump(tree), names=names)


def _names_in(tree: ast.AST) -> set[str]:
    """All names and attribute names in a syntax tree."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
