"""EIA-930: flagged hours against the anomaly class published with them (Ruggles et al., Sci Data 7, 155, 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.rule_checks.figures import RuleFigure
from flows.rule_checks.queries import rows

if TYPE_CHECKING:
    import duckdb

PRECISION_GOAL, RECALL_GOAL = 0.95, 0.90

# An hour both sides call MISSING is no achievement, so it is counted in one of the two lines only.
_COUNTED = """
    select
        {series} as series,
        count(*) filter (where published_flag_code <> 'OKAY') as known_count,
        count(*) filter (where published_flag_code <> 'OKAY' and flag_code is not null) as found_count,
        count(*) filter (where flag_code is not null) as flagged_count,
        count(*) filter (where flag_code is not null and published_flag_code <> 'OKAY') as right_count
    from warehouse.intermediate.int_load_readings_screened
    where published_flag_code is not null {where}
    group by series
    order by series
"""
_ANOMALIES_ONLY = "and published_flag_code <> 'MISSING' and coalesce(flag_code, '') <> 'MISSING'"


def published_figures(connection: duckdb.DuckDBPyConnection) -> tuple[RuleFigure, ...]:
    """Compare flagged hours with published ones: over all series without and with missing hours, and per series.

    Args:
        connection: Reads the warehouse as `warehouse`.
    """
    parts = (
        ("anomalous hours, MISSING aside", "'all series'", _ANOMALIES_ONLY, ""),
        ("anomalous or MISSING hours", "'all series'", "", "a missing hour is found by looking; it flatters both"),
        ("anomalous hours, MISSING aside", "series_id", _ANOMALIES_ONLY, ""),
    )
    return tuple(
        _figure(rule, note, row)
        for rule, series, where, note in parts
        for row in rows(connection, _COUNTED.format(series=series, where=where))
    )


def _figure(rule: str, note: str, row: dict[str, Any]) -> RuleFigure:
    is_judged = row["series"] == "all series"
    return RuleFigure(
        data_set=f"eia930 {row.pop('series')}",
        rule=rule,
        precision_goal=PRECISION_GOAL if is_judged else None,
        recall_goal=RECALL_GOAL if is_judged else None,
        note=note,
        **row,
    )
