"""What is left to do of a plan, by asset and partition.

What lives here: the list, what is ready, what a lost partition takes with it. What does not: doing it (executor.py).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from flows.assets.definition import CONTENT_ADDRESSED
from flows.assets.partition_mappings import edges

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from flows.assets.graph import AssetGraph
    from flows.assets.partition_plan import StepGroup
    from flows.assets.plan import Cause
    from flows.clock import Clock


def slot_name(key: str, partition_key: str) -> str:
    """Name an asset, or one partition of it, in summaries and task runs."""
    return f"{key}@{partition_key}" if partition_key else key


class Worklist:
    """Partitions that are still to be made.

    Args:
        graph: All assets.
        groups: The plan.
        clock: Wall clock; which partitions there are depends on it.
    """

    def __init__(self, graph: AssetGraph, groups: Sequence[StepGroup], *, clock: Clock) -> None:
        self._graph = graph
        self._until = clock().replace(minute=0, second=0, microsecond=0)
        self.todo: dict[str, tuple[str, ...]] = {}
        self.causes: dict[str, set[Cause | None]] = defaultdict(set)
        for group in groups:
            if group.action == "run" and graph[group.asset_key].engine not in CONTENT_ADDRESSED:
                self.todo[group.asset_key] = (*self.todo.get(group.asset_key, ()), *group.partition_keys)
                self.causes[group.asset_key] |= {None} if group.is_forced else set(group.causes) or {None}
        self.remaining = list(self.todo)

    def is_ready(self, key: str) -> bool:
        """Tell whether everything an asset reads has been settled; assets of one step are ready together."""
        siblings = self._graph[key].step_keys or (key,)
        return not any(set(self._graph[each].deps) & set(self.remaining) for each in siblings)

    def add(self, key: str, partition_keys: Sequence[str]) -> None:
        """Put partitions on the list that were not to be made; they are made whatever comes before them brings."""
        if partition_keys:
            self.todo[key] = (*self.todo.get(key, ()), *partition_keys)
            self.causes[key].add(None)
            waiting = {*self.remaining, key}
            self.remaining = [each for each in self._graph.order if each in waiting]

    def settle(self, key: str, partition_keys: Collection[str]) -> None:
        """Take partitions off the list; an asset without any is done."""
        settled = set(partition_keys)
        self.todo[key] = tuple(each for each in self.todo.get(key, ()) if each not in settled)
        if not self.todo[key] and key in self.remaining:
            self.remaining.remove(key)

    def agreed(self, unchanged: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Return what need not be made, less what is made along with another asset of its step that must be."""
        return {
            key: tuple(
                each
                for each in partition_keys
                if all(
                    each not in self.todo.get(sibling, ()) or each in unchanged.get(sibling, ())
                    for sibling in self._graph[key].step_keys
                )
            )
            for key, partition_keys in unchanged.items()
        }

    def join_steps(self, keys: Sequence[str]) -> list[str]:
        """Return one asset for each step; what one of its assets needs is made for all of them."""
        leads: dict[tuple[str, ...], str] = {}
        for key in keys:
            siblings = self._graph[key].step_keys or (key,)
            leads.setdefault(siblings, key)
            union = tuple(dict.fromkeys(one for each in siblings for one in self.todo.get(each, ())))
            for each in siblings:
                self.todo[each] = union
        return list(leads.values())

    def inputs(self, key: str) -> dict[str, list[str]]:
        """Return what each partition left to do of an asset is made from, as `key@partition`."""
        found: dict[str, list[str]] = defaultdict(list)
        for upstream_key in self._graph[key].deps:
            for partition_key, required in self._required(key, upstream_key).items():
                found[partition_key].extend(f"{upstream_key}@{each}" for each in required)
        return dict(found)

    def behind(
        self, key: str, partition_keys: Collection[str], *, first: Collection[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """Return what remains and is made from some partitions of an asset, directly or through others.

        Args:
            key: The asset.
            partition_keys: Its partitions.
            first: Only through these of its readers; none means through all.
        """
        lost: dict[str, set[str]] = {key: set(partition_keys)}
        remaining = set(self.remaining)
        for each in (one for one in self._graph.order if one in remaining):
            for upstream_key in self._graph[each].deps:
                if upstream_key in lost and not (upstream_key == key and first and each not in first):
                    found = self._made_from(each, upstream_key, lost[upstream_key])
                    if found:
                        lost.setdefault(each, set()).update(found)
        return {each: tuple(sorted(found)) for each, found in lost.items() if each != key}

    def _made_from(self, key: str, upstream_key: str, lost: set[str]) -> set[str]:
        """Partitions left to do of an asset that need one of the lost ones."""
        required = self._required(key, upstream_key)
        return {partition_key for partition_key, needed in required.items() if lost.intersection(needed)}

    def _required(self, key: str, upstream_key: str) -> Mapping[str, tuple[str, ...]]:
        return edges(
            self._graph.mapping(key, upstream_key),
            self.todo[key],
            upstream=self._graph[upstream_key].partitions,
            downstream=self._graph[key].partitions,
            until=self._until,
        )
