from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from flows.errors import WarehouseError
from flows.warehouse.content import VOLATILE_COLUMNS, column_versions, columns_of, table_version
from flows.warehouse.declared import create_missing_tables
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import CHECKOUT


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        with pytest.raises(duckdb.ConversionException), warehouse.transaction() as cursor:
            cursor.execute("create table ml.t as select 1 as a; select 'x'::integer")

        assert columns_of(warehouse.cursor(), "ml/t") == ()


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as warehouse, warehouse.transaction() as cursor:
        cursor.execute("create table ml.t as select 1 as a")

    with open_warehouse(path) as warehouse:
        assert warehouse.cursor().execute("from ml.t").fetchall() == [(1,)]


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"this is not a database" * 1000)

    with pytest.raises(WarehouseError, match="cannot be opened"), open_warehouse(path):
        pass

    assert path.read_bytes().startswith(b"this is not")


def test_the_data_version_follows_content_and_not_order(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute("create table ml.a as select i, i / 3 as x from range(100) r(i)")
        cursor.execute("create table ml.b as select i, i / 3 as x from range(100) r(i) order by i desc")
        cursor.execute("create table ml.c as select i, i / 3 + 1e-9 as x from range(100) r(i)")

        assert table_version(cursor, "ml/a") == table_version(cursor, "ml/b")
        assert table_version(cursor, "ml/a") != table_version(cursor, "ml/c")
        assert table_version(cursor, "ml/a")[1] == 100


@pytest.mark.parametrize("column", sorted(VOLATILE_COLUMNS))
def test_columns_of_the_run_itself_do_not_count(tmp_path: Path, column: str) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute(f"create table ml.a as select 1 as x, 'first' as {column}")
        cursor.execute(f"create table ml.b as select 1 as x, 'second' as {column}")

        assert table_version(cursor, "ml/a") == table_version(cursor, "ml/b")


def test_declared_tables_are_made_once_and_kept(tmp_path: Path) -> None:
    declared = {"ml/scores": (("asset_id", "varchar"), ("scored_at", "timestamptz"))}
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        with warehouse.transaction() as cursor:
            create_missing_tables(cursor, declared)
            cursor.execute("insert into ml.scores values ('T1', now())")
        with warehouse.transaction() as cursor:
            create_missing_tables(cursor, declared)

        assert warehouse.cursor().execute("select count(*) from ml.scores").fetchall() == [(1,)]
        assert columns_of(warehouse.cursor(), "ml/scores")[0] == ("asset_id", "VARCHAR")


def test_the_dbt_hook_leaves_out_the_same_columns() -> None:
    hook = CHECKOUT / "transform" / "macros" / "lineage" / "record_materialization.sql"

    named = re.findall(r"column\.name not in \[([^\]]*)\]", " ".join(hook.read_text(encoding="utf-8").split()))

    assert {each.strip(' "') for each in named[0].split(",")} == VOLATILE_COLUMNS


def test_column_versions_tell_which_column_changed_and_bind_values_to_rows(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute("create table ml.a as select i as row_id, i % 3 as x, i % 5 as y from range(100) as rows (i)")
        cursor.execute("create table ml.b as select row_id, x, y + 1 as y from ml.a")
        cursor.execute("create table ml.shorter as from ml.a where row_id < 99")
        cursor.execute("create table ml.swapped as select row_id, if(row_id < 2, 1 - row_id, x) as x, y from ml.a")

        a, b, shorter, swapped = (column_versions(cursor, f"ml/{name}") for name in ("a", "b", "shorter", "swapped"))

    assert {name for name in a if a[name] != b[name]} == {"y"}
    assert a["*"] != shorter["*"]
    assert {name for name in a if a[name] != swapped[name]} == {"x"}


def test_without_a_unique_key_nothing_is_known_about_single_columns(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute("create table ml.twice as select 1 as row_id, unnest([1, 2]) as x")
        cursor.execute("create table ml.keyless as select 1 as x")
        cursor.execute("create table ml.empty as select 1 as row_id where false")

        assert [column_versions(cursor, f"ml/{name}") for name in ("twice", "keyless", "empty")] == [{}, {}, {}]


def test_a_run_holds_no_more_memory_than_it_may(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb", memory_gb=0.25) as warehouse:
        cursor = warehouse.cursor()
        limit = cursor.execute("select current_setting('memory_limit')").fetchall()
        # a million groups of long texts need more than that and are spilled
        found = cursor.execute(
            "select count(*) from (select distinct repeat(range::varchar, 60) from range(1_000_000))"
        ).fetchall()

    assert limit == [("238.4 MiB",)]
    assert found == [(1_000_000,)]
