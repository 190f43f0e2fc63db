"""What is wrong now, as the ledger has it.

What lives here: one query per kind of problem. What does not: which of them were known before (book.py), and telling
anybody (telling.py).

A problem is a state, not an event: it is found again at the end of each run until it is over. So nothing is lost when
the process that met it died, and nobody has to close what closed itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from flows.lineage.failures import failed_assets, failed_checks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime, timedelta

    import duckdb

    from flows.delivery.targets import Limits

Severity = Literal["CRITICAL", "ERROR", "WARNING"]
SEVERITIES: tuple[Severity, ...] = ("WARNING", "ERROR", "CRITICAL")
"""From what can wait to what cannot."""

_FAILED_RUNS = """
select job_name, arg_max(status, started_at), arg_max_null(error_type, started_at),
    arg_max_null(error_message, started_at), max(started_at)
from lineage.run
where run_kind = 'flow' and parent_run_id is null and status <> 'RUNNING'
group by job_name
order by job_name
"""

# A refused delivery matters until its source has delivered something good; what blocks, until somebody decides.
_REFUSED = """
with deliveries as (
    select source, load_id as reference, any_value(status) as status, any_value(reason) as reason,
        max(landed_at) as arrived_at
    from lineage.load group by source, load_id
    union all
    select source, file_name, 'REJECTED' || if(policy = 'block', ' BLOCKED', ''), reason, seen_at
    from lineage.delivered_file where status = 'REJECTED'
),
accepted as (
    select source, max(arrived_at) as accepted_at from deliveries where status = 'ACCEPTED' group by source
)
select source, reference, contains(status, 'BLOCKED'), status, reason
from deliveries left join accepted using (source)
where contains(status, 'BLOCKED')
    or (status in ('QUARANTINED', 'FALLBACK', 'REJECTED') and arrived_at > coalesce(accepted_at, '-infinity'))
