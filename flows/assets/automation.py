"""When an asset is to be made without being asked for.

What lives here: conditions and their evaluation over (graph, recorded state, clock): pure functions. What does not: the
schedule on which they are evaluated and what is done with the answer (flows.pipelines).

    automation=on_missing() | (on_data_change() & all_blocking_checks_passed())
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.assets.cron import CronExpression
from flows.assets.partition_mappings import required_partitions
from flows.assets.partition_plan import RecordedPartitions, is_partition_aware, plan_partitions
from flows.assets.plan import Cause, Recorded, State, Step
from flows.assets.versions import digest_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from flows.assets.graph import AssetGraph

Reasons = Mapping[str, str]
"""Partitions for which a condition holds, and why."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request that a run took up, however it ended.

    Args:
        asked_at: When the conditions asked.
        fingerprint: The situation they asked in; see `Request`.
    """

    asked_at: datetime
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class RecordedState:
    """What the ledger holds.

    Args:
        recorded: Latest materialization of assets that neither are cut nor read one that is.
        partitions: Of all others.
        materialized_at: When each asset and partition was made, or found unchanged, last.
        attempts: When conditions asked for each asset and partition last, and in which situation.
        failed_checks: When checks that hold nothing back failed, by asset and name, where that is their latest outcome.
        skipped_at: Assets, with `@` their partitions, whose last step skipped itself, and when.
    """

    recorded: Mapping[str, Recorded] = field(default_factory=dict)
    partitions: Mapping[str, RecordedPartitions] = field(default_factory=dict)
    materialized_at: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str], Attempt] = field(default_factory=dict)
    failed_checks: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    skipped_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class View:
    """What a condition may look at: one asset, its partitions, now.

    Args:
        graph: All assets.
        key: The asset.
        steps: How each of its partitions stands by itself, whatever runs before it.
        state: What the ledger holds.
        now: The clock.
        coming: Assets and partitions upstream that are asked for at the same moment.
    """

    graph: AssetGraph
    key: str
    steps: Mapping[str, Step]
    state: RecordedState
    now: datetime
    coming: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Condition:
    """Says for which partitions of an asset something holds; combine with `&`, `|` and `~`.

    Args:
        name: As a person reads it.
        evaluate: The rule.
    """

    name: str
    evaluate: Callable[[View], Reasons] = field(compare=False)

    def __and__(self, other: Condition) -> Condition:
        """Both hold."""

        def both(view: View) -> Reasons:
            first, second = self.evaluate(view), other.evaluate(view)
            return {key: f"{reason}; {second[key]}" for key, reason in first.items() if key in second}

        return Condition(f"({self.name} and {other.name})", both)

    def __or__(self, other: Condition) -> Condition:
        """One of them holds, or both; the first one gives the reason."""
        return Condition(f"({self.name} or {other.name})", lambda view: {**other.evaluate(view), **self.evaluate(view)})

    def __invert__(self) -> Condition:
        """It does not hold."""

        def without(view: View) -> Reasons:
            held = self.evaluate(view)
            return {key: f"not {self.name}" for key in view.steps if key not in held}

        return Condition(f"not {self.name}", without)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One partition to run, and why.

    Args:
        asset_key: The asset.
        partition_key: The partition; empty for an asset that is not cut.
        reason: Why its condition holds.
        fingerprint: The situation: the reason, the code, the data it would be made from.
        held_because: Why it is not run now all the same; empty for one that is.
    """

    asset_key: str
    partition_key: str
    reason: str
    fingerprint: str
    held_because: str = ""


