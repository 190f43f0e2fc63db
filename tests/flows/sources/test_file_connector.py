from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.errors import ConfigurationError, FileRejectedError
from flows.sources import delivered_csv
from flows.sources.file_connector import convert, sha256_of
from tests.flows.sources.conftest import INGESTED_AT, Desk

HEADER = "series,time,mw\n"
GOOD_ROW = "A,2024-01-01 00:00:00,1.5\n"


def test_a_good_file_lands_with_all_raw_columns_in_order(desk: Desk) -> None:
    file = desk.write(HEADER + GOOD_ROW + "B,2024-01-01 01:00:00,2\n")

    rows = desk.land(file, desk.source())

    table = desk.raw_tables["scada_load_readings"]
    assert list(rows[0]) == [column.name for column in table.landed_columns]
    assert rows[0]["interval_start_at"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert [row["load_mw"] for row in rows] == [1.5, 2.0]
    assert {row["network_id"] for row in rows} == {"TST"}
    assert [row["_source_row"] for row in rows] == [1, 2]
    assert (rows[0]["_load_id"], rows[0]["_source"], rows[0]["_source_file"]) == ("load-1", "test_load", "load.csv")
    assert rows[0]["_ingested_at"] == INGESTED_AT
    assert (desk.landed[0].row_count, desk.landed[0].parse_error_count) == (2, 0)


def test_the_landed_parquet_has_the_declared_types(desk: Desk) -> None:
    desk.land(desk.write(HEADER + GOOD_ROW), desk.source())

    described = desk.connection.execute(
        "describe select * from read_parquet($path)", {"path": str(desk.landed[0].path)}
    ).fetchall()

    types = {name: kind for name, kind, *_ in described}
    assert types["interval_start_at"] == "TIMESTAMP WITH TIME ZONE"
    assert (types["load_mw"], types["interval_minutes"], types["_source_row"]) == ("DOUBLE", "INTEGER", "BIGINT")


@pytest.mark.parametrize(
    ("content", "reason", "row"),
    [
        (HEADER + GOOD_ROW + "B,2024-01-01\n", "Expected Number of Columns", 3),
        (HEADER + GOOD_ROW + "B,2024-01-01,1,2\n", "Expected Number of Columns", 3),
        (HEADER + 'A,"2024-01-01,1\n' + GOOD_ROW, "quotes are not closed", None),
        (HEADER + 'A,"2024"x,1\n', "quotes are not closed", 2),
        (HEADER + GOOD_ROW + "B,2024\0,1\n", "NUL", 3),
        (HEADER + "A,2024\r-01,1\n", "carriage return", 2),
        ("", "is empty", None),
        ("\n\n", "is empty", None),
        ("series,time,load\n" + GOOD_ROW, "missing: mw; not expected: load", 1),
        ("series,time\n", "missing: mw", 1),
        ("series,time,mw,extra\n", "not expected: extra", 1),
        ("series,time,mw,mw\n", "named twice: mw", 1),
        ("series,time,mw,MW\n", "named twice: MW, mw", 1),
        ((HEADER + GOOD_ROW).encode("utf-16"), "is UTF-16 text", 1),
        (HEADER.encode() + b"A,\xff\xfe,1\n", "is not utf-8 text", None),
        (HEADER + "A," + "x" * 1_100_000 + ",1\n", "longer than", None),
    ],
)
def test_a_malformed_file_is_rejected_whole_with_reason_and_row(
    content: bytes | str, reason: str, row: int | None, desk: Desk
) -> None:
    file = desk.write(content)

    with pytest.raises(FileRejectedError, match=reason) as caught:
        desk.land(file, desk.source())

    assert caught.value.file_name == "load.csv"
    if row is not None:
        assert caught.value.row == row


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress((HEADER + GOOD_ROW * 500).encode(), mtime=0)[:-20],
        b"\x1f\x8b\x08\x00 not gzip at all",
        b"plain text, no gzip",
        b"",
    ],
)
def test_a_truncated_or_corrupt_gzip_is_rejected(content: bytes, desk: Desk) -> None:
    file = desk.write(content, "load.csv.gz")

    with pytest.raises(FileRejectedError, match=r"gzip is truncated|is empty"):
        desk.land(file, desk.source())


