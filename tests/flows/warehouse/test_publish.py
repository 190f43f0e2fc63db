from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest

from flows.errors import WarehouseError
from flows.warehouse.content import table_version
from flows.warehouse.publish import begin_snapshot, publish_ledger, publish_snapshot
from flows.warehouse.reader import NothingPublishedError, open_reader, time_limit
from flows.warehouse.warehouse import Warehouse, open_warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        cursor = opened.cursor()
        cursor.execute("create table ml.scores as select range as asset_id from range(10)")
        cursor.execute("create table reports.rpt_list as select 'é' as name")
        yield opened


def versions_of(warehouse: Warehouse, *keys: str) -> dict[str, str]:
    return {key: table_version(warehouse.cursor(), key)[0] for key in keys}


def publish(warehouse: Warehouse, folder: Path, *keys: str) -> tuple[str, ...]:
    publish_ledger(warehouse.cursor(), folder=folder)
    return publish_snapshot(warehouse.cursor(), folder=folder, versions=versions_of(warehouse, *keys))


def test_readers_see_what_was_published_while_the_owner_writes_on(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores", "reports/rpt_list")
    warehouse.cursor().execute("delete from ml.scores")

    with open_reader(tmp_path / "published") as reader:
        assert reader.execute("select count(*) from ml.scores").fetchall() == [(10,)]
        assert reader.execute("from reports.rpt_list").fetchall() == [("é",)]
        assert reader.execute("from lineage.released_materialization").fetchall() == []


def test_only_what_changed_is_copied_again(warehouse: Warehouse, tmp_path: Path) -> None:
    first = publish(warehouse, tmp_path / "published", "ml/scores", "reports/rpt_list")
    second = publish(warehouse, tmp_path / "published", "ml/scores", "reports/rpt_list")
    warehouse.cursor().execute("insert into ml.scores values (10)")
    third = publish(warehouse, tmp_path / "published", "ml/scores", "reports/rpt_list")

    assert first == ("ml/scores", "reports/rpt_list")
    assert second == ()
    assert third == ("ml/scores",)
    with open_reader(tmp_path / "published") as reader:
        assert reader.execute("select count(*) from ml.scores").fetchall() == [(11,)]


def test_a_table_that_is_no_asset_any_more_leaves_the_snapshot(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores", "reports/rpt_list")
    publish(warehouse, tmp_path / "published", "ml/scores")

    with open_reader(tmp_path / "published") as reader, pytest.raises(duckdb.CatalogException):
        reader.execute("from reports.rpt_list")


def test_a_copy_begun_early_gives_the_same_snapshot(warehouse: Warehouse, tmp_path: Path) -> None:
    folder, keys = tmp_path / "published", ("ml/scores", "reports/rpt_list")
    publish(warehouse, folder, *keys)
    (folder / "next.duckdb").write_bytes(b"left by a run that was killed")

    begun = begin_snapshot(folder)
    warehouse.cursor().execute("insert into ml.scores values (10)")
    changed = publish_snapshot(warehouse.cursor(), folder=folder, versions=versions_of(warehouse, *keys), begun=begun)

    assert changed == ("ml/scores",)
    assert not (folder / "next.duckdb").exists()
    with open_reader(folder) as reader:
        assert reader.execute("select count(*) from ml.scores").fetchall() == [(11,)]
        assert reader.execute("from reports.rpt_list").fetchall() == [("é",)]


def test_a_copy_that_failed_publishes_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    publish(warehouse, folder, "ml/scores")
    before = (folder / "current.duckdb").read_bytes()
    failed: Future[None] = Future()
    failed.set_exception(OSError(28, "No space left on device"))

    with pytest.raises(OSError, match="No space left"):
        publish_snapshot(warehouse.cursor(), folder=folder, versions={}, begun=failed)

    assert (folder / "current.duckdb").read_bytes() == before


def test_a_reader_that_was_open_keeps_its_generation(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores")

    with open_reader(tmp_path / "published") as reader:
        warehouse.cursor().execute("delete from ml.scores")
        publish(warehouse, tmp_path / "published", "ml/scores")

        assert reader.execute("select count(*) from ml.scores").fetchall() == [(10,)]


def test_publishing_the_ledger_alone_leaves_the_snapshot_byte_for_byte(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores")
    snapshot = tmp_path / "published" / "current.duckdb"
    before = hashlib.sha256(snapshot.read_bytes()).hexdigest()

    publish_ledger(warehouse.cursor(), folder=tmp_path / "published")

    assert hashlib.sha256(snapshot.read_bytes()).hexdigest() == before


def test_scores_and_reports_are_published_as_parquet_too(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores")

    file = tmp_path / "published" / "tables" / "ml.scores.parquet"

    assert duckdb.execute(f"select count(*) from '{file}'").fetchall() == [(10,)]


def test_reading_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError) as raised, open_reader(tmp_path / "published"):
        pass

    assert "gridweave run" in raised.value.hint


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to 'out.csv'",
        "attach 'other.duckdb'",
        "from read_csv('/etc/passwd')",
        "from '/etc/passwd'",
        "set enable_external_access = true",
        "install httpfs",
        "load httpfs",
        "delete from ledger.lineage.run",
        "drop table snapshot.ml.scores",
        "insert into snapshot.ml.scores values (1)",
    ],
)
def test_free_sql_can_do_nothing_but_read(warehouse: Warehouse, tmp_path: Path, statement: str) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores")

    with open_reader(tmp_path / "published") as reader, pytest.raises(duckdb.Error):
        reader.execute(statement)


def test_an_endless_query_is_cut(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", "ml/scores")
    endless = "select count(*) from range(1000000000) a, range(1000000) b where a.range % 7 = b.range % 11"

    with open_reader(tmp_path / "published") as reader:
        with pytest.raises(WarehouseError, match="was stopped"), time_limit(reader, 0.2):
            reader.execute(endless).fetchall()
        assert reader.execute("select 1").fetchall() == [(1,)]


def test_a_ledger_of_an_earlier_release_is_read_with_its_missing_tables_empty(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.cursor().execute("drop table lineage.column_code")
    publish(warehouse, tmp_path / "published", "ml/scores")

    with open_reader(tmp_path / "published") as reader:
        assert reader.execute("from lineage.column_code").fetchall() == []
        assert reader.execute("select count(*) from ml.scores").fetchall() == [(10,)]


def record(warehouse: Warehouse, key: str, days: list[str | None]) -> None:
    """Let the ledger say that an asset was made, and which days that changed."""
    identifier = uuid4()
    cursor = warehouse.cursor()
    cursor.execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, valid_from, recorded_at)"
        " values (?, ?, uuid(), 'c', ?, 'l', 'MATERIALIZED', now(), now())",
        [identifier, key, versions_of(warehouse, key)[key]],
    )
    cursor.executemany(
        "insert into lineage.materialization_day values (?, ?, ?, null, null)", [[identifier, key, day] for day in days]
    )


def published_days(warehouse: Warehouse, folder: Path) -> list[tuple[object, ...]]:
    key = "marts/fct_days"
    publish_snapshot(
        warehouse.cursor(), folder=folder, versions=versions_of(warehouse, key), day_columns={key: "reading_date"}
    )
    with duckdb.connect(str(folder / "current.duckdb"), read_only=True) as snapshot:
        return snapshot.execute("select day(reading_date), kwh from marts.fct_days order by all").fetchall()


def test_of_a_table_known_by_day_only_the_days_that_changed_are_written(warehouse: Warehouse, tmp_path: Path) -> None:
    cursor = warehouse.cursor()
    cursor.execute(
        "create table marts.fct_days as select date '2024-01-01' + range::int as reading_date, 1 as kwh from range(3)"
    )
    record(warehouse, "marts/fct_days", [None])
    published_days(warehouse, tmp_path / "published")
    cursor.execute("alter table marts.fct_days alter column kwh set not null")  # as a contract does
    cursor.execute("update marts.fct_days set kwh = 2 where reading_date < '2024-01-03'")
    cursor.execute("insert into marts.fct_days values ('2024-01-04', 2)")
    record(warehouse, "marts/fct_days", ["2024-01-02", "2024-01-04"])

    seen = published_days(warehouse, tmp_path / "published")

    assert seen == [(1, 1), (2, 2), (3, 1), (4, 2)]  # the first day is not in the log, so nobody looked at it


def test_a_table_known_by_day_is_written_whole_when_all_of_it_changed(warehouse: Warehouse, tmp_path: Path) -> None:
    cursor = warehouse.cursor()
    cursor.execute(
        "create table marts.fct_days as select date '2024-01-01' + range::int as reading_date, 1 as kwh from range(2)"
    )
    record(warehouse, "marts/fct_days", [None])
    published_days(warehouse, tmp_path / "published")
    cursor.execute("update marts.fct_days set kwh = 2")
    record(warehouse, "marts/fct_days", ["2024-01-01"])
    record(warehouse, "marts/fct_days", [None])

    assert published_days(warehouse, tmp_path / "published") == [(1, 2), (2, 2)]
