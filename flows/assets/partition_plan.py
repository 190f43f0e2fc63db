"""What must run, and why, per asset and partition. Pure, like plan.py, and the same decisions.

What lives here: the ledger's state of a partitioned asset column by column and the plan over it. What does not: which
partitions somebody means (wanted_partitions.py), and the plan of assets that are not cut and read nothing that is
(plan.py, which this calls for them).

Decision: columns and groups instead of a record and a step per partition. 5,000 assets of 365 partitions are 1.8
million of each; compared column by column and told apart only where something differs they are planned in the time it
takes to look at them (tests/benchmarks/bench_plan.py). A test holds this plan against the plain one-by-one plan.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from flows.assets.changes import EVERYTHING, Change
from flows.assets.definition import CONTENT_ADDRESSED, AssetDefinition
from flows.assets.joined_steps import joined, running_partitions
from flows.assets.partition_mappings import UNPARTITIONED, Identity, edges, reverse_edges
from flows.assets.plan import Cause, Recorded, State, Step, change_of, is_same_code, plan_step
from flows.assets.skipped import Skipped, without_idle
from flows.assets.versions import parameters_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from flows.assets.graph import AssetGraph

InputVersion = str | tuple[tuple[str, str], ...]
"""Version of one input: of the same partition, or of an input that is not cut; else (partition, version) of each."""


def input_version(key: str, pairs: tuple[tuple[str, str], ...]) -> InputVersion:
    """Write down what a partition read of one input: short where it read its own partition only.

    Args:
        key: The partition that read.
        pairs: Partition and data version of everything it read, oldest first.
    """
    return pairs[0][1] if len(pairs) == 1 and pairs[0][0] in {key, UNPARTITIONED} else pairs


@dataclass(frozen=True, kw_only=True)
class RecordedPartitions:
    """The latest materialization of each partition of one asset, as columns by partition key.

    Args:
        materialization_ids: Identifiers.
        code_versions: Code each was made with.
        data_versions: Content.
        inputs: By input, what of it each was made from.
        source_texts: Code as text, by code version.
        parameters_hashes: Where recorded.
        environment_ids: Where recorded.
        unreleased: Partitions with rows of which a blocking check has no PASS.
    """

    materialization_ids: Mapping[str, str] = field(default_factory=dict)
    code_versions: Mapping[str, str] = field(default_factory=dict)
    data_versions: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, InputVersion]] = field(default_factory=dict)
    source_texts: Mapping[str, str] = field(default_factory=dict)
    parameters_hashes: Mapping[str, str] = field(default_factory=dict)
    environment_ids: Mapping[str, str] = field(default_factory=dict)
    unreleased: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class StepGroup:
    """Partitions of one asset that stand alike; one partition, the empty one, for an asset that is not cut."""

    asset_key: str
    partition_keys: tuple[str, ...]
    state: State
    causes: tuple[Cause, ...]
    action: Literal["run", "reuse", "skip"]
    reason: str
    is_forced: bool = False

    def steps(self) -> Iterator[Step]:
        """One line of a plan per partition."""
        for partition_key in self.partition_keys:
            yield Step(
                asset_key=self.asset_key,
                state=self.state,
                causes=self.causes,
                action=self.action,
                reason=self.reason,
                partition_key=partition_key,
            )


def is_partition_aware(graph: AssetGraph, key: str) -> bool:
    """Tell whether an asset is cut, or reads one that is."""
    definition = graph[key]
    return definition.partitions is not None or any(graph[each].partitions is not None for each in definition.deps)


def plan_partitions(
    graph: AssetGraph,
    *,
    wanted: Mapping[str, tuple[str, ...]],
    recorded: Mapping[str, Recorded],
    recorded_partitions: Mapping[str, RecordedPartitions],
    environment_id: str,
    until: datetime,
    is_forced: bool = False,
    skipped: Mapping[str, Skipped] | None = None,
) -> tuple[StepGroup, ...]:
    """Decide for each wanted partition whether it runs.

    Args:
        graph: All assets.
        wanted: Partition keys by asset key.
        recorded: Latest materialization of each asset that neither is cut nor reads one that is.
        recorded_partitions: Of every other asset; also of those not cut, under the empty key.
        environment_id: The present environment.
        until: The moment of planning.
        is_forced: Run everything wanted (but not what is content-addressed).
        skipped: Assets whose last step skipped itself; only those that neither are cut nor read one that is count.

    Returns:
        Groups in the graph's order; what is missing, fresh and stale of an asset are groups of their own. Assets that
        are made by the step of another one that runs are among them, also when they are not wanted.
    """
    planner = _Planner(
        graph, recorded, recorded_partitions, environment_id, until, is_forced=is_forced, skipped=skipped or {}
    )
    found: dict[str, list[StepGroup]] = {}
    for key in graph.order:
        if key in wanted and key not in found:  # the assets of one step are planned with the first of them
            found |= planner.step(key, wanted)
    groups = (group for key in graph.order for group in found.get(key, ()))
    return tuple(replace(each, is_forced=is_forced and each.action == "run") for each in groups)


class _Planner:
    """One plan being made; remembers what will run."""

    def __init__(
        self,
        graph: AssetGraph,
        recorded: Mapping[str, Recorded],
        columns: Mapping[str, RecordedPartitions],
        environment_id: str,
        until: datetime,
        *,
        is_forced: bool,
        skipped: Mapping[str, Skipped],
    ) -> None:
        self._graph = graph
        self._recorded = recorded
        self._columns = columns
        self._environment_id = environment_id
        self._until = until.replace(minute=0, second=0, microsecond=0)  # an hour shares its look-ups
        self._is_forced = is_forced
        self._skipped = skipped
        self._will_run: dict[str, set[str]] = {}
        self._changes: dict[str, Change] = {}

    def step(self, key: str, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, list[StepGroup]]:
        """Plan an asset with all that its step makes; what runs of one of them runs of all."""
        siblings = self._graph[key].step_keys or (key,)
        found = {each: self.groups(each, wanted[each]) for each in siblings if each in wanted}
        running = running_partitions(group for groups in found.values() for group in groups)
        if len(siblings) == 1 or not running:
            return found
        keys = {each: tuple(dict.fromkeys((*wanted.get(each, ()), *running))) for each in siblings}
        found = joined({each: self.groups(each, keys[each]) for each in siblings})
        for each in siblings:
            self._will_run[each] = {*self._will_run.get(each, ()), *running}
            self._changes.setdefault(each, EVERYTHING)
        return found

    def groups(self, key: str, keys: tuple[str, ...]) -> list[StepGroup]:
        definition = self._graph[key]
        if not keys:
            return []
        if not is_partition_aware(self._graph, key):
            step = plan_step(definition, self._recorded, self._changes, self._environment_id, is_forced=self._is_forced)
            if not self._is_forced:
                step = without_idle(
                    step,
                    definition,
                    self._skipped.get(key),
                    recorded=self._recorded,
                    will_run=self._will_run.keys(),
                    environment_id=self._environment_id,
                )
            found = [_group_of(step)]
            change = change_of(definition, step, self._recorded, self._changes)
        else:
            found = self._partitioned(definition, keys)
            change = EVERYTHING
        running = {each for group in found if group.action == "run" for each in group.partition_keys}
        if running:
            self._will_run[key] = running
            self._changes[key] = change
        return found

    def _partitioned(self, definition: AssetDefinition, keys: tuple[str, ...]) -> list[StepGroup]:
        columns = self._columns.get(definition.key, _NOTHING)
        is_complete = columns.data_versions.keys() >= set(keys)
        missing = () if is_complete else [key for key in keys if key not in columns.data_versions]
        present = keys if not missing else tuple(key for key in keys if key in columns.data_versions)
        groups = []
        if missing:
            groups.append(
                StepGroup(
                    asset_key=definition.key,
                    partition_keys=tuple(missing),
                    state=State.MISSING,
                    causes=(),
                    action="run",
                    reason="never materialized",
                )
            )
        causes = self._causes(definition, columns, present)
        fresh = tuple(key for key in present if key not in causes) if causes else present
        if fresh:
            groups.append(self._fresh(definition, fresh))
        alike: dict[tuple[tuple[Cause, str], ...], list[str]] = defaultdict(list)
        for key in present if causes else ():
            if key in causes:
                alike[tuple(causes[key].items())].append(key)
        groups.extend(_stale(definition.key, dict(found), tuple(same)) for found, same in alike.items())
        return groups

    def _fresh(self, definition: AssetDefinition, keys: tuple[str, ...]) -> StepGroup:
        is_run = self._is_forced and definition.engine not in CONTENT_ADDRESSED
        return StepGroup(
            asset_key=definition.key,
            partition_keys=keys,
            state=State.FRESH,
            causes=(),
            action="run" if is_run else "reuse",
            reason="forced" if is_run else "unchanged",
        )

    def _causes(
        self, definition: AssetDefinition, columns: RecordedPartitions, keys: tuple[str, ...]
    ) -> dict[str, dict[Cause, str]]:
        """Find why partitions are stale; those that are fresh do not appear."""
        found: dict[str, dict[Cause, str]] = defaultdict(dict)
        if definition.engine in CONTENT_ADDRESSED or not keys:
            return found
        for key in _with_other_code(definition, columns, keys):
            found[key][Cause.CODE] = "its code or checks changed"
        for upstream_key in definition.deps:
            self._compare_input(definition, upstream_key, columns, keys, found)
        expected = parameters_hash(definition.parameters) if columns.parameters_hashes else ""
        for key in _differing(columns.parameters_hashes, keys, expected):
            found[key][Cause.PARAMS] = "its parameters changed"
        for key in _differing(columns.environment_ids, keys, self._environment_id):
            found[key][Cause.ENV] = "Python or a locked package changed"
        for key in columns.unreleased.intersection(keys):
            found[key][Cause.CHECK] = "a blocking check has no PASS"
        for upstream_key in definition.deps:
            for key in self._behind(definition, upstream_key, keys):
                found[key].setdefault(Cause.DEPENDENCY, f"{upstream_key} runs before it")
        return found

    def _compare_input(
        self,
        definition: AssetDefinition,
        upstream_key: str,
        columns: RecordedPartitions,
        keys: tuple[str, ...],
        found: dict[str, dict[Cause, str]],
    ) -> None:
        """Hold what was read of an input against what there is of it now; adds to `found`."""
        present = self._present(definition, upstream_key, keys)
        read = columns.inputs.get(upstream_key, {})
        if present == read:
            return
        for key in keys:
            now, before = present.get(key), read.get(key)
            if now is None or now == before:
                continue
            if before is None:
                found[key].setdefault(Cause.DEPENDENCY, f"{upstream_key} was not read before")
                continue
            now_by, before_by = _by_partition(key, now), _by_partition(key, before)
            if any(now_by.get(each, version) != version for each, version in before_by.items()):
                found[key].setdefault(Cause.DATA, f"{upstream_key} has other data")
            if set(now_by) - set(before_by):
                found[key].setdefault(Cause.DEPENDENCY, f"{upstream_key} was not read before")

    def _present(
        self, definition: AssetDefinition, upstream_key: str, keys: tuple[str, ...]
    ) -> Mapping[str, InputVersion]:
        """Version of an input per partition, in the form in which it is recorded."""
        upstream = self._graph[upstream_key].partitions
        if not is_partition_aware(self._graph, upstream_key):
            record = self._recorded.get(upstream_key)
            return dict.fromkeys(keys, record.data_version) if record else {}
        versions = self._columns.get(upstream_key, _NOTHING).data_versions
        if upstream is None:
            version = versions.get(UNPARTITIONED)
            return dict.fromkeys(keys, version) if version is not None else {}
        mapping = self._graph.mapping(definition.key, upstream_key)
        if isinstance(mapping, Identity):
            return versions
        required = edges(mapping, keys, upstream=upstream, downstream=definition.partitions, until=self._until)
        pair_of = dict(zip(versions, versions.items(), strict=True))
        present: dict[str, InputVersion] = {}
        for key, each in required.items():
            pairs = tuple([pair_of[one] for one in each if one in pair_of])
            if pairs:
                present[key] = input_version(key, pairs)
        return present

    def _behind(self, definition: AssetDefinition, upstream_key: str, keys: tuple[str, ...]) -> Collection[str]:
        """Return the partitions that read something of this input that runs before them."""
        running = self._will_run.get(upstream_key)
        if not running:
            return ()
        upstream = self._graph[upstream_key].partitions
        if upstream is None:
            return keys
        mapping = self._graph.mapping(definition.key, upstream_key)
        made = reverse_edges(mapping, keys, upstream=upstream, downstream=definition.partitions, until=self._until)
        return {key for each in running for key in made.get(each, ())}


_NOTHING = RecordedPartitions()


def _with_other_code(definition: AssetDefinition, columns: RecordedPartitions, keys: tuple[str, ...]) -> Sequence[str]:
    if set(columns.code_versions.values()) == {definition.code_version}:
        return ()
    other = [key for key in keys if columns.code_versions[key] != definition.code_version]
    return [
        key
        for key in other
        if not is_same_code(
            definition, columns.code_versions[key], columns.source_texts.get(columns.code_versions[key], "")
        )
    ]


def _differing(recorded: Mapping[str, str], keys: tuple[str, ...], expected: str) -> Sequence[str]:
    """Partitions with another recorded value; one that recorded none does not differ."""
    if set(recorded.values()) <= {expected}:
        return ()
    return [key for key in keys if recorded.get(key, expected) != expected]


def _by_partition(key: str, version: InputVersion) -> dict[str, str]:
    """Spell out an input version."""
    return {key: version} if isinstance(version, str) else dict(version)


def _stale(asset_key: str, causes: dict[Cause, str], keys: tuple[str, ...]) -> StepGroup:
    return StepGroup(
        asset_key=asset_key,
        partition_keys=keys,
        state=State.STALE,
        causes=tuple(causes),
        action="run",
        reason="; ".join(causes.values()),
    )


def _group_of(step: Step) -> StepGroup:
    return StepGroup(
        asset_key=step.asset_key,
        partition_keys=(UNPARTITIONED,),
        state=step.state,
        causes=step.causes,
        action=step.action,
        reason=step.reason,
    )