def test_a_gzip_bomb_is_stopped_while_it_expands(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivered_csv, "RATIO_GUARD_FROM_BYTES", 1024**2)
    bomb = gzip.compress(HEADER.encode() + GOOD_ROW.encode() * 400_000)

    with pytest.raises(FileRejectedError, match="expands more than"):
        desk.land(desk.write(bomb, "load.csv.gz"), desk.source())


def test_a_file_with_too_much_text_is_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivered_csv, "MAX_EXPANDED_BYTES", 1000)

    with pytest.raises(FileRejectedError, match="more than 1,000 bytes"):
        desk.land(desk.write(HEADER + GOOD_ROW * 100), desk.source())


def test_a_header_with_a_thousand_columns_too_many_is_rejected(desk: Desk) -> None:
    with pytest.raises(FileRejectedError, match="columns; at most"):
        desk.land(desk.write(",".join(f"c{n}" for n in range(2_000)) + "\n"), desk.source())


def test_a_header_cannot_write_to_the_terminal(desk: Desk) -> None:
    with pytest.raises(FileRejectedError, match=r"\\x1b\[2J") as raised:
        desk.land(desk.write(HEADER.replace("mw", "\x1b[2J") + GOOD_ROW), desk.source())

    assert raised.value.reason.isprintable()


def test_a_header_without_rows_lands_zero_rows(desk: Desk) -> None:
    assert desk.land(desk.write(HEADER), desk.source()) == []
    assert desk.landed[0].row_count == 0


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + HEADER + GOOD_ROW,
        (HEADER + GOOD_ROW).replace("\n", "\r\n"),
        HEADER + GOOD_ROW.rstrip("\n"),
        HEADER + "\n" + GOOD_ROW + "\n\n",
        'series,"time",mw\n"A","2024-01-01 00:00:00","1.5"\n',
        "mw,series,time\n1.5,A,2024-01-01 00:00:00\n",
        " series , time , mw \nA, 2024-01-01 00:00:00 , 1.5 \n",
    ],
)
def test_harmless_differences_of_writing_do_not_matter(content: str, desk: Desk) -> None:
    rows = desk.land(desk.write(content), desk.source())

    assert [(row["series_id"], row["load_mw"], row["_parse_error"]) for row in rows] == [("A", 1.5, None)]


@pytest.mark.parametrize(("encoding", "text"), [("utf-16", "Zürich"), ("latin-1", "Zürich"), ("big5", "台北")])
def test_other_encodings_are_read_when_declared(encoding: str, text: str, desk: Desk) -> None:
    content = (HEADER + f"{text},2024-01-01,1\n").encode(encoding)

    rows = desk.land(desk.write(content), desk.source(csv={"encoding": encoding}))

    assert rows[0]["series_id"] == text


def test_a_newline_inside_quotes_is_part_of_the_cell(desk: Desk) -> None:
    rows = desk.land(desk.write(HEADER + '"A\nB",2024-01-01,1\n' + GOOD_ROW), desk.source())

    assert [row["series_id"] for row in rows] == ["A\nB", "A"]


def test_semicolons_and_decimal_commas_are_read_when_declared(desk: Desk) -> None:
    source = desk.source(csv={"delimiter": ";", "decimal": ","})

    rows = desk.land(desk.write("series;time;mw\nA;2024-01-01;1,5\nA;2024-01-02;1.5\n"), source)

    assert [row["load_mw"] for row in rows] == [1.5, None]
    assert rows[1]["_parse_error"] == "load_mw: 1.5"


def test_a_last_line_that_is_not_ended_is_a_cut_transfer_when_so_declared(desk: Desk) -> None:
    source = desk.source(csv={"requires_final_newline": True})

    with pytest.raises(FileRejectedError, match="cut off"):
        desk.land(desk.write(HEADER + GOOD_ROW + "A,2024-01-01,12"), source)


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e400", "abc", "1_000", "0x1F", "1,5,".strip(","), "½"])
def test_a_cell_that_is_no_finite_number_becomes_null_and_says_so(cell: str, desk: Desk) -> None:
    rows = desk.land(desk.write(HEADER + f'A,2024-01-01,"{cell}"\n' + GOOD_ROW), desk.source())

    assert [row["load_mw"] for row in rows] == [None, 1.5]
    assert rows[0]["_parse_error"] == f"load_mw: {cell}"
    assert rows[1]["_parse_error"] is None
    assert desk.landed[0].parse_error_count == 1


