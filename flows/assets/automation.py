"""When an asset is to be made without being asked for.

What lives here: conditions and their evaluation over (graph, recorded state, clock): pure functions. What does not: the
schedule on which they are evaluated and what is done with the answer (flows.pipelines).

    automation=on_missing() | (on_data_change() & all_blocking_checks_passed())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.assets.cron import CronExpression
from flows.assets.partition_mappings import required_partitions
from flows.assets.partition_plan import RecordedPartitions, is_partition_aware, plan_partitions
from flows.assets.plan import Cause, Recorded, State, Step

if TYPE_CHECKING:
    from datetime import datetime

    from flows.assets.graph import AssetGraph

Reasons = Mapping[str, str]
"""Partitions for which a condition holds, and why."""


@dataclass(frozen=True, kw_only=True)
class RecordedState:
    """What the ledger holds.

    Args:
        recorded: Latest materialization of assets that neither are cut nor read one that is.
        partitions: Of all others.
        materialized_at: When each asset and partition was made last.
    """

    recorded: Mapping[str, Recorded] = field(default_factory=dict)
    partitions: Mapping[str, RecordedPartitions] = field(default_factory=dict)
    materialized_at: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class View:
    """What a condition may look at: one asset, its partitions, now.

    Args:
        graph: All assets.
        key: The asset.
        steps: How each of its partitions stands by itself, whatever runs before it.
        state: What the ledger holds.
        now: The clock.
        since: When conditions were evaluated last.
    """

    graph: AssetGraph
    key: str
    steps: Mapping[str, Step]
    state: RecordedState
    now: datetime
    since: datetime


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
    """One partition to run, and why."""

    asset_key: str
    partition_key: str
    reason: str


def requested(
    graph: AssetGraph,
    state: RecordedState,
    *,
    wanted: Mapping[str, tuple[str, ...]],
    now: datetime,
    since: datetime,
    environment_id: str,
) -> tuple[Request, ...]:
    """Evaluate the conditions of all wanted assets that have one.

    Args:
        graph: All assets.
        state: What the ledger holds.
        wanted: Partitions to look at by asset key.
        now: The clock.
        since: When conditions were evaluated last.
        environment_id: The present environment.

    Returns:
        What to run, in the graph's order.
    """
    found: list[Request] = []
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
        reasons = condition.evaluate(View(graph=graph, key=key, steps=steps, state=state, now=now, since=since))
        found.extend(
            Request(asset_key=key, partition_key=each, reason=reasons[each]) for each in wanted[key] if each in reasons
        )
    return tuple(found)


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
    """Hold for whatever is missing or stale, as soon as everything it reads is there and released."""
    is_due = Condition("eager", lambda view: _where(view, lambda step: step.action == "run"))
    return Condition("eager", (is_due & all_blocking_checks_passed()).evaluate)


def cron(text: str) -> Condition:
    """Hold for every partition once per due minute, UTC.

    Raises:
        ConfigurationError: The expression cannot be read.
    """
    expression = CronExpression(text)

    def due(view: View) -> Reasons:
        latest = expression.latest(view.now)
        if latest is None or latest <= view.since:
            return {}
        return dict.fromkeys(view.steps, f"due {latest:%Y-%m-%d %H:%M} UTC")

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
        return {each: "every input is released" for each in view.steps if _is_ready(view, each)}

    return Condition("all_blocking_checks_passed", released)


def _where(view: View, holds: Callable[[Step], bool]) -> Reasons:
    return {key: step.reason for key, step in view.steps.items() if holds(step)}


def _is_ready(view: View, partition_key: str) -> bool:
    definition = view.graph[view.key]
    for upstream_key in definition.deps:
        required = required_partitions(
            view.graph.mapping(view.key, upstream_key),
            partition_key,
            upstream=view.graph[upstream_key].partitions,
            downstream=definition.partitions,
            until=view.now,
        )
        is_optional = upstream_key in definition.optional_deps
        if not all(_is_released(view, upstream_key, each, is_optional=is_optional) for each in required):
            return False
    return True


def _is_released(view: View, key: str, partition_key: str, *, is_optional: bool) -> bool:
    """Tell whether an input may be read; one that may be missing is no hindrance while it is."""
    if not is_partition_aware(view.graph, key):
        record = view.state.recorded.get(key)
        return is_optional if record is None else record.is_released or record.row_count == 0
    columns = view.state.partitions.get(key)
    if columns is None or partition_key not in columns.data_versions:
        return is_optional
    return partition_key not in columns.unreleased
