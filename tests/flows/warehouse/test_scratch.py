from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from flows.errors import WarehouseError
from flows.warehouse.scratch import content_key, open_scratch

KEY = content_key("7c9e6679-7425-40de-944b-e07fc1f90ae7")


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "current.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.dim_feeders as select 1 as feeder_id")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A file a scratch database may read, and one it may not."""
    allowed, other = tmp_path / "allowed.parquet", tmp_path / "other.parquet"
    for path in (allowed, other):
        duckdb.execute(f"copy (select 7 as load_kw) to '{path}' (format parquet)")
    return allowed, other


def test_recorded_sql_reads_the_given_files_and_nothing_else(
    tmp_path: Path, snapshot: Path, files: tuple[Path, Path]
) -> None:
    allowed, other = files

    with open_scratch(
        tmp_path / "scratch", database="warehouse", snapshot=snapshot, files=[allowed], threads=1
    ) as scratch:
        scratch.show(KEY, f"select * from read_parquet('{allowed}')")
        version, row_count = scratch.version(KEY)
        for statement in (
            f"select * from read_parquet('{other}')",
            f"copy (select 1 as a) to '{allowed}' (format parquet)",
            f"attach '{tmp_path / 'stolen.duckdb'}'",
            "insert into published_snapshot.marts.dim_feeders values (2)",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                scratch.connection.execute(statement)

    assert version.startswith("duckdb-hash-sum:1:")
    assert row_count == 1


def test_nothing_is_left_of_it_also_when_a_replay_raises(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError),
        open_scratch(tmp_path / "scratch", database="warehouse", snapshot=None, files=[], threads=1),
    ):
        raise RuntimeError("the replay broke")

    assert not list((tmp_path / "scratch").iterdir())


def test_names_bound_for_one_statement_are_gone_for_the_next(tmp_path: Path) -> None:
    with open_scratch(tmp_path / "scratch", database="warehouse", snapshot=None, files=[], threads=1) as scratch:
        scratch.bind("marts/dim_feeders", "select 1 as feeder_id")
        scratch.release_names()

        with pytest.raises(duckdb.CatalogException):
            scratch.connection.execute("from marts.dim_feeders")


def test_a_replay_in_other_columns_than_were_recorded_is_refused(tmp_path: Path) -> None:
    with open_scratch(tmp_path / "scratch", database="warehouse", snapshot=None, files=[], threads=1) as scratch:
        with pytest.raises(WarehouseError, match="load_kw"):
            scratch.fill(KEY, "select 1 as load_mw", columns=[("load_kw", "INTEGER")], rows="true")
        scratch.fill(KEY, "select 1 as b, 2 as a", columns=[("a", "BIGINT"), ("b", "INTEGER")], rows="a = 2")

        assert scratch.connection.execute(f"describe {KEY.replace('/', '.')}").fetchall()[0][:2] == ("a", "BIGINT")
