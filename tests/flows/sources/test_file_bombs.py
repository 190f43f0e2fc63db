"""Small files that want to become large (RELIABILITY F4): rejected quickly, in little memory, and the process lives.

Each is read in a process of its own, whose peak memory the kernel counts; a good file lands in it afterwards.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.errors import FileRejectedError
from flows.sources import delivered_rows
from tests.conftest import CHECKOUT
from tests.flows.sources.conftest import Desk

pytestmark = pytest.mark.slow

MAX_PEAK_MIB, MAX_SECONDS = 512, 10.0
HEADER = "series,time,mw"
LINE = "A,2026-01-01T00:00:00Z,1"
EXPANDED_BYTES = 300_000_000
LONG_LINE_BYTES = 400_000_000
COLUMN_COUNT = 60_000
PROBE = """
import json, sys, time
from pathlib import Path
import duckdb
from flows.errors import FileRejectedError
from tests.flows.sources.conftest import Desk
from flows.sources.raw_tables import read_raw_tables
from tests.conftest import CHECKOUT

bomb, good = Path(sys.argv[1]), Path(sys.argv[2])
tables = read_raw_tables(CHECKOUT / "transform/models/staging/_raw__sources.yml")
desk = Desk(connection=duckdb.connect(), raw_tables=tables, folder=good.parent)
started = time.process_time()  # what else the machine does is not the reader's doing
try:
    desk.land(bomb, desk.source(format="parquet" if bomb.suffix == ".parquet" else "csv"))
    reason = None
except FileRejectedError as error:
    reason = error.reason
seconds = time.process_time() - started
# VmHWM and not ru_maxrss: that one is handed down from whoever started this process
with open("/proc/self/status", encoding="ascii") as status:
    peak_mib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
landed = len(desk.land(good, desk.source()))
left = sum(each.stat().st_size for each in good.parent.rglob("*") if each.is_file() and each not in (bomb, good))
print(json.dumps({"reason": reason, "seconds": seconds, "peak_mib": peak_mib, "landed": landed, "left_bytes": left}))
"""


def pour(path: Path, first: bytes, repeated: bytes, count: int, opened: Callable[..., object] = open) -> None:
    """Write a text that repeats itself, in large pieces."""
    piece = repeated * (4_000_000 // len(repeated))
    with opened(path, "wb") as stream:  # type: ignore[attr-defined]  # open and gzip.open have no common type
        stream.write(first)
        for _ in range(count // len(piece) + 1):
            stream.write(piece)


def gzip_of_lines(folder: Path) -> Path:
    pour(folder / "bomb.csv.gz", f"{HEADER}\n".encode(), b"," * 2 + b"\n", EXPANDED_BYTES, gzip.open)
    assert EXPANDED_BYTES / (folder / "bomb.csv.gz").stat().st_size > 1_000
    return folder / "bomb.csv.gz"


def gzip_of_one_line(folder: Path) -> Path:
    pour(folder / "bomb.csv.gz", f"{HEADER}\n".encode(), b"A", EXPANDED_BYTES, gzip.open)
    return folder / "bomb.csv.gz"


def gzip_of_a_gzip(folder: Path) -> Path:
    inner = gzip_of_lines(folder)
    inner.write_bytes(gzip.compress(inner.read_bytes()))
    return inner


def one_long_line(folder: Path) -> Path:
    pour(folder / "line.csv", f"{HEADER}\n".encode(), b"A", LONG_LINE_BYTES)
    return folder / "line.csv"


def one_long_quoted_cell(folder: Path) -> Path:
    pour(folder / "quoted.csv", f'{HEADER}\n"'.encode(), b"A,\n", LONG_LINE_BYTES)
    return folder / "quoted.csv"


def many_columns(folder: Path) -> Path:
    names = ",".join(f"column_{number}" for number in range(COLUMN_COUNT))
    cells = ",".join("1" for _ in range(COLUMN_COUNT))
    (folder / "wide.csv").write_text("\n".join([names, *[cells] * 20, ""]))
    return folder / "wide.csv"


def many_parquet_columns(folder: Path) -> Path:
    pq.write_table(pa.table({f"column_{number}": [1.0] for number in range(COLUMN_COUNT)}), folder / "wide.parquet")
    return folder / "wide.parquet"


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        (gzip_of_lines, "expands more than 250 times"),
        (gzip_of_one_line, "a line is longer than"),
        (gzip_of_a_gzip, "gzip holds gzip"),
        (one_long_line, "a line is longer than"),
        (one_long_quoted_cell, "quotes are not closed"),
        (many_columns, "60,000 columns"),
        (many_parquet_columns, "60,000 columns"),
    ],
)
def test_a_bomb_is_rejected_in_little_memory_and_time(tmp_path: Path, bomb: Callable[[Path], Path], said: str) -> None:
    good = tmp_path / "good.csv"
    good.write_text(f"{HEADER}\n{LINE}\n")
    path = bomb(tmp_path)

    answer = subprocess.run(
        [sys.executable, "-c", PROBE, str(path), str(good)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stderr[-2000:]
    told = json.loads(answer.stdout.splitlines()[0])
    assert said in (told["reason"] or "landed")
    assert told["peak_mib"] < MAX_PEAK_MIB
    assert told["seconds"] < MAX_SECONDS
    assert told["landed"] == 1
    assert told["left_bytes"] < 100_000, "nothing of the bomb stays on the disk"


def test_a_small_parquet_file_of_countless_rows_is_rejected(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivered_rows, "MAX_PARQUET_VALUES", 3_000_000)
    count = 1_000_001
    table = pa.table({"series": pa.nulls(count, pa.string()), "time": pa.nulls(count), "mw": [1.0] * count})
    pq.write_table(table, desk.folder / "tall.parquet")

    with pytest.raises(FileRejectedError, match="holds 3,000,003 values"):
        desk.land(desk.folder / "tall.parquet", desk.source(format="parquet"))