def test_several_bad_cells_are_all_named_and_long_texts_are_cut(desk: Desk) -> None:
    rows = desk.land(desk.write(HEADER + f"A,soon,{'9x' * 100}\n"), desk.source())

    assert rows[0]["_parse_error"] == f"interval_start_at: soon; load_mw: {'9x' * 40}"


def test_null_tokens_and_empty_cells_are_null_without_an_error(desk: Desk) -> None:
    source = desk.source(null_tokens=["M", "-9999"])

    rows = desk.land(desk.write(HEADER + "A,2024-01-01,M\nA,2024-01-01, -9999 \nA,2024-01-01,\n"), source)

    assert [(row["load_mw"], row["_parse_error"]) for row in rows] == [(None, None)] * 3


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12", 12), ("12.0", 12), ("12.5", None), ("1e3", 1000), ("3000000000", None), ("-7", -7), ("1e400", None)],
)
def test_integers_are_never_rounded(cell: str, value: int | None, desk: Desk) -> None:
    assert desk.values(cell, "interval_minutes", "mw") == [value]


def test_units_are_converted_by_factor_and_offset(desk: Desk) -> None:
    mapping = {"from": "mw", "multiply": 0.5555555555555556, "add": -17.77777777777778}

    values = desk.values("32\n212", "load_mw", mapping)

    assert values == pytest.approx([0.0, 100.0])


def test_a_value_map_translates_and_refuses_other_texts(desk: Desk) -> None:
    mapping = {"from": "mw", "value_map": {"Y": True, "N": False, "?": None}}
    source = desk.with_column("is_planned", mapping, raw_table="oms_outages")
    columns = dict(source.deliveries[0].tables[0].columns)
    del columns["series_id"]
    source = desk.source(tables=[{"raw_table": "oms_outages", "columns": columns}])

    rows = desk.land(desk.write(HEADER + "".join(f"A,x,{cell}\n" for cell in "YN?Z")), source)

    assert [row["is_planned"] for row in rows] == [True, False, None, None]
    assert [row["_parse_error"] for row in rows] == [None, None, None, "is_planned: Z"]


def test_text_must_match_a_declared_pattern(desk: Desk) -> None:
    values = desk.values("17031\nGrand Total", "series_id", {"from": "mw", "pattern": r"\d{4,5}"})

    assert values == ["17031", None]


def test_an_empty_required_cell_is_an_error(desk: Desk) -> None:
    rows = desk.land(desk.write(HEADER + "A,x,\n"), desk.with_column("load_mw", {"from": "mw", "required": True}))

    assert rows[0]["_parse_error"] == "load_mw: missing"


def test_constants_file_names_and_expressions_fill_columns(desk: Desk) -> None:
    source = desk.source(
        tables=[
            {
                "raw_table": "scada_load_readings",
                "columns": {
                    "series_id": {"from_file_name": r"^load_([A-Z]+)\."},
                    "series_type": {"constant": "feeder"},
                    "interval_minutes": {"constant": 30},
                    "load_mw": {"sql": "cast(mw as double) * 2"},
                },
            }
        ]
    )

    rows = desk.land(desk.write(HEADER + "A,x,2\nA,x,bad\n", "load_NYC.csv"), source)

    assert (rows[0]["series_id"], rows[0]["series_type"], rows[0]["interval_minutes"]) == ("NYC", "feeder", 30)
    assert [row["load_mw"] for row in rows] == [4.0, None]


def test_a_file_name_that_gives_no_value_is_rejected(desk: Desk) -> None:
    source = desk.with_column("quality_code", {"from_file_name": r"^load_(\d+)"})

    with pytest.raises(FileRejectedError, match="its name gives no quality_code"):
        desk.land(desk.write(HEADER + GOOD_ROW), source)


@pytest.mark.parametrize("sql", ["no_such_column", "mw +", "no_such_function(mw)"])
def test_an_expression_that_cannot_run_is_the_descriptions_fault(sql: str, desk: Desk) -> None:
    file = desk.write(HEADER + GOOD_ROW)

    with pytest.raises(ConfigurationError, match="mapping onto scada_load_readings cannot run"):
        desk.land(file, desk.with_column("load_mw", {"sql": sql}))


