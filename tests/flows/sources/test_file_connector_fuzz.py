from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import FileRejectedError
from flows.sources.file_connector import convert
from flows.sources.raw_tables import read_raw_tables
from tests.conftest import CHECKOUT
from tests.flows.sources.conftest import INGESTED_AT, Desk

CELL = st.text(st.characters(codec="utf-8", exclude_characters='\n\r"\0,'), max_size=12)
ROUGH = st.text(st.sampled_from(list('ab1.,"\n\r\0é ')), max_size=60)
FUZZ = settings(max_examples=50, derandomize=True)
RAW_TABLES = read_raw_tables(CHECKOUT / "transform/models/staging/_raw__sources.yml")


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """Return one connection for all examples; opening one costs more than an example."""
    return duckdb.connect()


def _land(content: bytes) -> int | None:
    """Return landed rows, or None when the file was rejected."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(connection=_connection(), raw_tables=RAW_TABLES, folder=Path(folder))
        file = Path(folder) / "load.csv"
        file.write_bytes(content)
        output = Path(folder) / "out"
        output.mkdir()
        try:
            tables = convert(
                desk.connection, file=file, source=desk.source(), raw_tables=RAW_TABLES,
                load_id="l", ingested_at=INGESTED_AT, output_dir=output,
            )  # fmt: skip
        except FileRejectedError:
            return None
        return tables[0].row_count


@FUZZ
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=20))
def test_well_formed_rows_all_land_whatever_the_cells_hold(
    rows: list[tuple[str, str, str]],
) -> None:
    content = "series,time,mw\n" + "".join(",".join(row) + "\n" for row in rows)

    assert _land(content.encode()) == len(rows)


@FUZZ
@given(body=ROUGH)
def test_a_rough_file_lands_whole_or_not_at_all(body: str) -> None:
    landed = _land(b"series,time,mw\n" + body.encode())

    lines = [line for line in body.replace("\r\n", "\n").split("\n") if line]
    if landed is not None and '"' not in body:
        assert landed == len(lines)
        assert all(line.count(",") == 2 for line in lines)


@FUZZ
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_never_crash_the_connector(content: bytes) -> None:
    assert _land(content) in {None, 0}
