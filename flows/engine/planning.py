"""Planning without side effects: from the published ledger, so it never waits for a running pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.plan import Recorded, Step, make_plan
from flows.assets.selection import select
from flows.lineage.environment import current_environment
from flows.lineage.state import recorded_state
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.engine.pipeline import Pipeline


def plan_from_published(pipeline: Pipeline, expressions: Sequence[str], *, is_forced: bool = False) -> tuple[Step, ...]:
    """Return what a run would do now. Files that wait in the inbox are not looked at.

    Raises:
        UnknownAssetError: The selection matches nothing.
    """
    recorded: dict[str, Recorded] = {}
    try:
        with open_reader(pipeline.settings.published_dir) as reader:
            recorded = recorded_state(reader)
    except NothingPublishedError:
        pass  # a first plan: everything is missing
    return make_plan(
        pipeline.graph,
        selected=select(pipeline.graph, expressions),
        recorded=recorded,
        environment_id=current_environment().environment_id,
        is_forced=is_forced,
    )
