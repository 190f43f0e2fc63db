from __future__ import annotations

from typing import TYPE_CHECKING

from flows.lineage.queries import QUERIES
from flows.warehouse.reader import fetch_rows
from flows.warehouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

IDENTIFIERS = {number: f"00000000-0000-0000-0000-00000000000{number}" for number in range(4)}


def test_upstream_names_each_materialization_once_newest_first(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse, warehouse.transaction() as cursor:
        cursor.executemany(
            "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
            " logical_version, event_kind, row_count, metadata, valid_from, recorded_at)"
            " values (?, ?, ?, 'c', 'd', 'l', 'MATERIALIZED', 7, '{}', now(), '2026-03-29T01:00:00.25Z')",
            [(IDENTIFIERS[number], f"marts/{number}", IDENTIFIERS[0]) for number in range(4)],
        )
        cursor.executemany(
            "insert into lineage.materialization_input (materialization_id, input_materialization_id, upstream_key,"
            " upstream_data_version) values (?, ?, 'marts/x', 'd')",
            [(IDENTIFIERS[made], IDENTIFIERS[read]) for made, read in ((3, 1), (3, 0), (1, 0), (2, 0))],
        )

        rows = fetch_rows(cursor.execute(QUERIES["upstream"].sql, {"materialization_id": IDENTIFIERS[3]}))

    moment = "2026-03-29 01:00:00.250000+00:00"
    assert rows == [(f"marts/{number}", "", IDENTIFIERS[number], "d", 7, IDENTIFIERS[0], moment) for number in (1, 0)]
