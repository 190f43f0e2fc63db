"""The simulated utility: every injected defect against what the cleaning layer found.

What lives here: which finding each class of defect calls for (`simulated_defects.csv`), where each raw table's rows
are placed, and the comparison. What does not: injecting and logging defects (flows.sources.simulator.dirt).
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from flows.rule_checks.figures import GOAL, RuleFigure
from flows.rule_checks.queries import query_text, rows

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

NETWORK_ID = "SIM"
_NEVER = "cast(null as timestamptz)"
_PLACES = {
    "scada_load_readings": ("series_id", "interval_start_at"),
    "scada_events": ("source_address", "date_trunc('second', event_at)"),
    "scada_measurements": ("tag_id", "measured_at"),
    "weather_observations": ("station_id", "observed_at"),
    "market_prices": ("zone_id", "interval_start_at"),
    # Told apart by time: the log knows an outage's number before it was overwritten.
    "oms_outages": ("''", "started_at"),
    "oms_restoration_steps": ("''", "restored_at"),
    "oms_restoration_estimates": ("''", "issued_at"),
    "scada_alarms": ("point_id", "case when event_at >= '1990-01-01' then date_trunc('second', event_at) end"),
    "eam_work_orders": ("work_order_id", "opened_at"),
    "eam_transformers": ("asset_id", _NEVER),
    "gis_segments": ("segment_id", _NEVER),
    "vegetation_inspections": ("segment_id", "timezone('UTC', cast(inspected_on as timestamp))"),
    "ami_intervals": ("meter_id", "interval_start_at"),
}
"""What names and dates a row of a raw table, in SQL, as the log of defects does."""
_ROW_KEY = "_load_id, _source_file, _source_row"
# A wide row of load feeds several series.
_ROW_KEYS = {"scada_load_readings": f"{_ROW_KEY}, series_id"}


def simulated_figures(connection: duckdb.DuckDBPyConnection, defects_path: Path) -> tuple[RuleFigure, ...]:
    """Compare findings with the log of injected defects, class by class.

    Args:
        connection: Reads the warehouse as `warehouse`, writes in memory.
        defects_path: The simulator's log: raw_table, entity, time, defect_class.
    """
    connection.execute(query_text("simulated_findings.sql"), {"network_id": NETWORK_ID})
    for raw_table, (entity, found_at) in _PLACES.items():
        statement = query_text("simulated_set_aside.sql").format(
            raw_table=raw_table,
            candidates="staging.stg_" + raw_table.replace("_", "__", 1),
            entity=entity,
            found_at=found_at,
            row_key=_ROW_KEYS.get(raw_table, _ROW_KEY),
        )
        connection.execute(statement, {"network_id": NETWORK_ID})
    with resources.as_file(resources.files("flows.rule_checks") / "simulated_defects.csv") as expectations:
        compared = rows(
            connection,
            query_text("simulated_defects.sql"),
            {"expectations": str(expectations), "defects": str(defects_path)},
        )
    return tuple(
        RuleFigure(
            data_set=f"simulator {row['raw_table']}",
            rule=row["defect_class"],
            known_count=row["known_count"],
            found_count=row["found_count"],
            flagged_count=row["flagged_count"],
            right_count=row["right_count"],
            precision_goal=GOAL,
            recall_goal=GOAL,
            note=row["note"],
        )
        for row in compared
    )
