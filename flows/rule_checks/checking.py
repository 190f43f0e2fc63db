"""Which comparisons a home allows, and all their figures.

A comparison is made when its data were landed; the others are named as left out, with what would bring them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from flows.errors import WarehouseError
from flows.rule_checks.imputation import imputation_figures
from flows.rule_checks.public_data import customers_out_figures, outage_figures, weather_figures
from flows.rule_checks.published import published_figures
from flows.rule_checks.simulated import simulated_figures
from flows.warehouse.work_copy import open_work_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flows.rule_checks.figures import RuleFigure

LOAD, WEATHER, OUTAGES, CUSTOMERS_OUT = (
    "scada_load_readings", "weather_observations", "oms_outages", "oms_customers_out_readings",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RuleReport:
    """What the rules came to.

    Args:
        figures: All comparisons that could be made.
        left_out: Comparison that could not be made, to the reason.
    """

    figures: tuple[RuleFigure, ...]
    left_out: dict[str, str]


def check_rules(warehouse_path: Path, *, manifest: Mapping[str, Any], defects_path: Path) -> RuleReport:
    """Compare what the cleaning layer found with what is known to be wrong.

    Args:
        warehouse_path: The warehouse of a home.
        manifest: dbt's manifest with compiled SQL.
        defects_path: The simulator's log of injected defects; need not exist.

    Raises:
        WarehouseBusyError: A run owns the warehouse.
        WarehouseError: A table that a comparison reads has not been made.
    """
    figures: list[RuleFigure] = []
    left_out: dict[str, str] = {}
    with open_work_copy(warehouse_path) as connection:
        landed = _landed(connection)
        comparisons: tuple[tuple[str, str, bool, Callable[[], tuple[RuleFigure, ...]]], ...] = (
            (
                "simulator",
                "gridweave simulate, then gridweave run",
                "SIM" in landed[LOAD] and defects_path.exists(),
                lambda: simulated_figures(connection, defects_path),
            ),
            (
                "imputation", "land a source of load",
                bool(landed[LOAD]),
                lambda: imputation_figures(connection, manifest),
            ),
            ("eia930", "land eia930_load", "EIA930" in landed[LOAD], lambda: published_figures(connection)),
            (
                "nyc_hourly_weather", "land nyc_hourly_weather",
                "NYC" in landed[WEATHER],
                lambda: weather_figures(connection),
            ),
            ("pge_outages", "land pge_outages", "PGE" in landed[OUTAGES], lambda: outage_figures(connection)),
            (
                "eaglei_cook_county", "land eaglei_cook_county",
                "COOK" in landed[CUSTOMERS_OUT],
                lambda: customers_out_figures(connection),
            ),
        )  # fmt: skip
        for name, remedy, is_possible, compare in comparisons:
            if is_possible:
                figures += _compared(name, compare)
            else:
                left_out[name] = remedy
    return RuleReport(figures=tuple(figures), left_out=left_out)


def _landed(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Return the networks that have rows in each of the raw tables that are compared."""
    return {
        raw_table: {
            str(row[0])
            for row in connection.execute(
                "select distinct network_id from warehouse.lineage.load"
                " where raw_table = ? and status in ('ACCEPTED', 'LANDED')",
                [raw_table],
            ).fetchall()
        }
        for raw_table in (LOAD, WEATHER, OUTAGES, CUSTOMERS_OUT)
    }


def _compared(name: str, compare: Callable[[], tuple[RuleFigure, ...]]) -> tuple[RuleFigure, ...]:
    """Make a comparison; a table that is not there is an error that says how to get it."""
    try:
        return compare()
    except duckdb.CatalogException as error:
        raise WarehouseError(
            f"The comparison {name} reads a table that has not been made: {str(error).splitlines()[0]}",
            hint="gridweave run makes all of them",
        ) from error
