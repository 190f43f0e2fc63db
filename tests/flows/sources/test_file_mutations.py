"""Good files broken by chance (RELIABILITY F1-F3, F6): each lands whole and in the right columns, or not at all.

`make test` breaks a few hundred, `make test-full` ten thousand CSV and a thousand Parquet files. What a CSV file says
is read once more by Python's csv module, which knows nothing of the connector.
"""

from __future__ import annotations

import csv
import io
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.errors import FileRejectedError
from tests.conftest import CHECKOUT
from tests.flows.sources.conftest import Desk

pytestmark = pytest.mark.slow

CSV_FILES, ALL_CSV_FILES = 250, 10_000
PARQUET_FILES, ALL_PARQUET_FILES = 100, 1_000
HEADER = "series,time,mw"

Mutation = Callable[[random.Random, list[str]], list[str]]


def good_lines(chance: random.Random) -> list[str]:
    """A file as it should be: header and some readings, one of them with quotes and a comma in its name."""
    readings = [
        f"S{chance.randrange(5)},2024-01-{1 + number % 28:02d}T{number % 24:02d}:00:00Z,{chance.uniform(-5, 900):.3f}"
        for number in range(chance.randrange(1, 12))
    ]
    return [HEADER, *readings, '"S ""9"", north",2024-02-01T00:00:00Z,7.5']


def at(chance: random.Random, lines: list[str]) -> int:
    return chance.randrange(1, len(lines))


def edited(lines: list[str], number: int, line: str) -> list[str]:
    return [*lines[:number], line, *lines[number + 1 :]]


def drop_cell(chance: random.Random, lines: list[str]) -> list[str]:
    number = at(chance, lines)
    return edited(lines, number, lines[number].rpartition(",")[0])


def add_cell(chance: random.Random, lines: list[str]) -> list[str]:
    number = at(chance, lines)
    return edited(lines, number, lines[number] + chance.choice([",", ",x", ",,,"]))


def put_quote(chance: random.Random, lines: list[str]) -> list[str]:
    number = at(chance, lines)
    place = chance.randrange(len(lines[number]) + 1)
    return edited(lines, number, lines[number][:place] + '"' + lines[number][place:])


def put_character(chance: random.Random, lines: list[str]) -> list[str]:
    number = at(chance, lines)
    place = chance.randrange(len(lines[number]) + 1)
    odd = chance.choice(["\0", "\t", ";", ",", "é", "\u2028", "\\", "'", " ", "\x1a", "\ufeff", "\x85"])
    return edited(lines, number, lines[number][:place] + odd + lines[number][place:])


def odd_number(chance: random.Random, lines: list[str]) -> list[str]:
    number = at(chance, lines)
    odd = chance.choice(
        ["NaN", "inf", "-Infinity", "1e400", "-0", '"1,234.5"', "N/A", "1_000", "0x10", "١٢", "", "1e-400"]
    )
    return edited(lines, number, lines[number].rpartition(",")[0] + "," + odd)


def blank_line(chance: random.Random, lines: list[str]) -> list[str]:
    number = at(chance, lines)
    return [*lines[:number], chance.choice(["", " ", "\t"]), *lines[number:]]