order by source, reference
"""

_NEWEST_DELIVERIES = """
select source, max(seen_at) from lineage.delivered_file where status = 'LANDED' group by source order by source
"""

_MATERIALIZED_AT = """
select asset_key, max(recorded_at) from lineage.current_materialization
where list_contains($1::varchar[], asset_key) group by asset_key order by asset_key
"""

_REFUSED_EVENTS = "select count(*), any_value(reason) from lineage.openlineage_refusal"

_OUTBOX = """
select target, state, count(*), min(state_changed_at), any_value(state_reason)
from lineage.outbox_message where state in ('DEAD', 'QUEUED', 'WAITING_APPROVAL') group by target, state
order by target, state
"""

_OUTBOX_TARGETS = """
select target, count(*) from lineage.outbox_message where state in ('QUEUED', 'WAITING_APPROVAL')
group by target order by target
"""

_STAND_IN_FORECASTS = """
select network_id, count(distinct series_id)
from ml.load_forecast
where score_kind = 'live' and forecast_source <> 'model'
group by network_id order by network_id
"""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: What sort of thing: run_failed, asset_failed, gate_blocked, check_failed, model_kept, drift,
            delivery_refused, source_late, asset_late, model_fallback, events_refused, outbox_dead, outbox_late,
            outbox_full, approval_late, target_gone, description_wrong, score_unexplained, audit, service_dead,
            service_degraded.
        subject: What it is about; kind and subject together name the problem for as long as it lasts.
        severity: CRITICAL asks for somebody at once, ERROR for somebody today.
        message: What was found, as a sentence.
        hint: What to do.
    """

    kind: str
    subject: str
    severity: Severity
    message: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What is expected of whom.

    Args:
        source_hours: Hours after which a source's silence is a warning, and an error, by source.
        asset_freshness: How old an asset may be, by key.
        queues: How many messages may wait and how long, by target; only of those that can be read.
        described_targets: Names of all targets there is a description of.
    """

    source_hours: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    asset_freshness: Mapping[str, timedelta] = field(default_factory=dict)
    queues: Mapping[str, Limits] = field(default_factory=dict)
    described_targets: Collection[str] = ()


def find_problems(cursor: duckdb.DuckDBPyConnection, expected: Expectations, *, now: datetime) -> tuple[Problem, ...]:
    """Return everything that is wrong, in a stable order.

    Args:
        cursor: Of the warehouse, or of a published ledger with it.
        expected: What is expected of sources and assets.
        now: Wall clock, UTC.
    """
    return (
        *_failed_runs(cursor),
        *_failed_assets(cursor),
        *_failed_checks(cursor),
        *_refused_deliveries(cursor),
        *_late_sources(cursor, expected.source_hours, now),
        *_late_assets(cursor, expected.asset_freshness, now),
        *_stand_ins(cursor),
        *_refused_events(cursor),
        *_undelivered(cursor, expected.queues, now),
        *_without_description(cursor, expected.described_targets),
    )


def _failed_runs(cursor: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    for job, status, error_type, message, started_at in cursor.execute(_FAILED_RUNS).fetchall():
        has_died = error_type == "ProcessDied"
        if status == "FAIL" or has_died:  # a run that somebody ended is no problem
            why = (message or "an asset failed or a gate did not pass").rstrip(".")
            yield Problem(
                kind="run_failed",
                subject=job,
                severity="ERROR",
                message=f"The last run of {job}, begun {started_at:%Y-%m-%d %H:%M} UTC, failed: {why}",
                hint="gridweave status says what is missing; gridweave run goes on from there",
            )


def _failed_assets(cursor: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    for name, message in failed_assets(cursor):
        yield Problem(
            kind="asset_failed",
            subject=name,
            severity="ERROR",
            message=f"{name} could not be made: {message}",
            hint=f"mend its cause, then gridweave run {name.partition('@')[0]}+",
        )


def _failed_checks(cursor: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    waits = "; what reads it waits"
    special = {"training": "model_kept", "drift": "drift"}
    for each in failed_checks(cursor):
        name = f"{each.asset_key}@{each.partition_key}" if each.partition_key else each.asset_key
        found = f"expected {each.expected}, found {each.actual}" if each.expected or each.actual else "no more is known"
        yield Problem(
            kind="gate_blocked" if each.blocking else special.get(each.check_name, "check_failed"),
            subject=f"{name} {each.check_name}",
            severity="ERROR" if each.blocking else "WARNING",
            message=f"Check {each.check_name} of {name} {'crashed' if each.status == 'ERROR' else 'failed'}: {found}",
            hint=f"gridweave assets {each.asset_key} shows its checks{waits if each.blocking else ''}",
        )


def _refused_deliveries(cursor: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    for source, reference, is_blocking, status, reason in cursor.execute(_REFUSED).fetchall():
        yield Problem(
            kind="delivery_refused",
            subject=f"{source} {reference}",
            severity="ERROR" if is_blocking else "WARNING",
            message=f"Delivery {reference} of {source} is {status}: {reason}",
            hint="gridweave loads lists it; mend the file or the source's description, or decide on it there",
        )


def _late_sources(
    cursor: duckdb.DuckDBPyConnection, source_hours: Mapping[str, tuple[float, float]], now: datetime
) -> Iterator[Problem]:
    for source, seen_at in cursor.execute(_NEWEST_DELIVERIES).fetchall():
        warn_hours, error_hours = source_hours.get(source, (float("inf"), float("inf")))
        hours = (now - seen_at).total_seconds() / 3600
        if hours > warn_hours:
            yield Problem(
                kind="source_late",
                subject=source,
                severity="ERROR" if hours > error_hours else "WARNING",
                message=f"{source} last delivered {seen_at:%Y-%m-%d %H:%M} UTC; {warn_hours:g} hours are usual",
                hint="ask the system that delivers; forecasts and scores go on with what there is",
            )


def _late_assets(
    cursor: duckdb.DuckDBPyConnection, freshness: Mapping[str, timedelta], now: datetime
) -> Iterator[Problem]:
    made = cursor.execute(_MATERIALIZED_AT, [sorted(freshness)]).fetchall() if freshness else []
    for key, made_at in made:
        if now - made_at > freshness[key]:
            yield Problem(
                kind="asset_late",
                subject=key,
                severity="WARNING",
                message=f"{key} was last made {made_at:%Y-%m-%d %H:%M} UTC, more than {freshness[key]} ago",
                hint=f"gridweave plan +{key} says what holds it up",
            )


def _stand_ins(cursor: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    has_table = cursor.execute(
        "select 1 from information_schema.columns"
        " where table_schema = 'ml' and table_name = 'load_forecast' and column_name = 'forecast_source'"
    ).fetchone()
    for network_id, count in cursor.execute(_STAND_IN_FORECASTS).fetchall() if has_table else ():
        yield Problem(
            kind="model_fallback",
            subject=f"load_forecast {network_id}",
            severity="WARNING",
            message=f"{count:,} series of {network_id} are forecast by their week before, not by a model",
            hint="select * from ml.load_forecast where forecast_source <> 'model' names them; a short history is usual",
        )


def _refused_events(cursor: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    count, reason = cursor.execute(_REFUSED_EVENTS).fetchone() or (0, None)
    if count:
        yield Problem(
            kind="events_refused",
            subject="openlineage",
            severity="WARNING",
            message=f"The OpenLineage backend refused {count:,} events: {reason}",
            hint="mend the cause, then gridweave outbox retry",
        )


def _undelivered(cursor: duckdb.DuckDBPyConnection, queues: Mapping[str, Limits], now: datetime) -> Iterator[Problem]:
    for target, state, count, since, reason in cursor.execute(_OUTBOX).fetchall():
        if state == "DEAD":
            yield Problem(
                kind="outbox_dead",
                subject=target,
                severity="ERROR",
                message=f"{count:,} messages for {target} are given up: {reason}",
                hint="gridweave outbox list --state DEAD names them; mend the cause, then retry or drop them",
            )
            continue
        limits = queues.get(target)
        if limits is None:
            continue  # its description is wrong, or gone: that is a problem of its own
        is_undecided = state == "WAITING_APPROVAL"
        if count > limits.queue_count:
            yield Problem(
                kind="outbox_full",
                subject=f"{target} {state}",
                severity="ERROR",
                message=f"{count:,} messages for {target} are {state}, {limits.queue_count:,} are its limit",
                hint="nothing is dropped; decide on them, or look why the target takes so few",
            )
        if (now - since).total_seconds() / 3600 > limits.queue_age_hours:
            yield Problem(
                kind="approval_late" if is_undecided else "outbox_late",
                subject=target,
                severity="ERROR",
                message=f"{count:,} messages wait for {'a decision on ' if is_undecided else ''}{target},"
                f" the oldest since {since:%Y-%m-%d %H:%M} UTC",
                hint="gridweave outbox list shows them, approve or drop decides"
                if is_undecided
                else "look whether the target is up; nothing is dropped",
            )


def _without_description(cursor: duckdb.DuckDBPyConnection, targets: Collection[str]) -> Iterator[Problem]:
    for target, count in cursor.execute(_OUTBOX_TARGETS).fetchall():
        if target not in targets:
            yield Problem(
                kind="target_gone",
                subject=target,
                severity="ERROR",
                message=f"{count:,} messages wait for {target}, of which there is no description",
                hint="bring data/targets back to what it was, or drop them: gridweave outbox list --target names them",
            )
