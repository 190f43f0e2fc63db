"""Recorded states of partitioned graphs, and the plain one-partition-at-a-time plan the fast one is held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from flows.assets.graph import AssetGraph
from flows.assets.partition_mappings import required_partitions
from flows.assets.partition_plan import InputVersion, RecordedPartitions, input_version, is_partition_aware
from flows.assets.plan import Cause, Recorded, State

Slot = tuple[str, str]
"""Asset key and partition key."""

Records = dict[Slot, Recorded]
"""Input versions of each record are by `key@partition`."""


def required_slots(graph: AssetGraph, slot: Slot, until: datetime) -> list[Slot]:
    """Everything one partition of an asset is made from."""
    key, partition = slot
    return [
        (dep, each)
        for dep in graph[key].deps
        for each in required_partitions(
            graph.mapping(key, dep),
            partition,
            upstream=graph[dep].partitions,
            downstream=graph[key].partitions,
            until=until,
        )
    ]


def fresh_records(graph: AssetGraph, wanted: Mapping[str, Iterable[str]], until: datetime) -> Records:
    """The ledger state after an undisturbed run over these partitions."""
    records: Records = {}
    for key in graph.order:
        for partition in wanted[key]:
            records[key, partition] = Recorded(
                materialization_id=f"id of {key}@{partition}",
                code_version=graph[key].code_version,
                data_version=f"data of {key}@{partition}",
                environment_id="env",
                input_versions={
                    "@".join(each): records[each].data_version
                    for each in required_slots(graph, (key, partition), until)
                    if each in records
                },
            )
    return records


def as_columns(graph: AssetGraph, records: Records) -> dict[str, RecordedPartitions]:
    """The same state as the ledger's reader hands it over."""
    by_key: dict[str, dict[str, Recorded]] = defaultdict(dict)
    for (key, partition), record in records.items():
        if is_partition_aware(graph, key):
            by_key[key][partition] = record
    return {key: _columns(found) for key, found in by_key.items()}


def as_unpartitioned(graph: AssetGraph, records: Records) -> dict[str, Recorded]:
    """The part of the state that plan.py looks after."""
    return {
        key: Recorded(
            **{
                **vars(record),
                "input_versions": {name.rstrip("@"): each for name, each in record.input_versions.items()},
            }
        )
        for (key, _), record in records.items()
        if not is_partition_aware(graph, key)
    }


def _columns(found: Mapping[str, Recorded]) -> RecordedPartitions:
    inputs: dict[str, dict[str, InputVersion]] = defaultdict(dict)
    for partition, record in found.items():
        by_dep: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, version in record.input_versions.items():
            dep, _, upstream_partition = name.partition("@")
            by_dep[dep].append((upstream_partition, version))
        for dep, pairs in by_dep.items():
            inputs[dep][partition] = input_version(partition, tuple(pairs))
    return RecordedPartitions(
        materialization_ids={key: each.materialization_id for key, each in found.items()},
        code_versions={key: each.code_version for key, each in found.items()},
        data_versions={key: each.data_version for key, each in found.items()},
        environment_ids={key: each.environment_id for key, each in found.items()},
        inputs=inputs,
        unreleased=frozenset(key for key, each in found.items() if not each.is_released),
    )


def naive_plan(
    graph: AssetGraph, wanted: Mapping[str, Iterable[str]], records: Records, until: datetime
) -> dict[Slot, tuple[State, frozenset[Cause]]]:
    """Decide for one partition after the other, as one would write it down first."""
    steps: dict[Slot, tuple[State, frozenset[Cause]]] = {}
    for key in graph.order:
        for partition in wanted.get(key, ()):
            slot = key, partition
            record = records.get(slot)
            required = required_slots(graph, slot, until)
            if record is None:
                steps[slot] = State.MISSING, frozenset()
                continue
            causes = set()
            present = {"@".join(each): records[each].data_version for each in required if each in records}
            if record.code_version != graph[key].code_version:
                causes.add(Cause.CODE)
            if any(present.get(name, version) != version for name, version in record.input_versions.items()):
                causes.add(Cause.DATA)
            if set(present) - set(record.input_versions):
                causes.add(Cause.DEPENDENCY)
            if record.environment_id != "env":
                causes.add(Cause.ENV)
            if not record.is_released:
                causes.add(Cause.CHECK)
            if any(steps.get(each, (State.FRESH,))[0] != State.FRESH for each in required):
                causes.add(Cause.DEPENDENCY)
            steps[slot] = (State.STALE if causes else State.FRESH), frozenset(causes)
    return steps
