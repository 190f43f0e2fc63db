"""Looking at assets that others make (`observe`) and recording their data version when it changed.

What lives here: calling the observations before planning. What does not: landing files, the other way in which
something from outside becomes an asset (flows.engine.landing).

An observation that brings nothing new leaves no row; one that fails takes with it what is made from the asset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from flows.errors import GridweaveError
from flows.lineage.recorder import record_materialization
from flows.lineage.records import MaterializationRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flows.assets.graph import AssetGraph
    from flows.clock import Clock
    from flows.engine.steps.context import StepContext
    from flows.warehouse.warehouse import Warehouse


def observe_assets(
    warehouse: Warehouse,
    graph: AssetGraph,
    wanted: Mapping[str, tuple[str, ...]],
    *,
    run_id: UUID,
    clock: Clock,
    make_context: Callable[[str, str], StepContext],
) -> dict[tuple[str, str], str]:
    """Ask every wanted observed asset for its data version.

    Args:
        warehouse: The open warehouse.
        graph: All assets.
        wanted: Partition keys by asset key.
        run_id: The run.
        clock: Wall clock.
        make_context: Makes the context of a step.

    Returns:
        The error of each asset and partition that could not be observed.
    """
    failed: dict[tuple[str, str], str] = {}
    for key in graph.order:
        step = graph[key].step
        if graph[key].engine != "observed" or step is None:
            continue
        for partition_key in wanted.get(key, ()):
            try:
                version = str(step(make_context(key, partition_key)))
            except GridweaveError as error:
                failed[key, partition_key] = error.message
                continue
            _record_when_new(warehouse, graph, key, partition_key, version, run_id=run_id, clock=clock)
    return failed


def _record_when_new(
    warehouse: Warehouse, graph: AssetGraph, key: str, partition_key: str, version: str, *, run_id: UUID, clock: Clock
) -> None:
    data_version = f"observed:{version}"
    now = clock()
    with warehouse.transaction() as cursor:
        before = cursor.execute(
            "select data_version from lineage.current_materialization where asset_key = ? and partition_key = ?",
            [key, partition_key],
        ).fetchone()
        if before == (data_version,):
            return
        record_materialization(
            cursor,
            MaterializationRecord(
                materialization_id=uuid4(),
                asset_key=key,
                partition_key=partition_key,
                run_id=run_id,
                code_version=graph[key].code_version,
                data_version=data_version,
                logical_version=data_version,
                valid_from=now,
                metadata={"is_observed": True},
            ),
            recorded_at=now,
        )
