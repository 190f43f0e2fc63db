"""How quality went over the days that readings speak of, and who sends the worst.

What lives here: the queries and the bars drawn from them. What does not: days of arrival (quality_days), the page
(quality_page).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.web.snapshot_rows import rows_of

if TYPE_CHECKING:
    from datetime import date

    import duckdb

DAYS_SHOWN = 90
WORST_SHOWN = 10
FEWEST_READINGS = 20
"""Of fewer readings a share says nothing."""
CHART_WIDTH, CHART_HEIGHT = 900, 90
_LEAST_BAR = 1.5
_QUIET_SHARE = 0.05
"""A chart's scale reaches at least this share, so that a good feed looks good."""

_TREND_QUERIES = {
    "Historian points that are not GOOD": (
        "marts.fct_measurement_quality_daily",
        """select reading_date as day, sum(reading_count)::bigint as row_count,
            coalesce(sum(reading_count) filter (where quality <> 'GOOD'), 0)::bigint as bad_count
        from marts.fct_measurement_quality_daily group by day""",
    ),
    "Load intervals missing or flagged": (
        "marts.fct_load",
        """select timezone('UTC', interval_start_at)::date as day, count(*) as row_count, count(flag_code) as bad_count
        from marts.fct_load group by day""",
    ),
    "Transformer readings flagged": (
        "marts.fct_transformer_daily",
        """select reading_date as day, sum(reading_count)::bigint as row_count,
            sum(reading_count - good_reading_count + spike_count + unit_slip_count)::bigint as bad_count
        from marts.fct_transformer_daily group by day""",
    ),
}
_LATEST_DAYS = """
    select day, row_count, least(bad_count, row_count) as bad_count from (%s)
    where row_count > 0 qualify row_number() over (order by day desc) <= ? order by day
"""

_WORST_QUERIES = {
    "Remote terminals": (
        "marts.fct_point_quality",
        """select network_id, rtu_id as name, sum(reading_count)::bigint as row_count,
            sum(not_good_count)::bigint as bad_count, max_by(commonest_reason, not_good_count) as why
        from marts.fct_point_quality group by network_id, rtu_id""",
    ),
    "Historian points": (
        "marts.fct_point_quality",
        """select network_id, tag_id as name, reading_count as row_count, not_good_count as bad_count,
            commonest_reason as why from marts.fct_point_quality""",
    ),
    "Load series": (
        "marts.fct_load",
        """select network_id, series_id as name, count(*) as row_count, count(flag_code) as bad_count,
            mode(flag_code) as why
        from (from marts.fct_load qualify interval_start_at
            > max(interval_start_at) over (partition by network_id) - interval 28 day)
        group by network_id, series_id""",
    ),
    "Transformers": (
        "marts.fct_transformer_daily",
        """select network_id, asset_id as name, sum(reading_count)::bigint as row_count,
            least(sum(reading_count - good_reading_count + spike_count + unit_slip_count),
                sum(reading_count))::bigint as bad_count,
            case greatest(sum(spike_count), sum(stuck_reading_count), sum(unit_slip_count))
                when 0 then 'quality code' when sum(stuck_reading_count) then 'stuck'
                when sum(spike_count) then 'spikes' else 'unit slips' end as why
        from (from marts.fct_transformer_daily qualify reading_date
            > max(reading_date) over (partition by network_id) - 28)
        group by network_id, asset_id""",
    ),
}
_WORST_FIRST = """
    select network_id, name, row_count, bad_count, why from (%s)
    where bad_count > 0 and row_count >= ?
    order by bad_count / row_count desc, bad_count desc, network_id, name limit ?
"""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day of a chart, in drawing units, with the words a pointer shows."""

    start: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One chart.

    Args:
        title: What is counted.
        bars: One for each day that has readings, oldest first.
        first_day: Day of the first bar.
        last_day: Day of the last bar.
        top_share: Share that the full height stands for.
        mean_share: Share over all days shown.
    """

    title: str
    bars: tuple[Bar, ...]
    first_day: date
    last_day: date
    top_share: float
    mean_share: float


@dataclass(frozen=True, kw_only=True)
class WorstSource:
    """A sender of readings with many that are not good, in the last four weeks of its network."""

    network_id: str
    name: str
    row_count: int
    bad_count: int
    why: str | None


def read_trends(connection: duckdb.DuckDBPyConnection) -> tuple[Trend, ...]:
    """Return a chart for each kind of reading there is."""
    found = []
    for title, (relation, query) in _TREND_QUERIES.items():
        days = rows_of(connection, relation, _LATEST_DAYS % query, [DAYS_SHOWN])
        if days:
            found.append(_trend(title, [(row["day"], row["row_count"], row["bad_count"]) for row in days]))
    return tuple(found)


def read_worst(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[WorstSource, ...]]:
    """Return the worst senders by kind, worst first; a kind without any is left out."""
    found = {
        kind: tuple(
            WorstSource(**row)
            for row in rows_of(connection, relation, _WORST_FIRST % query, [FEWEST_READINGS, WORST_SHOWN])
        )
        for kind, (relation, query) in _WORST_QUERIES.items()
    }
    return {kind: worst for kind, worst in found.items() if worst}


def _trend(title: str, days: list[tuple[date, int, int]]) -> Trend:
    """Draw days at their place in time; a day without readings leaves a gap."""
    first, last = days[0][0], days[-1][0]
    step = CHART_WIDTH / ((last - first).days + 1)
    top = max(_QUIET_SHARE, *(bad / rows for _, rows, bad in days))
    bars = tuple(
        Bar(
            start=round((day - first).days * step, 2),
            width=round(max(step * 0.8, 1), 2),
            height=round(max(CHART_HEIGHT * bad / rows / top, _LEAST_BAR), 2),
            words=f"{day}: {bad:,} of {rows:,} ({bad / rows:.2%})",
        )
        for day, rows, bad in days
    )
    mean = sum(bad for *_, bad in days) / sum(rows for _, rows, _ in days)
    return Trend(title=title, bars=bars, first_day=first, last_day=last, top_share=top, mean_share=mean)
