"""A home with the real project of which only the telemetry part is made, delivered file by file.

What lives here: simulated extracts cut as a historian would deliver them day by day, and runs in this process with
plain threads. What does not: what is expected of them (test_days.py).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flows.definitions import build_graph
from flows.engine.pipeline import Pipeline
from flows.engine.steps.jobs import ThreadRunner
from flows.engine.summary import RunSummary
from flows.settings import Settings
from flows.sources.simulator.simulation import simulate
from flows.warehouse.identifiers import literal
from flows.warehouse.warehouse import open_warehouse

TELEMETRY = ("+marts/fct_transformer_daily", "+marts/fct_row_conservation_daily")
HISTORIAN = "simulator_historian_transformers"
SURROUNDINGS = ("simulator_eam", "simulator_gis", "simulator_weather_observations")
"""Sources the telemetry is judged by: the register and the weather."""
BY_DAY = (
    "intermediate/int_scada_transformer_readings_superseded",
    "intermediate/int_transformer_readings_daily",
    "marts/fct_transformer_daily",
    "marts/fct_row_conservation_daily",
    "quarantine/quarantine_scada_transformer_readings",
)


@dataclass(frozen=True)
class TelemetryHome:
    """One installation.

    Args:
        path: Its home.
    """

    path: Path

    @property
    def pipeline(self) -> Pipeline:
        """A pipeline as the command line would make one, but with threads."""
        return Pipeline(
            settings=Settings(home=self.path),
            build_graph=build_graph,
            make_runner=lambda limits: ThreadRunner(limits=limits),
        )

    def deliver(self, extracts: Path, *sources: str) -> None:
        """Put all files of some sources into the inbox."""
        for source in sources:
            shutil.copytree(extracts / source, self.path / "inbox" / source, dirs_exist_ok=True)

    def deliver_telemetry(self, extracts: Path, rows: str, name: str) -> None:
        """Put some telemetry into the inbox as one file.

        Args:
            extracts: What was simulated.
            rows: SQL over the historian's columns: `*` and a condition.
            name: Ending of the file's name.
        """
        folder = self.path / "inbox" / HISTORIAN
        folder.mkdir(parents=True, exist_ok=True)
        delivered = literal(str(extracts / HISTORIAN / "*.parquet"))
        target = literal(str(folder / f"transformers_{name}.parquet"))
        duckdb.sql(f"copy ({rows.format(delivered=f'read_parquet({delivered})')}) to {target}")

    def run(self, *expressions: str, **options: Any) -> RunSummary:
        """Land the inbox and make the telemetry, or what is asked for."""
        return self.pipeline.run(expressions or TELEMETRY, **options)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with open_warehouse(self.path / "warehouse.duckdb") as warehouse:
            return warehouse.cursor().execute(statement, values).fetchall()

    def content(self, key: str, *, without: tuple[str, ...] = ()) -> tuple[Any, ...]:
        """Count and hash the rows of a table, whatever their order, without some columns."""
        left_out = ", ".join(("_ingested_at", "ingested_at", *without))
        columns = self.rows(
            "select column_name from duckdb_columns() where schema_name || '/' || table_name = ?"
            " and not list_contains(string_split(?, ', '), column_name) order by column_index",
            key,
            left_out,
        )
        names = ", ".join(f'"{name}"' for (name,) in columns)
        table = key.replace("/", ".")
        return self.rows(f"select count(*), coalesce(sum(hash({names})), 0) from {table}")[0]

    def days_made(self, key: str) -> list[Any]:
        """Days each materialization of an asset was made for, oldest first; None: all of it."""
        rows = self.rows(
            "select (metadata->'days')::varchar[] from lineage.materialization"
            " where asset_key = ? and event_kind = 'MATERIALIZED' order by seq",
            key,
        )
        return [days for (days,) in rows]


def simulate_extracts(path: Path, *, days: int) -> Path:
    """Let the simulator write extracts of a very small utility with defects."""
    simulate(days=days, feeders=2, transformers=12, seed=5, dirt=1.0, output_dir=path, truth_dir=path.parent / "truth")
    return path
