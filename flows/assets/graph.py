"""The one graph of all assets.

What lives here: validation at load time, order, ancestors and descendants. What does not: choosing assets by text
(selection.py) and deciding what must run (plan.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from flows.assets.definition import AssetDefinition
from flows.assets.partition_mappings import PartitionMapping, default_mapping, refuse_impossible
from flows.errors import ConfigurationError, UnknownAssetError


class AssetGraph(Mapping[str, AssetDefinition]):
    """All assets by key, checked: no duplicate key, no unknown dependency, no cycle, no partition without a mapping.

    Args:
        definitions: Every asset of the project.

    Raises:
        ConfigurationError: The definitions do not make a graph; the message names the places.
    """

    def __init__(self, definitions: Iterable[AssetDefinition]) -> None:
        self._by_key: dict[str, AssetDefinition] = {}
        for definition in definitions:
            earlier = self._by_key.get(definition.key)
            if earlier is not None:
                raise ConfigurationError(
                    f"Asset {definition.key} is declared twice: {earlier.source_path} and {definition.source_path}.",
                    hint="rename one of them",
                )
            self._by_key[definition.key] = definition
        self._refuse_unknown_deps()
        self._order = self._sorted()
        self._downstream: dict[str, set[str]] = {key: set() for key in self._by_key}
        for definition in self._by_key.values():
            for upstream_key in definition.deps:
                self._downstream[upstream_key].add(definition.key)
        self._refuse_impossible_mappings()
        self._refuse_checks_that_hold_back_nothing()

    def __getitem__(self, key: str) -> AssetDefinition:
        try:
            return self._by_key[key]
        except KeyError:
            near = tuple(get_close_matches(key, self._by_key, n=3))
            raise UnknownAssetError(name=key, suggestions=near) from None

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def order(self) -> tuple[str, ...]:
        """Keys so that each stands after its dependencies; ties by key, so the order is stable."""
        return self._order

    def downstream(self, key: str) -> frozenset[str]:
        """Return the assets that read this one directly."""
        return frozenset(self._downstream[self[key].key])

    def ancestors(self, key: str, *, depth: int | None = None) -> set[str]:
        """Return everything this asset is made from, at most `depth` steps away."""
        return self._reach(key, depth, lambda each: self._by_key[each].deps)

    def descendants(self, key: str, *, depth: int | None = None) -> set[str]:
        """Return everything that is made from this asset, at most `depth` steps away."""
        return self._reach(key, depth, lambda each: self._downstream[each])

    def _reach(self, key: str, depth: int | None, step: Callable[[str], Iterable[str]]) -> set[str]:
        reached: set[str] = set()
        frontier = {self[key].key}
        while frontier and depth != 0:
            frontier = {after for each in frontier for after in step(each)} - reached
            reached |= frontier
            depth = None if depth is None else depth - 1
        return reached

    def _refuse_unknown_deps(self) -> None:
        for definition in self._by_key.values():
            for upstream_key in definition.deps:
                if upstream_key not in self._by_key:
                    near = get_close_matches(upstream_key, self._by_key, n=1)
                    raise ConfigurationError(
                        f"Asset {definition.key} ({definition.source_path}) depends on {upstream_key},"
                        " which does not exist.",
                        hint=f"did you mean {near[0]}?" if near else "declare it or drop the dependency",
                    )

    def mapping(self, key: str, upstream_key: str) -> PartitionMapping:
        """Return which partitions of a dependency a partition is made from: as declared, or the default."""
        found = self._mapping(self[key], upstream_key)
        if found is None:
            raise UnknownAssetError(name=upstream_key)  # refused when the graph was made
        return found

    def _mapping(self, definition: AssetDefinition, upstream_key: str) -> PartitionMapping | None:
        declared = definition.partition_mappings.get(upstream_key)
        return declared or default_mapping(self._by_key[upstream_key].partitions, definition.partitions)

    def _refuse_impossible_mappings(self) -> None:
        for definition in self._by_key.values():
            for upstream_key in definition.deps:
                upstream = self._by_key[upstream_key].partitions
                if upstream is None and definition.partitions is None:
                    continue
                refuse_impossible(
                    self._mapping(definition, upstream_key),
                    upstream=upstream,
                    downstream=definition.partitions,
                    place=f"Asset {definition.key} ({definition.source_path}) reads {upstream_key}",
                )

    def _refuse_checks_that_hold_back_nothing(self) -> None:
        for definition in self._by_key.values():
            for check in definition.checks:
                elsewhere = sorted(check.blocks - self.descendants(definition.key)) if check.blocks else []
                if elsewhere:
                    raise ConfigurationError(
                        f"Check {check.name} of {definition.key} ({definition.source_path}) holds back"
                        f" {elsewhere[0]}, which is not made from it.",
                        hint=f"made from it: {', '.join(sorted(self._downstream[definition.key])) or 'nothing'}",
                    )

    def _sorted(self) -> tuple[str, ...]:
        sorter = TopologicalSorter({key: each.deps for key, each in self._by_key.items()})
        try:
            sorter.prepare()
        except CycleError as error:
            path = " -> ".join(f"{key} ({self._by_key[key].source_path})" for key in reversed(error.args[1]))
            raise ConfigurationError(
                f"Assets depend on each other in a circle: {path}.",
                hint="break the circle at the edge that was added last",
            ) from error
        order: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            order.extend(ready)
            sorter.done(*ready)
        return tuple(order)
