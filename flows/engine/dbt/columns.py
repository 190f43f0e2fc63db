"""Column lineage of the dbt project, and the check that its graph is true.

What lives here: following every model's compiled SQL in the order of the graph, a cache of the outcome, and refusing a
model that reads a relation it does not declare. What does not: following one query (flows.lineage.sql) and
compiling (project.py).

Decision: the columns of a model are those found by following its own SQL, so nothing here asks the warehouse: planning
stays free of side effects and works before the first run. Outcomes are cached per model by its SQL and the columns it
can read, so a change of one model follows that model again and no other.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from functools import cache
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from flows.assets.columns import ColumnEdge, ColumnMap, opaque_map
from flows.assets.versions import CHECKOUT, digest_of
from flows.errors import AssetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

_FOLLOWER = (
    "lineage/sql/clauses.py",
    "lineage/sql/following.py",
    "lineage/sql/parsing.py",
    "assets/columns.py",
    "engine/dbt/columns.py",
)


class UndeclaredRelationError(AssetError):
    """A model reads a relation that is not among its `ref`s and `source`s.

    Args:
        asset_key: The model.
        source_path: Its file.
        relations: What it reads without saying so.
    """

    def __init__(self, *, asset_key: str, source_path: str, relations: tuple[str, ...]) -> None:
        self.asset_key = asset_key
        self.source_path = source_path
        self.relations = relations
        super().__init__(
            f"Asset {asset_key} ({source_path}) reads {', '.join(relations)} without declaring it; nothing was run,"
            " because the asset graph would not be true.",
            hint="write {{ ref(…) }} or {{ source(…) }} instead of the name of the table",
        )


class DbtColumns:
    """The column maps of one project.

    Args:
        manifest: dbt's manifest with compiled SQL.
        key_of: Key of a manifest node.
        cache_path: File that keeps what was found, made when missing.
    """

    def __init__(
        self, manifest: Mapping[str, Any], key_of: Callable[[Mapping[str, Any]], str], cache_path: Path | None
    ) -> None:
        self._nodes = {**manifest["sources"], **manifest["nodes"]}
        self._key_of = key_of
        self._cache_path = cache_path
        self._cached = _read_cache(cache_path)
        self._columns: dict[str, dict[str, str]] = {}
        self._used: dict[str, Any] = {}

    def maps(self) -> dict[str, ColumnMap]:
        """Follow every model.

        Raises:
            UndeclaredRelationError: A model reads what it does not declare.
        """
        found: dict[str, ColumnMap] = {}
        for unique_id in self._order():
            node = self._nodes[unique_id]
            key = self._key_of(node)
            declared = {name: str(column.get("data_type") or "") for name, column in node["columns"].items()}
            self._columns[key] = declared
            if node["resource_type"] != "model" or not node.get("compiled_code"):
                continue
            found[key] = column_map = self._map_of(key, node)
            if column_map.columns:
                self._columns[key] = {name: declared.get(name, "") for name in column_map.columns}
        if self._cache_path is not None and self._used.keys() != self._cached.keys():
            _write_cache(self._cache_path, self._used)
        return found

    def _order(self) -> tuple[str, ...]:
        kinds = {"source", "model", "seed", "snapshot"}
        wanted = {unique_id: node for unique_id, node in self._nodes.items() if node["resource_type"] in kinds}
        sorter = TopologicalSorter({unique_id: _parents(node) for unique_id, node in wanted.items()})
        return tuple(unique_id for unique_id in sorter.static_order() if unique_id in wanted)

    def _map_of(self, key: str, node: Mapping[str, Any]) -> ColumnMap:
        readable = sorted(self._key_of(self._nodes[each]) for each in _parents(node) if each in self._nodes)
        known = {each: self._columns.get(each, {}) for each in readable}
        place = digest_of(_follower_version(), key, node["compiled_code"], json.dumps(known))
        if place in self._cached:
            self._used[place] = self._cached[place]
            return _from_json(self._cached[place])
        column_map = _followed(key, node, known)
        self._used[place] = asdict(column_map)
        return column_map


def _parents(node: Mapping[str, Any]) -> list[str]:
    return list((node.get("depends_on") or {}).get("nodes", ()))


def _followed(key: str, node: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> ColumnMap:
    from flows.lineage.sql.following import follow
    from flows.lineage.sql.parsing import NotFollowedError, relations_read

    path = f"transform/{node['original_file_path']}"
    try:
        undeclared = tuple(sorted(relations_read(node["compiled_code"]) - known.keys()))
        if undeclared:
            raise UndeclaredRelationError(asset_key=key, source_path=path, relations=undeclared)
        return follow(node["compiled_code"], known)
    except NotFollowedError as error:
        logger.info("the columns of %s (%s) cannot be followed: %s", key, path, error.reason)
        return opaque_map(known, reason=error.reason)


@cache
def _follower_version() -> str:
    """Version of the code that follows, so that a mended follower follows again."""
    from importlib.metadata import version

    folder = CHECKOUT / "flows"
    return digest_of(version("sqlglot"), *((folder / name).read_text(encoding="utf-8") for name in _FOLLOWER))


def _read_cache(path: Path | None) -> dict[str, Any]:
    """Read what was found before; a file that is missing or broken is no reason to stop."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return found


def _write_cache(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)


def _from_json(content: Mapping[str, Any]) -> ColumnMap:
    return ColumnMap(
        method=content["method"],
        edges=tuple(ColumnEdge(**each) for each in content["edges"]),
        fingerprints=tuple((name, fingerprint) for name, fingerprint in content["fingerprints"]),
        reason=content["reason"],
    )