def repeat_line(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(len(lines))
    return [*lines[:number], lines[number], *lines[number:]]


def lose_line(chance: random.Random, lines: list[str]) -> list[str]:
    number = chance.randrange(len(lines))
    return [*lines[:number], *lines[number + 1 :]]


def change_header(chance: random.Random, lines: list[str]) -> list[str]:
    return [
        chance.choice(
            ["series,time", "time,series,mw", "series;time;mw", "Series,Time,MW", "a,b,c", "", HEADER + ",x"]
        ),
        *lines[1:],
    ]


MUTATIONS: tuple[Mutation, ...] = (
    drop_cell, add_cell, put_quote, put_character, odd_number, blank_line, repeat_line, lose_line, change_header,
)  # fmt: skip


def broken_file(seed: int) -> bytes:
    """A good file with one to three defects, in one of several encodings and line ends, sometimes cut."""
    chance = random.Random(seed)
    lines = good_lines(chance)
    for _ in range(chance.randrange(1, 4)):
        lines = chance.choice(MUTATIONS)(chance, lines) if len(lines) > 1 else lines
    ends = [chance.choice(["\n", "\r\n"]) if chance.random() < 0.2 else "\n" for _ in lines]
    text = "".join(line + end for line, end in zip(lines, ends, strict=True))
    content = text.encode(chance.choice(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1"]), errors="replace")
    if chance.random() < 0.1:
        content = content[: chance.randrange(len(content) + 1)]
    if chance.random() < 0.1 and content:
        place = chance.randrange(len(content))
        content = content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :]
    return content


def records(content: bytes) -> list[list[str]] | None:
    """What Python reads: the header's and all other records, without empty lines; None when it is no CSV text."""
    try:
        text = content.decode("utf-8-sig")
        found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    return [each for each in found if each]


@pytest.mark.parametrize(
    "seeds", [range(CSV_FILES), pytest.param(range(CSV_FILES, ALL_CSV_FILES), marks=pytest.mark.full)]
)
def test_a_broken_csv_file_lands_whole_in_the_right_columns_or_not_at_all(desk: Desk, seeds: range) -> None:
    accepted = 0
    for seed in seeds:
        content = broken_file(seed)
        try:
            rows = desk.land(desk.write(content, f"{seed}.csv"), desk.source())
        except FileRejectedError:
            continue
        accepted += 1
        said = records(content)
        assert said is not None, f"{seed}: accepted what is no CSV text: {content!r}"
        header, *cells = said
        assert sorted(header) == sorted(HEADER.split(",")), f"{seed}: {content!r}"
        is_ragged = [len(each) < 3 or any(each[3:]) for each in cells]  # spreadsheets end lines with delimiters
        assert not any(is_ragged), f"{seed}: accepted a ragged row: {content!r}"
        assert len(rows) == len(cells), f"{seed}: rows were lost or made: {content!r}"
        place = header.index("series")
        assert [(row["series_id"] or "").strip() for row in rows] == [each[place].strip() for each in cells], seed
        assert all(row["load_mw"] is None or math.isfinite(row["load_mw"]) for row in rows), seed
        for row, cell in zip(rows, cells, strict=True):
            is_number = row["load_mw"] is not None
            assert is_number or not cell[header.index("mw")].strip() or "load_mw" in row["_parse_error"], (seed, cell)

    assert 0.2 * len(seeds) < accepted < 0.9 * len(seeds), "both outcomes are met"


PROBE = """
import sys
from pathlib import Path
import duckdb
from flows.errors import FileRejectedError
from tests.flows.sources.conftest import Desk
from tests.flows.sources.test_file_mutations import corrupted
from flows.sources.raw_tables import read_raw_tables
from tests.conftest import CHECKOUT

folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
whole = (folder / "whole.parquet").read_bytes()
tables = read_raw_tables(CHECKOUT / "transform/models/staging/_raw__sources.yml")
desk = Desk(connection=duckdb.connect(), raw_tables=tables, folder=folder)
for seed in range(first, last):
    print(seed, end=" ", flush=True)
    try:
        rows = desk.land(desk.write(corrupted(whole, seed), f"{seed}.parquet"), desk.source(format="parquet"))
        print("landed", len(rows), flush=True)
    except FileRejectedError:
        print("rejected", flush=True)
"""


def corrupted(whole: bytes, seed: int) -> bytes:
    """A file with one byte changed, or a few, or its end lost."""
    chance = random.Random(seed)
    content = bytearray(whole)
    for _ in range(chance.choice([1, 1, 1, 8])):
        content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    return bytes(content[: chance.randrange(len(content))]) if chance.random() < 0.1 else bytes(content)


@pytest.mark.parametrize(
    "seeds", [range(PARQUET_FILES), pytest.param(range(PARQUET_FILES, ALL_PARQUET_FILES), marks=pytest.mark.full)]
)
def test_a_corrupted_parquet_file_never_ends_the_process(tmp_path: Path, seeds: range) -> None:
    count = 4_000
    table = pa.table(
        {
            "series": [f"S{number * 7919 % 503}" for number in range(count)],
            "time": pa.array(range(count), pa.timestamp("s")),
            "mw": [number * 0.37 for number in range(count)],
        }
    )
    pq.write_table(table, tmp_path / "whole.parquet", compression="zstd")

    answer = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path), str(seeds.start), str(seeds.stop)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, f"{answer.stdout[-200:]} {answer.stderr[-2000:]}"
    outcomes = [line.split()[1:] for line in answer.stdout.splitlines()]
    assert len(outcomes) == len(seeds)
    assert {each[-1] for each in outcomes if each[0] == "landed"} <= {str(count)}, "rows delivered = rows landed"
    assert {each[0] for each in outcomes} == {"landed", "rejected"}