def requested(
    graph: AssetGraph,
    state: RecordedState,
    *,
    wanted: Mapping[str, tuple[str, ...]],
    now: datetime,
    retry_after: timedelta,
    environment_id: str,
) -> tuple[Request, ...]:
    """Evaluate the conditions of all wanted assets that have one.

    A request that a run took up without bringing about another situation is held back for a while, and one for a step
    that skipped itself until there is other data: or a broken asset would be tried once a minute.

    Args:
        graph: All assets.
        state: What the ledger holds.
        wanted: Partitions to look at by asset key.
        now: The clock.
        retry_after: How long the same request is held back.
        environment_id: The present environment.

    Returns:
        What the conditions ask for, in the graph's order; some of it held back.
    """
    found: list[Request] = []
    coming: set[tuple[str, str]] = set()
    for key in graph.order:
        condition = graph[key].automation
        if condition is None or key not in wanted:
            continue
        groups = plan_partitions(
            graph,
            wanted={key: wanted[key]},
            recorded=state.recorded,
            recorded_partitions=state.partitions,
            environment_id=environment_id,
            until=now,
        )
        steps = {step.partition_key: step for group in groups for step in group.steps()}
        view = View(graph=graph, key=key, steps=steps, state=state, now=now, coming=frozenset(coming))
        reasons = condition.evaluate(view)
        for each in (each for each in wanted[key] if each in reasons):
            request = _request(view, each, reasons[each], retry_after)
            found.append(request)
            if not request.held_because:
                coming.add((key, each))
    return tuple(found)


def _request(view: View, partition_key: str, reason: str, retry_after: timedelta) -> Request:
    """Describe the situation, and hold back what a run took up in the same one."""
    inputs = sorted(_inputs(view, partition_key))
    versions = (f"{key}@{each}={_data_version(view, key, each)}" for key, each, _ in inputs)
    fingerprint = digest_of(reason, view.graph[view.key].code_version, *versions)
    return Request(
        asset_key=view.key,
        partition_key=partition_key,
        reason=reason,
        fingerprint=fingerprint,
        held_because=_held_because(view, partition_key, fingerprint, retry_after),
    )


def _held_because(view: View, partition_key: str, fingerprint: str, retry_after: timedelta) -> str:
    skipped_at = view.state.skipped_at.get(f"{view.key}@{partition_key}".rstrip("@"))
    inputs = tuple(_inputs(view, partition_key))
    if skipped_at is not None and not any((key, each) in view.coming for key, each, _ in inputs):
        made = (view.state.materialized_at.get((key, each)) for key, each, _ in inputs)
        if not any(made_at is not None and made_at > skipped_at for made_at in made):
            return f"skipped itself {skipped_at:%Y-%m-%d %H:%M} UTC; waits for other data"
    attempt = view.state.attempts.get((view.key, partition_key))
    if attempt is None or attempt.fingerprint != fingerprint or attempt.asked_at + retry_after <= view.now:
        return ""
    return (
        f"tried {attempt.asked_at:%Y-%m-%d %H:%M} UTC in the same situation;"
        f" again from {attempt.asked_at + retry_after:%H:%M}"
    )


def on_missing() -> Condition:
    """Hold for what was never made."""
    return Condition("on_missing", lambda view: _where(view, lambda step: step.state == State.MISSING))


def on_code_change() -> Condition:
    """Hold for what was made by other code or checks."""
    return Condition("on_code_change", lambda view: _where(view, lambda step: Cause.CODE in step.causes))


def on_data_change() -> Condition:
    """Hold for what was made from other data than there is now."""
    changes = {Cause.DATA, Cause.DEPENDENCY}
    return Condition("on_data_change", lambda view: _where(view, lambda step: bool(changes & set(step.causes))))


def eager() -> Condition:
    """Hold for whatever is missing or stale as soon as what it reads is released, or asked for at the same moment."""

    def due(view: View) -> Reasons:
        found: dict[str, str] = {}
        for each, step in view.steps.items():
            inputs = tuple(_inputs(view, each))
            coming = [f"{key}@{part}".rstrip("@") for key, part, _ in inputs if (key, part) in view.coming]
            if step.action != "run" and not coming:
                continue
            if all((key, part) in view.coming or _is_released(view, key, part, opt) for key, part, opt in inputs):
                found[each] = step.reason if step.action == "run" else f"{coming[0]} is made at the same time"
        return found

    return Condition("eager", due)


