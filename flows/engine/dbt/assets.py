"""dbt's nodes as assets.

What lives here: reading the manifest. A model, seed or snapshot becomes an asset; a source of the `raw` schema becomes
a landing asset; a data test becomes a check of the asset it is attached to. What does not: calling dbt
(project.py).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.assets.definition import AssetDefinition, CheckDefinition, Kind
from flows.assets.versions import digest_of, normalised_sql
from flows.engine.dbt.automation import automation_of, freshness_of
from flows.engine.dbt.columns import DbtColumns
from flows.engine.dbt.days import days_of, days_version
from flows.engine.dbt.partitions import partitions_of
from flows.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flows.assets.columns import ColumnMap
    from flows.assets.days import Days

MATERIALIZED_TYPES = frozenset({"model", "seed", "snapshot"})
DEFAULT_OWNER = "analytics-engineering"

_VARIABLE = re.compile(r"""\bvar\(\s*['"](\w+)['"]""")
_KINDS: dict[str, Kind] = {"view": "view", "seed": "seed", "snapshot": "snapshot"}


def dbt_assets(
    manifest: Mapping[str, Any], project_dir: Path, *, columns_path: Path | None = None
) -> tuple[AssetDefinition, ...]:
    """Turn a manifest into asset definitions.

    Args:
        manifest: dbt's manifest as JSON, compiled where columns are to be followed.
        project_dir: The dbt project, for the values of its variables.
        columns_path: File that keeps the column lineage found before.

    Returns:
        Landing assets and dbt assets. Sources of other schemas belong to the steps that write them.

    Raises:
        UndeclaredRelationError: A model reads what it does not declare.
    """
    return _Reader(manifest, project_dir, DbtColumns(manifest, asset_key, columns_path).maps()).assets()


def asset_key(node: Mapping[str, Any]) -> str:
    """Key of a manifest node."""
    return f"{node['schema']}/{node.get('identifier') or node.get('alias') or node['name']}"


def declared_columns(manifest: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Columns and types of every declared source by key, those that Python steps write among them."""
    return {asset_key(source): _columns(source) for source in manifest["sources"].values()}


def tests_to_run(manifest: Mapping[str, Any], *, building: Iterable[str], existing: Iterable[str]) -> tuple[str, ...]:
    """Name the data tests that can and must run when some assets are built.

    Args:
        manifest: dbt's manifest.
        building: Keys that are built now.
        existing: Keys that exist already.

    Returns:
        Names of tests that read at least one asset being built and nothing that does not exist yet.
    """
    chosen = set(building)
    present = chosen | set(existing)
    by_id = {**manifest["nodes"], **manifest["sources"]}
    names = []
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        read = {asset_key(by_id[unique_id]) for unique_id in node["depends_on"]["nodes"]}
        if read & chosen and read <= present:
            names.append(node["name"])
    return tuple(sorted(names))


class _Reader:
    """Reads one manifest."""

    def __init__(self, manifest: Mapping[str, Any], project_dir: Path, column_maps: Mapping[str, ColumnMap]) -> None:
        self._column_maps = column_maps
        self._nodes = manifest["nodes"]
        self._sources = manifest["sources"]
        self._macros = manifest["macros"]
        project = parse_yaml((project_dir / "dbt_project.yml").read_text(encoding="utf-8"))
        self._project_name = project["name"]
        self._variables: dict[str, Any] = project.get("vars") or {}
        self._tests = self._tests_by_asset()

    def assets(self) -> tuple[AssetDefinition, ...]:
        landed = [self._landed(each) for each in self._sources.values() if each["schema"] == "raw"]
        built = [self._built(each) for each in self._nodes.values() if each["resource_type"] in MATERIALIZED_TYPES]
        return (*landed, *built)

    def _landed(self, source: Mapping[str, Any]) -> AssetDefinition:
        columns = _columns(source)
        place = str(source["original_file_path"])
        days = days_of(source["config"].get("meta") or {}, materialized="source", place=place)
        return AssetDefinition(
            key=asset_key(source),
            engine="landing",
            kind="raw",
            code_version=digest_of(json.dumps(columns), *days_version(days, columns)),
            source_text=json.dumps(columns),
            source_path=place,
            description=source["description"],
            owner="data-platform",
            group="raw",
            external_name=source["unique_id"],
            columns=columns,
            days=days,
        )

    def _built(self, node: Mapping[str, Any]) -> AssetDefinition:
        checks = self._checks(node["unique_id"])
        deps = {self._key_of(unique_id) for unique_id in node["depends_on"].get("nodes", ())}
        materialized = node["config"].get("materialized", "table")
        meta, place = node["config"].get("meta") or {}, str(node["original_file_path"])
        days = days_of(meta, materialized=materialized, place=place)
        return AssetDefinition(
            key=asset_key(node),
            engine="dbt",
            kind=_KINDS.get(materialized, "table"),
            deps=tuple(sorted(deps)),
            optional_deps=frozenset(deps),
            code_version=self._code_version(node, materialized, checks, days),
            source_text=node["raw_code"] or node["checksum"]["checksum"],
            source_path=f"transform/{node['original_file_path']}",
            description=node["description"],
            owner=str(meta.get("owner", DEFAULT_OWNER)),
            group=node["schema"],
            tags=frozenset(node["tags"]),
            external_name=node["unique_id"],
            columns=_columns(node),
            column_map=self._column_maps.get(asset_key(node)),
            checks=checks,
            partitions=partitions_of(meta, place=place),
            freshness=freshness_of(meta, place=place),
            automation=automation_of(meta, place=place),
            days=days,
        )

    def _code_version(
        self, node: Mapping[str, Any], materialized: str, checks: tuple[CheckDefinition, ...], days: Days | None
    ) -> str:
        """Hash what decides the model's content, its contract, its tests and how its rows belong to days.

        Where the compiled SQL could be followed, that is the closure of each column and of the row set: layout,
        comments, unused steps and the way a macro is written do not count. Else it is the text with the macros and
        variables it uses.
        """
        column_map = self._column_maps.get(asset_key(node))
        if column_map is not None and column_map.fingerprints:
            return digest_of(
                column_map.digest,
                materialized,
                json.dumps(_columns(node)),
                json.dumps(sorted(node["depends_on"].get("nodes", ()))),
                *(check.version for check in checks),
                *days_version(days),
            )
        texts = [node["raw_code"] or node["checksum"]["checksum"], *self._macro_texts(node)]
        used = sorted({name for text in texts for name in _VARIABLE.findall(text)})
        variables = {name: self._variables.get(name) for name in used}
        return digest_of(
            *(normalised_sql(text) for text in texts),
            materialized,
            json.dumps(_columns(node)),
            json.dumps(variables, sort_keys=True, default=str),
            *(check.version for check in checks),
            *days_version(days),
        )

    def _macro_texts(self, node: Mapping[str, Any]) -> list[str]:
        """Text of the project's own macros a node reaches. Lineage hooks record; they do not compute."""
        reached: dict[str, str] = {}
        waiting = list(node["depends_on"].get("macros", ()))
        while waiting:
            unique_id = waiting.pop()
            macro = self._macros.get(unique_id)
            if macro is None or unique_id in reached or macro["package_name"] != self._project_name:
                continue
            if "lineage" in Path(macro["original_file_path"]).parts:
                continue
            reached[unique_id] = macro["macro_sql"]
            waiting.extend(macro["depends_on"]["macros"])
        return [reached[unique_id] for unique_id in sorted(reached)]

    def _tests_by_asset(self) -> dict[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for node in self._nodes.values():
            if node["resource_type"] == "test":
                reads = node["depends_on"]["nodes"]
                guarded = node.get("attached_node") or (reads[0] if reads else None)
                if guarded:
                    found[guarded].append(node)
        return found

    def _checks(self, unique_id: str) -> tuple[CheckDefinition, ...]:
        tests = sorted(self._tests.get(unique_id, ()), key=lambda each: str(each["name"]))
        return tuple(
            CheckDefinition(
                name=f"dbt:{test['name']}",
                engine="dbt",
                is_blocking=test["config"]["severity"].lower() == "error",
                version=digest_of(
                    normalised_sql(test["raw_code"]),
                    json.dumps(test.get("test_metadata") or {}, sort_keys=True, default=str),
                )[:16],
            )
            for test in tests
        )

    def _key_of(self, unique_id: str) -> str:
        return asset_key(self._sources.get(unique_id) or self._nodes[unique_id])


def _columns(node: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(column.get("data_type") or "")) for name, column in node["columns"].items())