def test_a_delivered_column_may_be_called_like_a_technical_one(desk: Desk) -> None:
    source = desk.source(
        columns=["_source_row", "mw"],
        tables=[{"raw_table": "scada_load_readings", "columns": {"series_id": "_source_row", "load_mw": "mw"}}],
    )

    rows = desk.land(desk.write("_source_row,mw\n17,1\n"), source)

    assert (rows[0]["series_id"], rows[0]["_source_row"]) == ("17", 1)


def test_a_file_no_pattern_matches_is_rejected(desk: Desk) -> None:
    with pytest.raises(FileRejectedError, match="matches none of the file patterns"):
        desk.land(desk.write(HEADER), desk.source(files=["other_*.csv"]))


def test_renamed_and_added_columns_are_read_by_alias_and_ignored_by_name(desk: Desk) -> None:
    source = desk.source(aliases={"load_mw": "mw"}, ignore_columns=["note"])

    rows = desk.land(desk.write("series,time,load_mw,note\nA,2024-01-01,1,hm\n"), source)

    assert rows[0]["load_mw"] == 1.0


def test_two_columns_for_one_declared_name_are_rejected(desk: Desk) -> None:
    source = desk.source(aliases={"load_mw": "mw"})

    with pytest.raises(FileRejectedError, match="two columns stand for one"):
        desk.land(desk.write("series,time,mw,load_mw\n"), source)


def test_one_file_feeds_several_raw_tables_and_one_table_twice(desk: Desk) -> None:
    def load(series: str, column: str) -> dict[str, Any]:
        return {
            "raw_table": "scada_load_readings",
            "columns": {"series_id": {"constant": series}, "load_mw": column},
        }

    weather = {"raw_table": "weather_observations", "columns": {"temperature_degc": "c"}}
    source = desk.source(columns=["a", "b", "c"], tables=[load("A", "a"), load("B", "b"), weather])

    desk.land(desk.write("a,b,c\n1,2,3\n"), source)

    assert [table.path.name for table in desk.landed] == [
        "scada_load_readings.parquet",
        "scada_load_readings_2.parquet",
        "weather_observations.parquet",
    ]
    assert desk.rows(desk.landed[1].path)[0]["load_mw"] == 2.0
    assert desk.rows(desk.landed[2].path)[0]["temperature_degc"] == 3.0


def test_hostile_names_and_values_stay_text(desk: Desk) -> None:
    column = "mw'); drop table x; --\""
    text = "'; select 1 --"
    source = desk.source(columns=["series", column], tables=[{"raw_table": "scada_load_readings", "columns": {
        "series_id": "series", "quality_code": {"from": column, "value_map": {text: "it's"}}}}])  # fmt: skip

    quoted = column.replace('"', '""')
    rows = desk.land(desk.write(f'series,"{quoted}"\nO\'Hara,{text}\n'), source)

    assert (rows[0]["series_id"], rows[0]["quality_code"]) == ("O'Hara", "it's")


def test_source_rows_follow_the_file_also_when_many_threads_read(desk: Desk) -> None:
    count = 120_000
    body = "".join(f"{number},2024-01-01,{number}\n" for number in range(1, count + 1))

    desk.land(desk.write(HEADER + body), desk.source())

    wrong = desk.connection.execute(
        "select count(*) filter (where _source_row <> load_mw), count(*) from read_parquet($path)",
        {"path": str(desk.landed[0].path)},
    ).fetchone()
    assert wrong == (0, count)


def test_nothing_is_left_in_the_connection_or_beside_the_result(desk: Desk) -> None:
    desk.land(desk.write(HEADER + GOOD_ROW), desk.source())

    assert desk.connection.execute("select count(*) from duckdb_tables()").fetchone() == (0,)
    assert [path.name for path in desk.landed[0].path.parent.iterdir()] == ["scada_load_readings.parquet"]
    assert desk.connection.execute("select current_setting('TimeZone')").fetchone() == ("Pacific/Auckland",)


def test_the_hash_is_that_of_the_bytes(desk: Desk) -> None:
    assert sha256_of(desk.write(b"abc")).startswith("ba7816bf8f01cfea")


def test_convert_refuses_a_source_that_maps_nowhere(desk: Desk) -> None:
    with pytest.raises(ConfigurationError):
        convert(
            desk.connection,
            file=desk.write(HEADER),
            source=desk.with_column("nonsense", "mw"),
            raw_tables=desk.raw_tables,
            load_id="l",
            ingested_at=INGESTED_AT,
            output_dir=desk.folder,
        )
