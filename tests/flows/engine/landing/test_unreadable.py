from __future__ import annotations

from pathlib import Path

import duckdb

from flows.engine.landing.unreadable import unreadable_columns


def test_columns_are_counted_and_no_cell_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "readings" / "load=1"
    folder.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute(
        "copy (select null::double as load_mw, null::timestamptz as read_at, unnest(["
        "  'load_mw: 5,x', 'load_mw: ?; secret_customer: 12',"
        "  'read_at: soon; load_mw: ; Smith: 4', null]) as _parse_error)"
        f" to '{folder}/file.parquet'"
    )

    told = unreadable_columns(connection, [folder])

    assert told == (
        "raw/readings load_mw: 3 cells could not be read",
        "raw/readings read_at: 1 cells could not be read",
    )
