"""Which days of a model are to be made, because only these days of what it reads have changed.

What lives here: following the log of days from the inputs to the models that are about to run, for a plan and for a
batch of dbt. What does not: whether a model runs at all (flows.assets.plan), the log (flows.lineage.day_records).

A model is made for some days only when nothing else changed: its code, its checks, any input that is not known by day.
In doubt it is made whole; a whole model and one made day by day are the same table.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from flows.assets.plan import Cause, is_input_changed
from flows.lineage.day_records import days_changed_since
from flows.lineage.state import input_materializations, recorded_state
from flows.warehouse.content import columns_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import duckdb

    from flows.assets.definition import AssetDefinition
    from flows.assets.graph import AssetGraph
    from flows.assets.plan import Recorded
    from flows.engine.engine import Engine

ONLY_INPUTS = frozenset({Cause.DATA, Cause.DEPENDENCY})
"""Causes that leave the days of which no input changed as they are."""


def is_made_by_day(definition: AssetDefinition) -> bool:
    """Tell whether single days of an asset can be made."""
    return definition.engine == "dbt" and definition.days is not None and not definition.days.is_whole


def is_waiting_for_days(graph: AssetGraph, key: str, causes: Collection[Cause | None], inside: Iterable[str]) -> bool:
    """Tell whether a model better waits for inputs of its own batch: which of their days change is known afterwards.

    Args:
        graph: All assets.
        key: The model.
        causes: Why it runs.
        inside: Those of its inputs that are made in the same batch.
    """
    if not is_made_by_day(graph[key]) or not set(causes) <= ONLY_INPUTS:
        return False
    return any(not is_made_by_day(graph[each]) for each in inside)


def day_variables(
    engine: Engine, batch: Collection[str], causes: Mapping[str, Collection[Cause | None]]
) -> dict[str, object]:
    """Return what dbt is told of the days that a batch makes; what is not named is made and tested whole.

    Args:
        engine: What the run works with.
        batch: Models to build.
        causes: Why each of them runs.

    Returns:
        Days by asset key, as the ledger has them: dbt pastes variables verbatim into SQL, and these are dates.
    """
    cursor, graph = engine.warehouse.cursor(), engine.graph
    dropped = {key for key in batch if graph[key].kind == "table" and not columns_of(cursor, key)}
    days = days_to_make(cursor, graph, batch, causes, dropped=dropped)
    told = {key: list(each) for key, each in days.items() if each is not None}
    return {"days": told} if told else {}


def days_to_make(
    cursor: duckdb.DuckDBPyConnection,
    graph: AssetGraph,
    running: Collection[str],
    causes: Mapping[str, Collection[Cause | None]],
    *,
    dropped: Collection[str] = (),
) -> dict[str, tuple[str, ...] | None]:
    """Find the days of each model that is about to run.

    Args:
        cursor: The warehouse's or a reader's.
        graph: All assets.
        running: Assets of the batch, or of the plan.
        causes: Why each of them runs.
        dropped: Tables that are not there, whatever the ledger says.

    Returns:
        Days, oldest first, by key of every model that can be made by day; none of one that does not run; None: all of
        it.
    """
    by_day = [key for key in graph.order if is_made_by_day(graph[key])]
    asked = [key for key in by_day if key in running]
    found: dict[str, tuple[str, ...] | None] = {key: () for key in by_day if key not in running}
    if not asked:
        return found
    around = {*asked, *(each for key in asked for each in graph[key].deps)}
    recorded, read = recorded_state(cursor, around), input_materializations(cursor, asked)
    for key in asked:
        days: set[str] | None = None
        if key in recorded and key not in dropped and set(causes[key]) <= ONLY_INPUTS:
            days = set()
            for upstream_key in graph[key].deps:
                changed = _changed(cursor, graph, key, upstream_key, recorded, read[key].get(upstream_key))
                if upstream_key in running:
                    coming = found.get(upstream_key)
                    changed = None if changed is None or coming is None else changed | set(coming)
                days = None if days is None or changed is None else days | changed
        found[key] = None if days is None else tuple(sorted(days))
    return found


def _changed(
    cursor: duckdb.DuckDBPyConnection,
    graph: AssetGraph,
    key: str,
    upstream_key: str,
    recorded: Mapping[str, Recorded],
    was_read: str | None,
) -> set[str] | None:
    """Days of an input that changed since it was read; None for all of them."""
    if graph[upstream_key].partitions is not None:
        return None  # its partitions are recorded one by one, and what is asked here is recorded whole
    present = recorded.get(upstream_key)
    if present is None or present.materialization_id == was_read:
        return set()
    if was_read is None:
        return None
    if graph[upstream_key].days is not None:
        return days_changed_since(cursor, upstream_key, was_read)
    return None if is_input_changed(graph[key], upstream_key, recorded[key], recorded) else set()


def spoken(days: tuple[str, ...] | None) -> str:
    """Say which days, with ranges where days follow each other.

    >>> spoken(("2026-02-27", "2026-02-28", "2026-03-01", "2026-03-09"))
    '2026-02-27..2026-03-01, 2026-03-09'
    """
    ranges: list[list[str]] = []
    for day in days or ():
        before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        if ranges and ranges[-1][-1] == before:
            ranges[-1] = [ranges[-1][0], day]
        else:
            ranges.append([day])
    return ", ".join("..".join(each) for each in ranges)
