"""Ask for everything behind one materialization in a ledger of 100,000.

    python -m tests.benchmarks.bench_closure [materializations]

The question is `gridweave audit query upstream`, asked of the published ledger as the command line does, until the rows
are there to be printed; printing them as a table is a figure of its own. Each
materialization has three inputs: two of the layer before it and one of three layers before.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import duckdb

from flows.cli.output import print_table
from flows.lineage.queries import QUERIES
from flows.warehouse.publish import publish_ledger
from flows.warehouse.reader import fetch_rows, open_reader
from flows.warehouse.warehouse import open_warehouse
from tests.benchmarks.results import Figure, report

WIDTHS = (2_000, 200)
"""Materializations of a layer: the closure of one is a small part of the ledger, and nearly all of it."""
GOAL_SECONDS = 0.2
REPETITIONS = 7
COLUMNS = ("asset", "partition", "materialization", "data version", "rows", "run", "recorded at")
INPUTS = ((1, 0), (1, 151), (3, 977))
"""How many layers before an input lies, and how far aside; shifts without a common divisor reach all of a layer."""


def main(materializations: int) -> None:
    """Ask in a ledger of few wide layers and in one of many narrow ones, report."""
    figures, details = [], {}
    for width in WIDTHS:
        seconds, printing, found = measure(materializations, width)
        name = f"upstream: {found:,} of {materializations:,} in layers of {width:,}"
        figures.append(Figure(name=name, value=statistics.median(seconds), unit="s", at_most=GOAL_SECONDS))
        figures.append(Figure(name="    printing them", value=printing, unit="s"))
        details[str(width)] = {"seconds": seconds, "printing_seconds": printing, "found": found}
    report("closure", figures, materializations=materializations, by_width=details)


def measure(materializations: int, width: int) -> tuple[list[float], float, int]:
    """Make the ledger, ask what is behind its last materialization: seconds of each asking, of printing; how many."""
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "published"
        with open_warehouse(Path(folder) / "warehouse.duckdb") as warehouse:
            with warehouse.transaction() as cursor:
                _fill(cursor, materializations, width)
            publish_ledger(warehouse.cursor(), folder=published)
        with open_reader(published) as reader:
            row = reader.execute("select materialization_id::varchar from lineage.materialization order by seq desc")
            (last,) = row.fetchone() or ("",)
            seconds = []
            for _ in range(REPETITIONS):
                started = time.perf_counter()
                rows = fetch_rows(reader.execute(QUERIES["upstream"].sql, {"materialization_id": last}))
                seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    with redirect_stdout(io.StringIO()):
        print_table(COLUMNS, rows)
    return seconds, time.perf_counter() - started, len(rows)


def _fill(cursor: duckdb.DuckDBPyConnection, materializations: int, width: int) -> None:
    """Write materializations in layers, and their inputs; the number of one, hashed, is its identifier."""
    cursor.execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, row_count, metadata, valid_from, recorded_at)"
        " select md5(i::varchar)::uuid, 'marts/asset_' || i % 150, md5('run')::uuid, 'c', 'd', 'l', 'MATERIALIZED', 1,"
        " '{}', now(), now() from range(?) r(i)",
        [materializations],
    )
    for layers_before, shift in INPUTS:
        cursor.execute(
            "insert or ignore into lineage.materialization_input"
            " (materialization_id, input_materialization_id, upstream_key, upstream_data_version)"
            " select md5(i::varchar)::uuid, md5(j::varchar)::uuid, 'marts/asset_' || j % 150, 'd'"
            " from (select i, (i // $width - $before) * $width + (i + $shift) % $width as j"
            " from range($count) r(i)) where j >= 0",
            {"width": width, "before": layers_before, "shift": shift, "count": materializations},
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
