"""The log of days that dbt's hook writes: when nothing was known, when days vanish, for rows without a day."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.lineage.day_records import days_changed_since
from flows.warehouse.content import table_version
from flows.warehouse.warehouse import open_warehouse
from tests.transform.conftest import PROJECT
from tests.transform.dbt_forks import FORKS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("transform")]  # one process has imported dbt

KEY = "marts/daily"
DAYS = "meta={'days': {'column': 'reading_date'}},"
MODEL = """
{{{{ config(schema="marts", materialized="incremental", incremental_strategy="days", {days}
            pre_hook="{{{{ choose_days() }}}}", post_hook="{{{{ record_materialization() }}}}") }}}}
select reading_date, reading from raw.readings where {{{{ in_days("reading_date") }}}}
"""


@dataclass(frozen=True)
class SmallProject:
    """One model over one table, with the macros of the real project."""

    home: Path

    def make(self, *readings: tuple[str | None, int], is_known_by_day: bool = True, days: tuple[str, ...] = ()) -> str:
        """Let dbt make the model from these readings, whole or some days of it; returns its materialization."""
        model = self.home / "models" / "daily.sql"
        model.parent.mkdir(exist_ok=True)
        model.write_text(MODEL.format(days=DAYS if is_known_by_day else ""))
        with open_warehouse(self.home / "warehouse.duckdb") as warehouse:
            cursor = warehouse.cursor()
            cursor.execute("create schema if not exists raw")
            cursor.execute("create or replace table raw.readings (reading_date date, reading integer)")
            cursor.executemany("insert into raw.readings values (?, ?)", readings)
        variables = {"days": {KEY: list(days)}} if days else {}
        code, printed = FORKS.run(
            [
                "--quiet", "run", "--vars", json.dumps(variables),
                "--project-dir", str(self.home), "--profiles-dir", str(PROJECT),
            ],
            folder=self.home,
            environment={**os.environ, "GRIDWEAVE_WAREHOUSE": str(self.home / "warehouse.duckdb")},
        )  # fmt: skip
        assert code == 0, printed
        with open_warehouse(self.home / "warehouse.duckdb") as warehouse:
            cursor = warehouse.cursor()
            ((made, version),) = cursor.execute(
                "select materialization_id::varchar, data_version from lineage.current_materialization"
            ).fetchall()
            assert version == table_version(cursor, KEY)[0]
            return str(made)

    def changed_since(self, materialization_id: str) -> set[str] | None:
        """Days that the log names; None for all."""
        with open_warehouse(self.home / "warehouse.duckdb") as warehouse:
            return days_changed_since(warehouse.cursor(), KEY, materialization_id)


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    shutil.copytree(PROJECT / "macros", tmp_path / "macros")
    (tmp_path / "dbt_project.yml").write_text("name: small\nprofile: gridweave\nmodel-paths: [models]\n")
    return SmallProject(tmp_path)


def test_the_first_log_names_all_days_and_later_ones_those_that_changed(project: SmallProject) -> None:
    unlogged = project.make(("2024-01-01", 1), ("2024-01-02", 1), is_known_by_day=False)
    first = project.make(("2024-01-02", 1), ("2024-01-03", 1), (None, 1))

    assert project.changed_since(unlogged) is None  # 2024-01-01 is gone, and no log ever named it

    second = project.make(("2024-01-02", 1), ("2024-01-03", 2), (None, 1), days=("2024-01-03",))
    assert project.changed_since(first) == {"2024-01-03"}

    third = project.make(("2024-01-03", 2), (None, 1))
    assert project.changed_since(second) == {"2024-01-02"}  # it vanished; the rows without a day are as they were

    project.make(("2024-01-03", 2))
    assert project.changed_since(third) is None  # rows without a day vanished: nobody knows what was made of them
