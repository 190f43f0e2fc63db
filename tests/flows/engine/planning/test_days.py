from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import duckdb
import pytest

from flows.assets.days import Days
from flows.assets.definition import AssetDefinition
from flows.assets.graph import AssetGraph
from flows.assets.plan import Cause
from flows.engine.planning.days import day_variables, days_to_make, is_waiting_for_days, spoken
from flows.lineage.day_records import record_days

if TYPE_CHECKING:
    from flows.engine.engine import Engine

RAW, REGISTER, STAGED, WEATHER, DAILY, FACT = (
    "raw/readings", "intermediate/register", "staging/readings", "intermediate/weather", "intermediate/daily",
    "marts/fct",
)  # fmt: skip
BY_DAY = Days(column="reading_date")
GRAPH = AssetGraph(
    [
        AssetDefinition(key=RAW, engine="landing", kind="raw", days=Days(column="_event_date", event_column="read_at")),
        AssetDefinition(key=REGISTER, engine="dbt", kind="table"),
        AssetDefinition(key=WEATHER, engine="dbt", kind="table", days=Days(column="at", is_whole=True)),
        AssetDefinition(key=STAGED, engine="dbt", kind="view", deps=(RAW,), days=BY_DAY),
        AssetDefinition(key=DAILY, engine="dbt", kind="table", deps=(REGISTER, STAGED, WEATHER), days=BY_DAY),
        AssetDefinition(key=FACT, engine="dbt", kind="table", deps=(DAILY,), days=BY_DAY),
    ]
)
DATA = (Cause.DATA,)


@dataclass
class Ledger:
    """A ledger in memory; `make` records an asset as made from what is there."""

    connection: duckdb.DuckDBPyConnection
    latest: dict[str, tuple[UUID, str]] = field(default_factory=dict)

    def make(self, *keys: str, days: Iterable[str] | None = None) -> None:
        for key in keys:
            identifier, version = uuid4(), f"v{uuid4()}"
            self.connection.execute(
                "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version,"
                " data_version, logical_version, event_kind, valid_from, recorded_at)"
                " values (?, ?, uuid(), 'c', ?, 'l', 'MATERIALIZED', now(), now())",
                [identifier, key, version],
            )
            for upstream in GRAPH[key].deps:
                self.connection.execute(
                    "insert into lineage.materialization_input (materialization_id, input_materialization_id,"
                    " upstream_key, upstream_data_version) values (?, ?, ?, ?)",
                    [identifier, self.latest[upstream][0], upstream, self.latest[upstream][1]],
                )
            if GRAPH[key].days is not None:
                changed = None if days is None else list(days)
                record_days(self.connection, identifier, key, changed, recorded_at=datetime(2026, 3, 29, tzinfo=UTC))
            self.latest[key] = (identifier, version)

    def ask(
        self, *running: str, cause: Cause | None = Cause.DATA, dropped: tuple[str, ...] = ()
    ) -> dict[str, tuple[str, ...] | None]:
        return days_to_make(self.connection, GRAPH, running, dict.fromkeys(running, (cause,)), dropped=dropped)


@pytest.fixture
def ledger() -> Ledger:
    """Everything made once, whole."""
    connection = duckdb.connect()
    connection.execute(resources.files("flows.lineage").joinpath("schema.sql").read_text(encoding="utf-8"))
    made = Ledger(connection)
    made.make(*GRAPH.order)
    return made


def test_days_go_from_the_raw_table_through_all_that_runs(ledger: Ledger) -> None:
    ledger.make(RAW, days=["2024-01-07", "2024-01-03"])

    assert ledger.ask(STAGED, DAILY, FACT) == dict.fromkeys((STAGED, DAILY, FACT), ("2024-01-03", "2024-01-07"))


