"""Imputed load: good hours are hidden and filled in by the models of the pipeline themselves.

What lives here: which hours are hidden, and the error of what is filled in. What does not: any way to fill in; the SQL
is dbt's compiled text of the imputing models, bound to the masked copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.errors import WarehouseError
from flows.rule_checks.figures import RuleFigure
from flows.rule_checks.queries import query_text, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

ERROR_GOAL_PCT = 4.0
FILLED_GOAL = 0.99
"""Share of the hidden hours that must be filled: an error of few filled ones would say little."""
SCREENED = "int_load_readings_screened"
IMPUTING = ("int_load_gap_surroundings", "int_load_gaps_filled", "int_load_readings_imputed")
"""The models between screening and the imputed series, in order."""


def imputation_figures(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> tuple[RuleFigure, ...]:
    """Hide runs of 1, 4 and 24 good hours, let the models fill them in, and compare.

    Args:
        connection: Reads the warehouse as `warehouse`, writes in memory.
        manifest: dbt's manifest with compiled SQL.
    """
    connection.execute(query_text("masked_hours.sql"))
    _impute(connection, manifest)
    return tuple(
        RuleFigure(
            data_set=f"imputation {row['network_id']}",
            rule=row["rule"],
            known_count=row["hour_count"],
            found_count=row["filled_count"],
            recall_goal=FILLED_GOAL,
            error_pct=row["error_pct"],
            baseline_pct=row["baseline_pct"],
            error_goal_pct=ERROR_GOAL_PCT,
            note="baseline: mean of the same hour a week before and after",
        )
        for row in rows(connection, query_text("imputation_errors.sql"))
    )


def _impute(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
    """Run the imputing models over the masked copy, each reading what the one before made."""
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    absent = {SCREENED, *IMPUTING} - nodes.keys()
    if absent:
        raise WarehouseError(
            f"The dbt project has no {', '.join(sorted(absent))}.",
            hint="they fill gaps; name their successors in flows/rule_checks/imputation.py",
        )
    relations = {nodes[name]["relation_name"]: f"memory.main.{name}" for name in (SCREENED, *IMPUTING)}
    for name in IMPUTING:
        compiled = nodes[name]["compiled_code"]
        for relation, masked in relations.items():
            compiled = compiled.replace(relation, masked)
        connection.execute(f"create or replace table memory.main.{name} as {compiled}")
