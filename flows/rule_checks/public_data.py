"""Public weather and outage data: defects the publisher documents, counted in what was delivered, against the flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.rule_checks.figures import GOAL, RuleFigure
from flows.rule_checks.queries import query_text, rows

if TYPE_CHECKING:
    import duckdb


def weather_figures(connection: duckdb.DuckDBPyConnection) -> tuple[RuleFigure, ...]:
    """Absurd wind, the repeated autumn hour and missing hours of the New York airports."""
    (counted,) = rows(connection, query_text("public_weather.sql"))
    return (
        _judged(
            "nyc_hourly_weather",
            "absurd wind (delivered: above 114 m/s)",
            counted,
            "wind",
            note=f"{counted['wind_used_count']} of these values used; {counted['wind_mild_count']} milder lone hours"
            " are flagged too",
        ),
        RuleFigure(
            data_set="nyc_hourly_weather",
            rule="repeated autumn hour, kept as two instants",
            known_count=counted["autumn_known_count"],
            found_count=counted["autumn_found_count"],
            recall_goal=1.0,
            note="the local clock repeats, time_hour does not: nothing to remove",
        ),
        _judged(
            "nyc_hourly_weather",
            "missing station-hours",
            counted,
            "gap",
            note=f"{counted['outside_count']} more of the year lie before the first and after the last reading:"
            f" {counted['gap_known_count'] + counted['outside_count']} in all",
        ),
    )


def outage_figures(connection: duckdb.DuckDBPyConnection) -> tuple[RuleFigure, ...]:
    """Re-used outage numbers and starts after the first report of the PG&E map."""
    (counted,) = rows(connection, query_text("public_outages.sql"))
    share_pct = 100 * counted["reused_known_count"] / max(counted["number_count"], 1)
    return (
        _judged(
            "pge_outages",
            "re-used outage numbers",
            counted,
            "reused",
            note=f"{share_pct:.1f} % of {counted['number_count']:,} numbers",
        ),
        _judged("pge_outages", "first seen before it started", counted, "skew", note=""),
    )


def customers_out_figures(connection: duckdb.DuckDBPyConnection) -> tuple[RuleFigure, ...]:
    """Readings of customers without power that repeat an older one."""
    (counted,) = rows(connection, query_text("public_customers_out.sql"))
    share_pct = 100 * counted["flagged_count"] / max(counted["reading_count"], 1)
    return (
        RuleFigure(
            data_set="eaglei_cook_county",
            rule="filled forward, not measured",
            flagged_count=counted["flagged_count"],
            note=f"{share_pct:.1f} % of {counted['reading_count']:,} readings in {counted['run_count']:,} runs, the"
            f" longest of {counted['longest_hours']:,.0f} h; nobody published which",
        ),
    )


def _judged(data_set: str, rule: str, counted: dict[str, Any], prefix: str, *, note: str) -> RuleFigure:
    """Make a figure with both goals from the columns that begin with the prefix."""
    return RuleFigure(
        data_set=data_set,
        rule=rule,
        known_count=counted[f"{prefix}_known_count"],
        found_count=counted[f"{prefix}_found_count"],
        flagged_count=counted[f"{prefix}_flagged_count"],
        right_count=counted[f"{prefix}_found_count"],
        precision_goal=GOAL,
        recall_goal=GOAL,
        note=note,
    )