def test_a_model_that_was_left_behind_catches_up(ledger: Ledger) -> None:
    ledger.make(RAW, days=["2024-01-07"])
    ledger.make(STAGED, days=["2024-01-07"])
    ledger.make(RAW, days=["2024-01-08"])

    assert ledger.ask(STAGED, DAILY)[DAILY] == ("2024-01-07", "2024-01-08")


def test_days_of_a_table_that_is_made_whole_count_when_it_is_made(ledger: Ledger) -> None:
    ledger.make(WEATHER, days=["2024-01-09"])

    assert ledger.ask(DAILY) == {STAGED: (), DAILY: ("2024-01-09",), FACT: ()}


def test_an_input_that_is_not_known_by_day_makes_all_days(ledger: Ledger) -> None:
    ledger.make(RAW, days=["2024-01-07"])
    ledger.make(REGISTER)

    assert ledger.ask(STAGED, DAILY, FACT) == {STAGED: ("2024-01-07",), DAILY: None, FACT: None}


def test_an_input_of_which_all_days_changed_makes_all_days(ledger: Ledger) -> None:
    ledger.make(RAW, days=None)

    assert ledger.ask(STAGED)[STAGED] is None


@pytest.mark.parametrize("cause", [Cause.CODE, Cause.CHECK, Cause.ENV, None])
def test_any_other_cause_makes_all_days(ledger: Ledger, cause: Cause | None) -> None:
    ledger.make(RAW, days=["2024-01-07"])

    assert ledger.ask(STAGED, cause=cause)[STAGED] is None


def test_a_table_that_somebody_dropped_is_made_whole_and_so_is_what_reads_it(ledger: Ledger) -> None:
    ledger.make(RAW, days=["2024-01-07"])

    asked = ledger.ask(STAGED, DAILY, FACT, dropped=(DAILY,))

    assert asked == {STAGED: ("2024-01-07",), DAILY: None, FACT: None}


def test_dbt_is_told_no_days_of_a_table_that_is_not_there(ledger: Ledger) -> None:
    ledger.make(RAW, days=["2024-01-07"])
    ledger.connection.execute("create schema intermediate; create schema marts")
    ledger.connection.execute("create table intermediate.daily (reading_date date)")
    engine = cast("Engine", SimpleNamespace(warehouse=ledger.connection, graph=GRAPH))
    batch = dict.fromkeys((STAGED, DAILY, FACT), DATA)

    told = day_variables(engine, batch, batch)
    ledger.connection.execute("create table marts.fct (reading_date date)")
    told_of_all = day_variables(engine, batch, batch)

    assert told == {"days": {STAGED: ["2024-01-07"], DAILY: ["2024-01-07"]}}
    assert told_of_all == {"days": {key: ["2024-01-07"] for key in batch}}


def test_a_model_that_was_never_made_is_made_whole(ledger: Ledger) -> None:
    ledger.connection.execute("delete from lineage.materialization where asset_key = ?", [FACT])

    assert ledger.ask(FACT, cause=Cause.DATA)[FACT] is None


@pytest.mark.parametrize(
    ("key", "inside", "causes", "is_waiting"),
    [
        (DAILY, {WEATHER}, DATA, True),
        (DAILY, {REGISTER}, DATA, True),
        (DAILY, {STAGED}, DATA, False),
        (DAILY, {REGISTER}, (None,), False),
        (REGISTER, {WEATHER}, DATA, False),
    ],
    ids=["made whole", "not known by day", "made by day", "all of it anyway", "nothing to gain"],
)
def test_a_model_waits_for_inputs_whose_days_are_known_later(
    key: str, inside: set[str], causes: tuple[Cause | None, ...], is_waiting: bool
) -> None:
    assert is_waiting_for_days(GRAPH, key, causes, inside) is is_waiting


def test_days_that_follow_each_other_are_spoken_as_a_range() -> None:
    assert spoken(("2024-02-28", "2024-02-29", "2024-03-01", "2024-03-09")) == "2024-02-28..2024-03-01, 2024-03-09"
