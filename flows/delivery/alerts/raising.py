"""At the end of everything that owns the warehouse: look what is wrong, keep the book, tell.

What lives here: the order of these three, and gathering what is expected. What does not: each of them.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flows.delivery.alerts.at_once import known_ids, tell_at_once
from flows.delivery.alerts.book import alerts, update_alerts
from flows.delivery.alerts.problems import Expectations, Problem, find_problems
from flows.delivery.alerts.services import service_problems
from flows.delivery.alerts.telling import channels_of, tell
from flows.delivery.reconciling import reconcile
from flows.delivery.targets import usable_targets
from flows.errors import ConfigurationError
from flows.lineage.audit.checkpoints import lacking_checkpoints
from flows.lineage.audit.verification import Finding, read_witnesses, verify_heads
from flows.lineage.service_events import record_service_events
from flows.services.spool import EventSpool
from flows.sources.configuration import list_sources, load_source
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.clock import Clock
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse


AUDIT, UNEXPLAINED, FALLBACK = "audit", "score_unexplained", "model_fallback"
NEED_THE_WAREHOUSE = (AUDIT, UNEXPLAINED, FALLBACK)
"""Kinds that the published ledger alone does not tell, or tells otherwise until the next run publishes."""
NAMED_COUNT = 3


def raise_alerts(
    warehouse: Warehouse, settings: Settings, graph: AssetGraph, *, run_id: UUID, clock: Clock
) -> Sequence[str]:
    """Bring the book of alerts up to date and tell who is to be told.

    Args:
        warehouse: The open warehouse.
        settings: All settings.
        graph: All assets.
        run_id: The run that is ending.
        clock: Wall clock.

    Returns:
        Notes for the summary.
    """
    now = clock()
    tell_at_once(settings, now=now)
    cursor = warehouse.cursor()
    problems = (
        *_of_ledger(cursor, settings, graph, now),
        *_unexplained_scores(cursor, settings),
        *_audit(cursor, settings),
        *service_problems(settings.services_dir, now=now),
    )
    told_as = known_ids(settings.services_dir)
    with EventSpool(settings.services_dir).taken() as lines, warehouse.transaction() as cursor:
        record_service_events(cursor, lines, run_id=run_id, taken_in_at=now)
        update_alerts(cursor, problems, run_id=run_id, now=now, told_as=told_as)
    return tell(warehouse, channels_of(settings), least=settings.alert_least_severity, now=now)


def is_book_behind(settings: Settings, graph: AssetGraph, *, now: datetime) -> bool:
    """Tell from the published ledger whether a look would change it: a source is silent, a service said something."""
    if EventSpool(settings.services_dir).is_waiting():
        return True
    services = service_problems(settings.services_dir, now=now)
    try:
        with open_reader(settings.published_dir) as reader:
            problems = _of_ledger(reader, settings, graph, now)
            known = {(each["kind"], each["subject"], each["severity"]) for each in alerts(reader)}
    except NothingPublishedError:
        return bool(services)
    found = {(each.kind, each.subject, each.severity) for each in (*problems, *services)}
    return any(each[0] not in NEED_THE_WAREHOUSE for each in found ^ known)


def _of_ledger(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, graph: AssetGraph, now: datetime
) -> tuple[Problem, ...]:
    """Return what the ledger says is wrong, and which descriptions cannot be read: those keep nothing from the rest."""
    targets, wrong_targets = usable_targets(settings.targets_dir)
    for name, target in targets.items():
        try:
            target.require_secret()
        except ConfigurationError as error:
            wrong_targets[name] = error
    delivered = {name for (name,) in cursor.execute("select distinct source from lineage.delivered_file").fetchall()}
    sources, wrong_sources = {}, {}
    for name in sorted(delivered.intersection(list_sources(settings.sources_dir))):
        try:
            sources[name] = load_source(name, settings.sources_dir).freshness
        except ConfigurationError as error:
            wrong_sources[name] = error
    expected = Expectations(
        source_hours={
            name: (freshness.warn_after_hours, freshness.error_after_hours)
            for name, freshness in sources.items()
            if freshness
        },
        asset_freshness={key: longest for key in graph if (longest := graph[key].freshness) is not None},
        queues={name: each.limits for name, each in targets.items()},
        described_targets={*targets, *wrong_targets},
    )
    return (
        *find_problems(cursor, expected, now=now),
        *_wrong("target", wrong_targets),
        *_wrong("source", wrong_sources),
    )


def _wrong(what: str, errors: Mapping[str, ConfigurationError]) -> Iterator[Problem]:
    for name, error in errors.items():
        yield Problem(
            kind="description_wrong", subject=f"{what} {name}", severity="ERROR", message=error.message, hint=error.hint
        )


def _unexplained_scores(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Problem]:
    """Name scores that call for a message and have none."""
    targets, _ = usable_targets(settings.targets_dir)
    if not targets:
        return
    try:
        found = reconcile(cursor, targets, transform_dir=settings.transform_dir).unexplained
    except ConfigurationError as error:
        yield Problem(kind=UNEXPLAINED, subject="thresholds", severity="ERROR", message=error.message, hint=error.hint)
        return
    of_kind = groupby(found, key=lambda each: (each["target"], each["message_type"]))
    for (target, message_type), group in of_kind:
        keys = [each["business_key"] for each in group]
        named = ", ".join(keys[:NAMED_COUNT]) + (", …" if len(keys) > NAMED_COUNT else "")
        yield Problem(
            kind=UNEXPLAINED,
            subject=f"{target} {message_type}",
            severity="ERROR",
            message=f"{len(keys):,} scores call for a {message_type} to {target} that nobody made: {named}",
            hint="gridweave outbox reconcile says why each calls for one",
        )


def _audit(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> Sequence[Problem]:
    """Hold the chain against its last signed heads; all of it is `gridweave audit verify`'s to read."""
    witnesses = read_witnesses(
        settings.audit_dir, key_path=settings.audit_key_path, witness=settings.audit_witness_path
    )
    finding = witnesses if isinstance(witnesses, Finding) else verify_heads(cursor, witnesses)
    if finding is None:
        return _witness(settings)
    return (
        Problem(
            kind=AUDIT,
            subject="audit chain",
            severity="CRITICAL",
            message=finding.reason,
            hint="gridweave audit verify --data names what else was changed; keep a copy of the warehouse first",
        ),
    )


def _witness(settings: Settings) -> Sequence[Problem]:
    """Look whether the second checkpoint file holds what the first one does."""
    path = settings.audit_witness_path
    lacking = 0 if path is None else lacking_checkpoints(settings.audit_dir, path)
    if not lacking:
        return ()
    return (
        Problem(
            kind=AUDIT,
            subject="audit witness",
            severity="CRITICAL",
            message=f"{path} lacks {lacking:,} checkpoints: it cannot be written, or lines were taken away",
            hint="mount it again and let this account append to it; if it was, keep it and the home for whoever looks",
        ),
    )
