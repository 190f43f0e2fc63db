"""The simulated utility: every injected defect against what the cleaning layer found.

What lives here: which finding each class of defect calls for (`simulated_defects.csv`) and the comparison. What does
not: injecting and logging defects (flows.sources.simulator.dirt).
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


def simulated_figures(connection: duckdb.DuckDBPyConnection, defects_path: Path) -> tuple[RuleFigure, ...]:
    """Compare findings with the log of injected defects, class by class.

    Args:
        connection: Reads the warehouse as `warehouse`, writes in memory.
        defects_path: The simulator's log: raw_table, entity, time, defect_class.
    """
    connection.execute(query_text("simulated_findings.sql"), {"network_id": NETWORK_ID})
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
