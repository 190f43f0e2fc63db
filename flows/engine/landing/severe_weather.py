"""Telling that severe weather is forecast, once per network and forecast issue.

What lives here: finding severe issues among what has landed, and remembering which were told. What does not: what
follows from the event (flows.engine.prefect.automations).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.engine.prefect.events import SEVERE_WEATHER, Event
from flows.lineage.emitted_events import EmittedEvent, record_events, told_occurrences

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    import duckdb

    from flows.warehouse.warehouse import Warehouse

FORECASTS = "raw/weather_forecasts"
GUST_MAXIMUM_MPS = 114.0
"""A forecast beyond is an error, not weather: WMO record 113.3 m/s (Barrow Island 1996); dbt's `wind_maximum_mps`."""
CLOCK_TOLERANCE = timedelta(hours=24)
"""An issue further in the future has a wrong stamp; dbt's `future_tolerance_hours`."""


@dataclass(frozen=True, kw_only=True)
class SevereIssue:
    """The last forecast issue of a network, when it is severe.

    Args:
        network_id: The network.
        issued_at: The issue, UTC.
        gust_mps: Highest forecast gust, m/s.
    """

    network_id: str
    issued_at: datetime
    gust_mps: float

    @property
    def resource_id(self) -> str:
        """What the event is about."""
        return f"gridweave.network.{self.network_id}"


def untold_issues(cursor: duckdb.DuckDBPyConnection, *, gust_mps: float, now: datetime) -> tuple[SevereIssue, ...]:
    """Return the severe among the last issues of all networks that no event has told.

    Args:
        cursor: The warehouse's.
        gust_mps: Forecast gust from which an issue is severe, m/s.
        now: The clock.
    """
    rows = cursor.execute(
        "with issues as ("
        " select network_id, issued_at, max(wind_gust_mps) filter (wind_gust_mps between 0 and ?) as gust_mps"
        " from raw.weather_forecasts where network_id is not null and issued_at <= ?"
        " group by network_id, issued_at"
        " qualify issued_at = max(issued_at) over (partition by network_id))"
        " select network_id, issued_at, gust_mps from issues where gust_mps >= ? order by network_id",
        [GUST_MAXIMUM_MPS, now + CLOCK_TOLERANCE, gust_mps],
    ).fetchall()
    found = (SevereIssue(network_id=key, issued_at=issued_at, gust_mps=gust) for key, issued_at, gust in rows)
    told = told_occurrences(cursor, SEVERE_WEATHER)
    return tuple(each for each in found if (each.resource_id, each.issued_at.isoformat()) not in told)


def tell_severe_weather(
    warehouse: Warehouse,
    *,
    gust_mps: float,
    send: Callable[[Event], bool],
    run_id: UUID,
    now: datetime,
) -> tuple[SevereIssue, ...]:
    """Send one event for each severe issue that was not told, and remember it.

    Told first, remembered after: killed between, an issue is told twice, and the second storm run finds all fresh.

    Args:
        warehouse: The open warehouse, after landing.
        gust_mps: Forecast gust from which an issue is severe, m/s.
        send: Hands an event over; False when it was not taken, and the next run tries again.
        run_id: The run that landed.
        now: The clock.

    Returns:
        What was told.
    """
    untold = untold_issues(warehouse.cursor(), gust_mps=gust_mps, now=now)
    told = tuple(each for each in untold if send(_event(each, now)))
    if told:
        with warehouse.transaction() as cursor:
            record_events(cursor, [_record(each, now) for each in told], run_id=run_id, emitted_at=now)
    return told


def _event(issue: SevereIssue, now: datetime) -> Event:
    return Event(
        name=SEVERE_WEATHER,
        resource_id=issue.resource_id,
        occurred_at=now,
        payload={
            "network_id": issue.network_id,
            "issued_at": issue.issued_at.isoformat(),
            "gust_mps": f"{issue.gust_mps:.1f}",
        },
    )


def _record(issue: SevereIssue, now: datetime) -> EmittedEvent:
    event = _event(issue, now)
    return EmittedEvent(
        event_name=event.name,
        resource_id=event.resource_id,
        occurrence=issue.issued_at.isoformat(),
        payload=event.payload,
    )
