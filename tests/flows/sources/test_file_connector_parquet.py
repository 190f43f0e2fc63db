"""The file connector on Parquet files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.errors import FileRejectedError
from tests.flows.sources.conftest import Desk

if TYPE_CHECKING:
    from pathlib import Path


def _parquet(desk: Desk, columns: dict[str, object], name: str = "load.parquet") -> Path:
    path = desk.folder / name
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_keeps_its_types_and_refuses_nan(desk: Desk) -> None:
    file = _parquet(
        desk,
        {
            "series": ["A", "B", None],
            "time": pa.array([0, 3_600_000_000, None], pa.timestamp("us")),
            "mw": [1.5, float("nan"), None],
        },
    )

    rows = desk.land(file, desk.source(format="parquet"))

    assert [row["interval_start_at"] for row in rows] == [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 1, tzinfo=UTC),
        None,
    ]
    assert [row["load_mw"] for row in rows] == [1.5, None, None]
    assert [row["_parse_error"] for row in rows] == [None, "load_mw: nan", None]


def test_parquet_text_is_read_like_csv_text(desk: Desk) -> None:
    file = _parquet(desk, {"series": ["A", "B"], "time": ["2024-01-01", "MISSING"], "mw": ["EMPTY", "x"]})

    rows = desk.land(file, desk.source(format="parquet", null_tokens=["EMPTY", "MISSING"]))

    assert [row["load_mw"] for row in rows] == [None, None]
    assert [row["_parse_error"] for row in rows] == [None, "load_mw: x"]


def test_parquet_numbers_become_text_and_dates(desk: Desk) -> None:
    file = _parquet(desk, {"series": [17031], "time": [date(2024, 1, 1)], "mw": [7]})
    source = desk.source(
        format="parquet",
        tables=[{"raw_table": "eam_transformers", "columns": {"asset_id": "series", "installed_on": "time"}}],
    )

    rows = desk.land(file, source)

    assert (rows[0]["asset_id"], rows[0]["installed_on"]) == ("17031", date(2024, 1, 1))


@pytest.mark.parametrize("cut", [0, 10, -30])
def test_a_corrupt_parquet_file_is_rejected(cut: int, desk: Desk) -> None:
    whole = _parquet(desk, {"series": ["A"] * 1000, "time": ["t"] * 1000, "mw": [1.0] * 1000}).read_bytes()

    with pytest.raises(FileRejectedError, match="cannot be parsed"):
        desk.land(desk.write(whole[:cut], "cut.parquet"), desk.source(format="parquet"))


def test_a_flipped_byte_inside_a_parquet_page_is_rejected(desk: Desk) -> None:
    path = desk.folder / "flipped.parquet"
    table = pa.table({"series": [f"S{n * 7919 % 5003}" for n in range(5000)], "time": ["t"] * 5000, "mw": [0.5] * 5000})
    pq.write_table(table, path, compression="zstd")
    content = bytearray(path.read_bytes())
    for position in range(200, 900):
        content[position] ^= 0xFF
    path.write_bytes(bytes(content))

    with pytest.raises(FileRejectedError):
        desk.land(path, desk.source(format="parquet"))


def test_a_nested_parquet_column_is_rejected_by_name(desk: Desk) -> None:
    file = _parquet(desk, {"series": ["A"], "time": ["t"], "mw": [[1.0, 2.0]]})

    with pytest.raises(FileRejectedError, match=r"column 'mw' has type DOUBLE\[\]"):
        desk.land(file, desk.source(format="parquet"))


def test_a_file_name_with_wildcards_is_read_itself_and_not_its_namesake(desk: Desk) -> None:
    _parquet(desk, {"series": ["wrong"], "time": ["2024-01-01"], "mw": [2.0]}, "load_a.parquet")
    file = _parquet(desk, {"series": ["right"], "time": ["2024-01-01"], "mw": [1.0]}, "load_[a].parquet")

    rows = desk.land(file, desk.source(format="parquet"))

    assert [row["series_id"] for row in rows] == ["right"]