def cron(text: str) -> Condition:
    """Hold for every partition that was neither made nor asked for since the last due minute, UTC.

    So a due minute is not lost while the warehouse is busy, and a run by hand after it counts.

    Raises:
        ConfigurationError: The expression cannot be read.
    """
    expression = CronExpression(text)

    def due(view: View) -> Reasons:
        latest = expression.latest(view.now)
        if latest is None:
            return {}
        late = (each for each in view.steps if not _is_touched_since(view, each, latest))
        return dict.fromkeys(late, f"due {latest:%Y-%m-%d %H:%M} UTC")

    return Condition(f"cron {text}", due)


def freshness_violated() -> Condition:
    """Hold for what was made longer ago than its `freshness` allows, or never."""

    def late(view: View) -> Reasons:
        longest = view.graph[view.key].freshness
        found: dict[str, str] = {}
        for each in view.steps if longest is not None else ():
            made_at = view.state.materialized_at.get((view.key, each))
            if made_at is None:
                found[each] = "never made"
            elif longest is not None and view.now - made_at > longest:
                found[each] = f"made {made_at:%Y-%m-%d %H:%M} UTC, older than {longest}"
        return found

    return Condition("freshness_violated", late)


def all_blocking_checks_passed() -> Condition:
    """Hold when everything a partition is made from is there and released."""

    def released(view: View) -> Reasons:
        return {
            each: "every input is released"
            for each in view.steps
            if all(_is_released(view, key, part, is_optional) for key, part, is_optional in _inputs(view, each))
        }

    return Condition("all_blocking_checks_passed", released)


def check_failed(asset_key: str, check_name: str) -> Condition:
    """Hold when a check of another asset failed last, after this one was made: it says that this one has to be.

    Args:
        asset_key: The asset the check is on.
        check_name: The check, as declared.
    """

    def due(view: View) -> Reasons:
        failed_at = view.state.failed_checks.get((asset_key, check_name))
        if failed_at is None:
            return {}
        late = (each for each in view.steps if not _is_touched_since(view, each, failed_at))
        return dict.fromkeys(late, f"{check_name} of {asset_key} failed {failed_at:%Y-%m-%d %H:%M} UTC")

    return Condition(f"check_failed {asset_key} {check_name}", due)


def _where(view: View, holds: Callable[[Step], bool]) -> Reasons:
    return {key: step.reason for key, step in view.steps.items() if holds(step)}


def _is_touched_since(view: View, partition_key: str, moment: datetime) -> bool:
    made_at = view.state.materialized_at.get((view.key, partition_key))
    attempt = view.state.attempts.get((view.key, partition_key))
    return (made_at is not None and made_at >= moment) or (attempt is not None and attempt.asked_at >= moment)


def _inputs(view: View, partition_key: str) -> Iterator[tuple[str, str, bool]]:
    """What a partition is made from: asset, partition, and whether it may be missing."""
    definition = view.graph[view.key]
    for upstream_key in definition.deps:
        required = required_partitions(
            view.graph.mapping(view.key, upstream_key),
            partition_key,
            upstream=view.graph[upstream_key].partitions,
            downstream=definition.partitions,
            until=view.now,
        )
        for each in required:
            yield upstream_key, each, upstream_key in definition.optional_deps


def _data_version(view: View, key: str, partition_key: str) -> str:
    if is_partition_aware(view.graph, key):
        columns = view.state.partitions.get(key)
        return "" if columns is None else columns.data_versions.get(partition_key, "")
    record = view.state.recorded.get(key)
    return "" if record is None else record.data_version


def _is_released(view: View, key: str, partition_key: str, is_optional: bool) -> bool:
    """Tell whether an input may be read; one that may be missing is no hindrance while it is."""
    if not is_partition_aware(view.graph, key):
        record = view.state.recorded.get(key)
        return is_optional if record is None else record.is_released
    columns = view.state.partitions.get(key)
    if columns is None or partition_key not in columns.data_versions:
        return is_optional
    return partition_key not in columns.unreleased
