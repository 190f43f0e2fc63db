"""A published home made by hand: raw rows in the lake, a few models, a ledger; no dbt, no run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import duckdb

from flows.assets.definition import AssetDefinition
from flows.assets.graph import AssetGraph
from flows.engine.explaining.explanation import explain
from flows.engine.pipeline import Pipeline
from flows.lineage.sql.parsing import NotFollowedError, relations_read
from flows.settings import Settings
from flows.warehouse.publish import publish_ledger, publish_snapshot

RAW = """
    select * from (values
        ('F1', 's1', 1, 10.0), ('F1', 's1', 2, 30.0), ('F1', 's1', 3, 20.0),
        ('F2', 's2', 1, 5.0), ('F2', 's2', 2, 7.0),
        ('F3', 's9', 1, 100.0)
    ) t (feeder_id, station_id, hour_date, load_kw)
"""
WEATHER = "select * from (values ('s1', -3.0), ('s2', 4.0), ('s3', 25.0)) t (station_id, temperature_degc)"
STAGING = """
    select feeder_id, station_id, hour_date, load_kw, _load_id, _source_file, _source_row from raw.loads
"""
LOAD_ID, FILE, SHA256 = "l1", "loads.csv", "ab" * 32


@dataclass(frozen=True)
class FakeProject:
    """What `explain` asks of a dbt project."""

    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class FakePipeline:
    """What `explain` asks of a pipeline."""

    settings: Settings
    graph: AssetGraph
    project: FakeProject
    scored_tables: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass
class SmallProject:
    """Loads and weather, and models over them.

    Args:
        home: Its home.
        models: SQL by key, in the order they are made; names with `int_` are not published.
        python: SQL that stands in for a Python step, by key.
        definitions: What to say of an asset besides the usual.
    """

    home: Path
    models: Mapping[str, str]
    python: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    _columns: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def publish(self, *, afterwards: str = "select 1") -> SmallProject:
        """Make everything, then run a statement, then publish."""
        with duckdb.connect(str(self.home / "warehouse.duckdb")) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(resources.files("flows.lineage").joinpath("schema.sql").read_text())
            for name, query in (("loads", RAW), ("weather", WEATHER)):
                self._land(connection, name, query)
            for key, query in {"staging/stg_loads": STAGING, **self.models, **self.python}.items():
                self._make(connection, key, query)
            connection.execute(afterwards)
            published = {key: "1" for key in (*self.models, *self.python) if not key.startswith("intermediate/")}
            publish_snapshot(connection, folder=self.home / "published", versions=published)
            publish_ledger(connection, folder=self.home / "published")
        return self

    def why(self, name: str, where: str, **options: Any) -> dict[str, Any]:
        """Ask."""
        code = {"staging/stg_loads": STAGING, **self.models}
        nodes = {
            key: {
                "resource_type": "model",
                "compiled_code": sql,
                "schema": key.split("/")[0],
                "name": key.split("/")[1],
            }
            for key, sql in code.items()
        }
        pipeline = FakePipeline(
            settings=Settings(home=self.home, sources_dir=self.home, transform_dir=self.home),
            graph=AssetGraph([self._definition(key) for key in self._columns]),
            project=FakeProject({"nodes": nodes}),
        )
        return explain(cast("Pipeline", pipeline), name, where, **{"limit": 20, **options})

    def _land(self, connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        folder = self.home / "lake" / "raw" / name / f"load={LOAD_ID}"
        folder.mkdir(parents=True)
        technical = f"'{LOAD_ID}' as _load_id, 'made' as _source, '{FILE}' as _source_file"
        connection.execute(
            f"copy (select *, {technical}, row_number() over () as _source_row from ({query}))"
            f" to '{folder / 'part.parquet'}' (format parquet)"
        )
        connection.execute("create schema if not exists raw")
        connection.execute(
            f"create view raw.{name} as from read_parquet('{folder / 'part.parquet'}', hive_partitioning = false)"
        )
        self._record(connection, f"raw/{name}", {"load_ids": [LOAD_ID], "fallback_sources": []})
        connection.execute(
            "insert into lineage.load (load_id, raw_table, source, network_id, run_id, status, row_count,"
            " parse_error_count, storage_uri, landed_at)"
            " values (?, ?, 'made', 'N', uuid(), 'ACCEPTED', 6, 0, '', now())",
            [LOAD_ID, name],
        )
        connection.execute(
            "insert or ignore into lineage.delivered_file (source, sha256, file_name, byte_count, load_id, status,"
            " storage_uri, run_id, seen_at) values ('made', ?, ?, 1, ?, 'LANDED', '', uuid(), now())",
            [SHA256, FILE, LOAD_ID],
        )

    def _make(self, connection: duckdb.DuckDBPyConnection, key: str, query: str) -> None:
        schema, _, name = key.partition("/")
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"create {'view' if schema == 'staging' else 'table'} {schema}.{name} as {query}")
        self._record(connection, key, {})

    def _record(self, connection: duckdb.DuckDBPyConnection, key: str, metadata: dict[str, Any]) -> None:
        described = connection.execute(f"describe {key.replace('/', '.')}").fetchall()
        self._columns[key] = tuple((str(row[0]), str(row[1])) for row in described)
        row = connection.execute(f"select count(*) from {key.replace('/', '.')}").fetchone()
        connection.execute(
            "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
            " logical_version, event_kind, row_count, metadata, valid_from, recorded_at)"
            " values (?, ?, uuid(), '', '1', '1', 'MATERIALIZED', ?, ?, now(), now())",
            [str(uuid4()), key, row[0] if row else 0, json.dumps(metadata)],
        )

    def _definition(self, key: str) -> AssetDefinition:
        sql = {"staging/stg_loads": STAGING, **self.models, **self.python}.get(key)
        kind = "raw" if sql is None else "view" if key.startswith("staging/") else "table"
        facts = {
            "key": key,
            "engine": "landing" if sql is None else "python" if key in self.python else "dbt",
            "kind": "scores" if key in self.python else kind,
            "deps": _read(sql) if sql else (),
            "columns": self._columns[key],
        }
        return AssetDefinition(**cast("Any", {**facts, **self.definitions.get(key, {})}))


def _read(sql: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(relations_read(sql)))
    except NotFollowedError:
        return ()
