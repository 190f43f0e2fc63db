"""`gridweave reproduce`: one materialization made again from its record, and compared.

What lives here: the order of work and the errors of asking for something that cannot be replayed. What does not: the
work (resolving.py, performing.py).

Decision: a replay takes no lock and writes nothing but its scratch database, so it is not recorded as a run: the
ledger has one writer, who holds the lock, and an auditor must be able to replay while a run goes on. It reads the
published ledger and snapshot and the files in home, never the warehouse; intermediate tables, which are not published,
are made again from the raw loads, which is the stronger proof anyway.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from flows.engine.replay.performing import Performer
from flows.engine.replay.places import Places
from flows.engine.replay.report import ReplayReport
from flows.engine.replay.resolving import ReplayStep, Resolver
from flows.errors import UsageError
from flows.lineage.environment import current_environment
from flows.lineage.replay_records import Made, read_made, read_trained_sha256
from flows.warehouse.reader import open_reader
from flows.warehouse.scratch import open_scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.settings import Settings
    from flows.warehouse.declared import Columns

progress = logging.getLogger("flows.progress")

DEFAULT_DATABASE = "warehouse"


class UnknownMaterializationError(UsageError):
    """No materialization has this id.

    Args:
        reference: What was asked for.
    """

    def __init__(self, *, reference: str) -> None:
        self.reference = reference
        super().__init__(
            f"No materialization has the id {reference!r}.",
            hint="gridweave assets KEY lists an asset's materializations with their ids",
        )


@dataclass(frozen=True, kw_only=True)
class _Resolved:
    """What is known before anything is made."""

    steps: Mapping[str, ReplayStep]
    trained_sha256: Mapping[str, str]
    notes: tuple[str, ...]


def reproduce(
    materialization_id: str,
    *,
    settings: Settings,
    graph: AssetGraph,
    scored_tables: Mapping[str, Columns],
    on_progress: Callable[[str], None] = progress.info,
) -> ReplayReport:
    """Replay one materialization in a scratch database and compare it with its record.

    Args:
        materialization_id: Id from the ledger; one that was reused stands for what it reuses.
        settings: All settings.
        graph: The present assets.
        scored_tables: Declared columns of tables that Python steps write, by asset key.
        on_progress: Told in words what happens.

    Returns:
        What every step of the replay came to.

    Raises:
        UnknownMaterializationError: No materialization has this id.
        UsageError: What has the id was never taken over.
        NothingPublishedError: There is no ledger yet.
    """
    with open_reader(settings.published_dir) as reader:
        resolved = _resolve(reader, _target(reader, materialization_id), settings, graph, scored_tables)
    snapshot = settings.published_dir / "current.duckdb"
    steps = resolved.steps.values()
    with open_scratch(
        settings.home / "scratch",
        database=next((str(each.made.metadata["database"]) for each in steps if each.sql), DEFAULT_DATABASE),
        snapshot=snapshot if snapshot.exists() else None,
        files=sorted({path for each in steps for path in each.place.files}),
        threads=settings.duckdb_threads,
    ) as scratch:
        performer = Performer(
            scratch=scratch,
            settings=settings,
            steps=resolved.steps,
            trained_sha256=resolved.trained_sha256,
            on_progress=on_progress,
        )
        return ReplayReport(steps=performer.perform(), notes=resolved.notes)


def _resolve(
    reader: duckdb.DuckDBPyConnection,
    target: Made,
    settings: Settings,
    graph: AssetGraph,
    scored_tables: Mapping[str, Columns],
) -> _Resolved:
    places = Places(reader=reader, home=settings.home, graph=graph, checkout=settings.transform_dir.parent)
    steps = {
        each.made.materialization_id: each for each in Resolver(reader, graph, places, scored_tables).resolve(target)
    }
    trained = {key: read_trained_sha256(reader, key) for key in steps}
    return _Resolved(
        steps=steps,
        trained_sha256={key: sha256 for key, sha256 in trained.items() if sha256},
        notes=_notes(target),
    )


def _target(reader: duckdb.DuckDBPyConnection, reference: str) -> Made:
    """Find what to replay."""
    try:
        made = read_made(reader, str(UUID(reference)))
    except ValueError:
        made = None
    if made is None:
        raise UnknownMaterializationError(reference=reference)
    if made.event_kind == "REUSED":
        return _target(reader, str(made.metadata.get("reuses", "")))
    if made.event_kind != "MATERIALIZED":
        raise UsageError(
            f"Materialization {reference} of {made.name} was {made.event_kind.lower()} and not taken over.",
            hint=f"gridweave assets {made.asset_key} lists those that were",
        )
    return made


def _notes(target: Made) -> tuple[str, ...]:
    """Say what differs around the replay without deciding its outcome."""
    present = current_environment().environment_id
    if target.engine != "python" or target.environment_id == present:
        return ()
    return (f"made with Python and packages {target.environment_id}, replayed with {present}",)
