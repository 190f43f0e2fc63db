"""A utility in a warehouse of a few rows: reports and the scores behind them, released, and ways to change them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from flows.clock import Clock
from flows.delivery.deciding import Decisions
from flows.delivery.making import Made, make_messages
from flows.delivery.outbox_ledger import NewMessage, Outbox
from flows.delivery.relay import Delivered, Relay
from flows.delivery.systems import System, open_system
from flows.delivery.targets import Target
from flows.lineage.audit.chain import append_rows
from flows.lineage.audit.sealing import waiting_rows
from flows.lineage.audit.verification import _row_findings, _walk
from flows.warehouse.warehouse import Warehouse, open_warehouse

NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
RUN = UUID("00000000-0000-4000-8000-000000000001")
NETWORK = "N"
DOUBT = "40 % of what the model relies on is unknown."

_TABLES = """
create table reports.rpt_work_orders (
  network_id varchar, asset_id varchar, recommended_work_type varchar, recommended_action varchar, priority integer,
  due_date date, reason_text varchar, substation_id varchar, feeder_id varchar, failure_probability double,
  expected_customers_out double, risk_usd double, is_low_confidence boolean, low_confidence_reason varchar,
  materialization_id varchar, model_version varchar, scored_at timestamptz);
create table reports.rpt_crew_plan (
  network_id varchar, substation_id varchar, outage_date date, crew_count integer, crews_needed double,
  feeder_count integer, expected_outage_count double, expected_repair_hours double, expected_customers_out double,
  is_low_confidence boolean, low_confidence_reason varchar, materialization_id varchar, model_version varchar,
  scored_at timestamptz);
create table reports.rpt_market_schedule (
  network_id varchar, series_id varchar, valid_at timestamptz, issued_at timestamptz, bid_mw double,
  price_usd_per_mwh double, is_fallback boolean, materialization_id varchar, model_version varchar,
  scored_at timestamptz);
create table reports.rpt_voltage_plan (
  network_id varchar, feeder_id varchar, valid_at timestamptz, issued_at timestamptz, set_point_v double,
  end_of_feeder_voltage_v double, is_within_limits boolean, is_fallback boolean, materialization_id varchar,
  model_version varchar, scored_at timestamptz);
create table marts.dim_networks (network_id varchar, time_zone varchar);
insert into marts.dim_networks values ('N', 'America/New_York');
"""
REPORTS = ("rpt_work_orders", "rpt_crew_plan", "rpt_market_schedule", "rpt_voltage_plan")


@dataclass
class SimulatedClock:
    """A clock that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)


