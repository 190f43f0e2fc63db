from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from flows.engine.landing.severe_weather import tell_severe_weather
from flows.engine.prefect.events import SEVERE_WEATHER, Event
from flows.warehouse.warehouse import Warehouse, open_warehouse

NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
ISSUED = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        opened.cursor().execute(
            "create schema if not exists raw; create table raw.weather_forecasts"
            " (network_id varchar, issued_at timestamptz, valid_at timestamptz, wind_gust_mps double)"
        )
        yield opened


def forecast(
    warehouse: Warehouse, network_id: str | None, *gusts_mps: float | None, issued_at: datetime = ISSUED
) -> None:
    for hour, gust in enumerate(gusts_mps):
        warehouse.cursor().execute(
            "insert into raw.weather_forecasts values (?, ?, ?, ?)",
            [network_id, issued_at, issued_at + timedelta(hours=hour), gust],
        )


def tell(warehouse: Warehouse, events: list[Event] | None = None, *, is_taken: bool = True) -> list[tuple[str, float]]:
    """Look as a run does after landing; return networks and gusts that were told."""

    def send(event: Event) -> bool:
        if events is not None and is_taken:
            events.append(event)
        return is_taken

    told = tell_severe_weather(warehouse, gust_mps=25.9, send=send, run_id=uuid4(), now=NOW)
    return [(each.network_id, each.gust_mps) for each in told]


def test_a_severe_issue_is_told_once_however_many_runs_follow(warehouse: Warehouse) -> None:
    events: list[Event] = []
    forecast(warehouse, "N", 12.0, 31.0, 27.0)

    told = [tell(warehouse, events) for _ in range(3)]

    assert told == [[("N", 31.0)], [], []]
    (event,) = events
    assert (event.name, event.resource_id) == (SEVERE_WEATHER, "gridweave.network.N")
    assert event.payload == {"network_id": "N", "issued_at": "2026-03-05T00:00:00+00:00", "gust_mps": "31.0"}


def test_a_newer_severe_issue_is_told_and_each_network_by_itself(warehouse: Warehouse) -> None:
    forecast(warehouse, "N", 30.0)
    forecast(warehouse, "M", 26.0)

    first = tell(warehouse)
    forecast(warehouse, "N", 28.0, issued_at=ISSUED + timedelta(hours=6))

    assert first == [("M", 26.0), ("N", 30.0)]
    assert tell(warehouse) == [("N", 28.0)]


def test_an_issue_that_a_calmer_one_replaced_is_not_told(warehouse: Warehouse) -> None:
    forecast(warehouse, "N", 40.0)
    forecast(warehouse, "N", 10.0, issued_at=ISSUED + timedelta(hours=6))

    assert tell(warehouse) == []


def test_broken_values_are_no_weather(warehouse: Warehouse) -> None:
    forecast(warehouse, "N", 25.8, 999.0, -40.0, None)
    forecast(warehouse, None, 40.0)
    forecast(warehouse, "M", 40.0, issued_at=NOW + timedelta(days=2))

    assert tell(warehouse) == []


def test_an_event_that_was_not_taken_is_told_by_the_next_run(warehouse: Warehouse) -> None:
    forecast(warehouse, "N", 30.0)

    assert tell(warehouse, is_taken=False) == []
    assert tell(warehouse) == [("N", 30.0)]
