"""The composition root: the one graph of all assets, from dbt's manifest and the Python steps.

What lives here: which assets there are; the Python steps of one use case per module. What does not: how anything is
computed (ml/, transform/) or run (flows.engine). To add a Python asset, write a module here like its neighbours, add
its `ASSETS` to `PYTHON_ASSETS`, declare its table in transform/models/reports/_ml__sources.yml and write its suite. A
check in Python (`@asset_check`) goes into `PYTHON_CHECKS`; none is needed where a suite or a dbt test says as much.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.assets.declaring import with_checks
from flows.assets.graph import AssetGraph
from flows.definitions import (
    drift,
    load_forecast,
    outage_risk,
    restoration_time,
    scada_anomaly,
    top_oil,
    transformer_failure,
    transformer_health,
)
from flows.engine.dbt.assets import dbt_assets, declared_columns
from flows.engine.gates import with_gates

if TYPE_CHECKING:
    from flows.assets.declaring import AssetCheck
    from flows.engine.dbt.project import DbtProject

PYTHON_ASSETS = (
    *transformer_failure.ASSETS,
    *load_forecast.ASSETS,
    *outage_risk.ASSETS,
    *scada_anomaly.ASSETS,
    *drift.ASSETS,
    *transformer_health.ASSETS,
    *top_oil.ASSETS,
    *restoration_time.ASSETS,
)
PYTHON_CHECKS: tuple[AssetCheck, ...] = drift.CHECKS


def build_graph(project: DbtProject) -> AssetGraph:
    """Build the graph.

    Args:
        project: The dbt project, parsed when its files changed.

    Raises:
        ConfigurationError: Definitions clash; the message names the places.
    """
    modelled = dbt_assets(project.manifest, project.project_dir, columns_path=project.columns_path)
    columns = declared_columns(project.manifest)
    steps = (replace(each, columns=columns.get(each.key, each.columns)) for each in PYTHON_ASSETS)
    return AssetGraph(with_checks(with_gates((*modelled, *steps)), PYTHON_CHECKS))
