"""Taking up a run that did not end well.

What lives here: what an earlier run was asked to do and what of it is done, both from the ledger. What does not: the
run itself (pipeline.py).

A resumed run plans the same selection and partitions as of the moment the first run began, lands nothing new, and
leaves alone what the earlier run made, also when that run was forced.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flows.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import duckdb

    from flows.assets.partition_plan import StepGroup


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """A run that can be taken up.

    Args:
        run_id: Identifier.
        started_at: When the first run of the chain began.
        expressions: Its selection.
        partition: Its partition or range; None: the latest.
        is_forced: Whether it was to run what is fresh.
        finished: Asset and partition keys that it, or a run that resumed it, made.
    """

    run_id: str
    started_at: datetime
    expressions: tuple[str, ...]
    partition: str | None
    is_forced: bool
    finished: frozenset[tuple[str, str]]


def earlier_run(cursor: duckdb.DuckDBPyConnection, run_id: str) -> EarlierRun:
    """Read what a run was asked to do and what it has done.

    Args:
        cursor: The warehouse's.
        run_id: The run, or the first letters of its identifier.

    Raises:
        UsageError: There is no such run, or it made nothing to resume.
    """
    rows = cursor.execute(
        "select run_id::varchar, started_at, parameters::varchar, job_name from lineage.run where parent_run_id is null"
        " order by started_at"
    ).fetchall()
    runs = {identifier: (started_at, json.loads(parameters), name) for identifier, started_at, parameters, name in rows}
    found = [identifier for identifier in runs if run_id and identifier.startswith(run_id)]
    if len(found) != 1 or runs[found[0]][2] not in {"run", "backfill"}:
        raise UsageError(
            f"{run_id!r} names {len(found) or 'no'} run(s) that can be resumed.",
            hint="gridweave status lists the last runs",
        )
    first = found[0]
    while runs[first][1].get("resume") in runs:
        first = runs[first][1]["resume"]
    started_at, parameters, _ = runs[first]
    return EarlierRun(
        run_id=found[0],
        started_at=started_at,
        expressions=tuple(parameters.get("select", ())),
        partition=parameters.get("partition"),
        is_forced=bool(parameters.get("force")),
        finished=_finished(cursor, _chain(first, {each: runs[each][1] for each in runs})),
    )


def leave_finished(groups: Iterable[StepGroup], earlier: EarlierRun) -> tuple[StepGroup, ...]:
    """Take what the earlier run made, and is fresh, out of a forced plan."""
    kept: list[StepGroup] = []
    for group in groups:
        done = tuple(each for each in group.partition_keys if (group.asset_key, each) in earlier.finished)
        if group.action != "run" or group.causes or group.state != "FRESH" or not done:
            kept.append(group)
            continue
        left = tuple(each for each in group.partition_keys if each not in set(done))
        kept.append(replace(group, partition_keys=done, action="reuse", reason=f"made by run {earlier.run_id}"))
        if left:
            kept.append(replace(group, partition_keys=left))
    return tuple(kept)


def _chain(first: str, parameters: dict[str, dict[str, Any]]) -> list[str]:
    """The first run and every run that resumed it or one of those."""
    chain = [first]
    for identifier, each in parameters.items():  # in the order in which they began
        if each.get("resume") in chain:
            chain.append(identifier)
    return chain


def _finished(cursor: duckdb.DuckDBPyConnection, run_ids: list[str]) -> frozenset[tuple[str, str]]:
    rows = cursor.execute(
        "select distinct asset_key, partition_key from lineage.materialization"
        " where event_kind = 'MATERIALIZED' and list_contains(?::uuid[], run_id)",
        [run_ids],
    ).fetchall()
    return frozenset((str(key), str(partition_key)) for key, partition_key in rows)