@dataclass
class Utility:
    """A warehouse that is owned, with reports, and a clock that stands still.

    Args:
        warehouse: The warehouse.
        home: Its home.
        clock: The clock.
    """

    warehouse: Warehouse
    home: Path
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    systems: dict[str, System] = field(default_factory=dict)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement."""
        return self.warehouse.cursor().execute(statement, list(values)).fetchall()

    def orders(self, *assets: str, priority: int = 2, low_confidence: Sequence[str] = ()) -> None:
        """Let the work list hold exactly these assets."""
        self.sql("delete from reports.rpt_work_orders")
        for asset in assets:
            self.sql(
                "insert into reports.rpt_work_orders values ('N', ?, 'INSP', 'Inspect the unit.', ?, ?, 'Old oil.',"
                " 'S1', 'F1', 0.2, 10, 1000, ?, ?, 'scores', '1-abc', ?)",
                asset, priority, (self.clock.now + timedelta(days=7)).date(), asset in low_confidence,
                DOUBT if asset in low_confidence else None, self.clock.now,
            )  # fmt: skip

    def many_orders(self, count: int, *, priority: int = 2) -> None:
        """Let the work list hold assets T0000000, T0000001, …"""
        self.sql("delete from reports.rpt_work_orders")
        self.sql(
            "insert into reports.rpt_work_orders select 'N', printf('T%07d', range), 'INSP', 'Inspect the unit.', ?,"
            " date '2026-03-12', 'Old oil.', 'S1', 'F1', 0.2, 10, 1000, false, null, 'scores', '1-abc', ?"
            " from range(?)",
            priority, self.clock.now, count,
        )  # fmt: skip

    def backlog(self, count: int) -> None:
        """Queue two messages about each of count / 2 assets, the second behind the first, without a report."""
        body = json.dumps({"Payload": {"WorkRequest": {"reason": "Old oil. " * 100}}})
        for first in range(0, count, 10_000):
            with self.warehouse.transaction() as cursor:
                outbox = Outbox(cursor, now=self.clock(), run_id=RUN)
                for number in range(first, min(first + 10_000, count)):
                    key, revision = f"N/T{number // 2:07}", number % 2 + 1
                    outbox.add(
                        NewMessage(
                            message_id=str(uuid5(RUN, str(number))), target="eam", message_type="work_request",
                            business_key=key, revision=revision, verb="create" if revision == 1 else "change",
                            idempotency_key=f"{key}.{revision}", content_sha256="", body=body, needs_approval=False,
                            asset_key="reports/rpt_work_orders", materialization_id=str(RUN),
                        )
                    )  # fmt: skip
                outbox.flush()

    def crews(self, day: str, *, low_confidence: Sequence[str] = (), **bases: int) -> None:
        """Let the crew plan hold these bases on a day."""
        self.sql("delete from reports.rpt_crew_plan")
        for base, crews in bases.items():
            self.sql(
                "insert into reports.rpt_crew_plan values"
                " ('N', ?, ?, ?, 1.5, 2, 3, 4, 50, ?, ?, 'scores', '1-abc', ?)",
                base, day, crews, base in low_confidence, DOUBT if base in low_confidence else None, self.clock.now,
            )  # fmt: skip

    def hourly(self, report: str, issued_at: datetime, values: Sequence[float], name: str = "F1") -> None:
        """Let the market schedule or the voltage plan hold one value an hour from the hour of issue on."""
        self.sql(f"delete from reports.{report}")
        middle = "?, 40.0" if report == "rpt_market_schedule" else "?, 115.0, true"
        for hour, value in enumerate(values):
            self.sql(
                f"insert into reports.{report} values ('N', ?, ?, ?, {middle}, false, 'scores', '1-abc', ?)",
                name, issued_at + timedelta(hours=hour), issued_at, value, self.clock.now,
            )  # fmt: skip

    def release(self, *names: str) -> str:
        """Record that reports were made and passed every check; return the last one's materialization."""
        identifier = ""
        for key in [*(f"reports/{name}" for name in names or REPORTS), "marts/dim_networks"]:
            identifier = str(uuid4())
            with self.warehouse.transaction() as cursor:
                cursor.execute(
                    "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version,"
                    " data_version, logical_version, event_kind, valid_from, recorded_at) values"
                    " (?, ?, ?, 'c', 'd', 'l', 'MATERIALIZED', ?, ?)",
                    [identifier, key, str(RUN), self.clock.now, self.clock.now],
                )
                append_rows(cursor, "materialization", [[identifier]], recorded_at=self.clock.now)
        return identifier

    def make(self, *targets: Target) -> Made:
        """Make messages."""
        return make_messages(self.warehouse, {each.name: each for each in targets}, now=self.clock(), run_id=RUN)

    def deliver(self, *targets: Target, limit_seconds: float = 600.0, **options: Any) -> list[Delivered]:
        """Relay once, to the systems set for the targets or their own."""

        def opened(described: Target, *, home: Path, clock: Clock) -> System:
            return self.systems.get(described.name) or open_system(described, home=home, clock=clock)

        relay = Relay(
            warehouse=self.warehouse, home=self.home, run_id=RUN, clock=self.clock, limit_seconds=limit_seconds,
            generator=random.Random(7), open_system=opened, **options,
        )  # fmt: skip
        return relay.deliver({each.name: each for each in targets})

    def decide(self, actor: str = "maria") -> Decisions:
        """Decide as a person."""
        return Decisions(warehouse=self.warehouse, run_id=RUN, now=self.clock(), actor=actor)

    def messages(self, *columns: str) -> list[tuple[Any, ...]]:
        """Messages in the order they were made."""
        named = ", ".join(columns or ("business_key", "revision", "verb", "state"))
        return self.sql(f"select {named} from lineage.outbox_message order by seq")

    def assert_chain_holds(self) -> None:
        """Check that every row of the outbox is the one the audit chain recorded last."""
        cursor = self.warehouse.cursor()
        entries, _, broken = _walk(cursor, set())
        assert broken is None, broken
        assert list(_row_findings(self.warehouse.cursor(), waiting_rows(cursor), entries)) == []


@contextmanager
def utility(home: Path) -> Iterator[Utility]:
    """Open a utility with empty reports."""
    with open_warehouse(home / "warehouse.duckdb") as warehouse:
        there = warehouse.cursor().execute("select 1 from duckdb_tables() where table_name = 'rpt_work_orders'")
        if not there.fetchall():
            warehouse.cursor().execute(_TABLES)
        yield Utility(warehouse, home)


def target(name: str = "eam", *messages: str, **changes: Any) -> Target:
    """Describe a target; a folder unless another system is given."""
    described = {"name": name, "description": "A system.", "owner": "operations", "system": {"kind": "file"}}
    return Target.model_validate(described | {"messages": messages or ("work_request",)} | changes)
