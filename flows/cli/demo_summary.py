"""The last page of `gridweave demo`: what was made, how good the models are, where to look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from flows.cli.output import print_table
from flows.warehouse.reader import open_reader

if TYPE_CHECKING:
    import duckdb

    from flows.settings import Settings

REPORTS = (
    ("reports/rpt_storm_priority", "circuits in the order crews should look at them"),
    ("reports/rpt_work_orders", "transformers to look at, with the reason"),
    ("reports/rpt_crew_plan", "crews per substation and day"),
    ("reports/rpt_market_schedule", "hourly bids for tomorrow"),
    ("reports/rpt_load_plan", "load forecast with feeders that sum to the system"),
    ("reports/rpt_voltage_plan", "voltage set points per feeder and hour"),
    ("reports/rpt_data_quality", "what arrived, what was cut, and why"),
)
ALL_SERIES = "all"


def print_demo_summary(settings: Settings) -> None:
    """Print rows, figures against baselines and places, all read from the published state."""
    with open_reader(settings.published_dir) as reader:
        _print_rows(reader)
        _print_figures(reader)
        _print_reports(reader)
    home = settings.home
    typer.echo("\nWhere to look")
    for place, what in (
        (home / "published" / "current.duckdb", "everything published, read-only"),
        (home / "published" / "tables", "scores and reports as Parquet"),
        (f"http://127.0.0.1:{settings.prefect_port}", "Prefect: every asset of the run (gridweave down stops it)"),
        ("gridweave quality", "data-quality reports"),
        ("gridweave status", "failed checks, skipped assets, refused loads"),
        ("gridweave lineage reports/rpt_storm_priority --upstream", "what a report is made from"),
        ('gridweave audit sql "from reports.rpt_storm_priority limit 10"', "the storm list"),
    ):
        typer.echo(f"  {place}\n      {what}")


def _print_rows(reader: duckdb.DuckDBPyConnection) -> None:
    row = reader.execute(
        "select sum(row_count_in), sum(row_count_clean), sum(row_count_quarantined), sum(row_count_duplicate)"
        " from marts.fct_row_conservation"
    ).fetchone()
    arrived, clean, quarantined, duplicate = (int(count or 0) for count in row or (0, 0, 0, 0))
    typer.echo(f"\nRows: {arrived:,} arrived = {clean:,} clean + {quarantined:,} quarantined + {duplicate:,} duplicate")


def _print_figures(reader: duckdb.DuckDBPyConnection) -> None:
    """Headline figures of the newest version of each model, out of time."""
    newest = reader.execute(
        "select model_name, arg_max(metrics, created_at)::varchar from lineage.model_version"
        " group by model_name order by model_name"
    ).fetchall()
    rows = [
        (name, row["metric"], f"{row['value']:.4g}", f"{row['baseline']:.4g}", f"{row['n']:,}")
        for name, metrics in newest
        for row in json.loads(metrics)
        if row["series_id"] == ALL_SERIES and row["value"] is not None and row["baseline"] is not None
    ]
    print_table(
        ("model", "metric", "value", "baseline", "n"), rows, title="\nModels, tested on later data than they saw"
    )


def _print_reports(reader: duckdb.DuckDBPyConnection) -> None:
    counts = dict(reader.execute("select asset_key, row_count from lineage.current_materialization").fetchall())
    rows = [(key, f"{counts.get(key) or 0:,}", what) for key, what in REPORTS]
    print_table(("report", "rows", "what it is"), rows, title="\nReports")
