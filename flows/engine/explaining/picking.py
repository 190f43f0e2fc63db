"""From the asked rows up: which rows of every upstream stand behind them.

What lives here: the walk over the graph, asset by asset, each after all that read it. What does not: what a query
binds (flows.lineage.sql.binding) and the proof that the rows suffice (recomputing.py, verification.py).

Decision: the first try is optimistic. Where a model reads a relation in several places, places that nothing binds are
left out as long as another one is bound; the proof tells when that was too little, and the model's width is raised.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import TYPE_CHECKING

from flows.engine.explaining.sources import table_in
from flows.lineage.rows.bindings import Reading
from flows.lineage.rows.selection import (
    EVERYTHING,
    MOMENT_SUFFIXES,
    NOTHING,
    Match,
    Selection,
    bound_pairs,
    carried,
    key_columns,
    key_pairs,
    matched,
)
from flows.lineage.sql.binding import readings_of
from flows.lineage.sql.parsing import NotFollowedError
from flows.warehouse.content import VOLATILE_COLUMNS
from flows.warehouse.identifiers import quoted, relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flows.assets.definition import AssetDefinition
    from flows.engine.explaining.sources import Sources


class Width(IntEnum):
    """How much of its upstreams a model is given."""

    BOUND_PLACES = 0
    ALL_PLACES = 1
    WITHOUT_MOMENTS = 2
    ALL_ROWS = 3


@dataclass
class Picker:
    """Selects rows, from one asset upwards.

    Args:
        sources: What can be read.
        widths: By asset, how much of its upstreams it is given; BOUND_PLACES where nothing is said.
    """

    sources: Sources
    widths: Mapping[str, Width]
    readings: dict[str, tuple[Reading, ...]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def pick(self, start: str, selection: Selection) -> dict[str, Selection]:
        """Select, and keep what can be read in schema `picked`.

        Args:
            start: The asset that was asked about; its rows lie in `picked` already.
            selection: Of those rows.

        Returns:
            Selection by key, upstreams after what reads them. Models (trained ones) hold no rows and are left out.
        """
        found: dict[str, Selection] = {start: selection}
        for key in reversed(self.sources.graph.order):
            if key not in found:
                continue
            found[key] = found.pop(key)  # in the order of the walk
            if key in self.sources.readable and key != start:
                self._keep(key, found[key])
            if key != start and self.sources.is_taken_as_published(key):
                continue
            for upstream, picked in self._upstreams(key, found[key]).items():
                found[upstream] = found.get(upstream, NOTHING) | picked
        return found

    def _keep(self, key: str, selection: Selection) -> None:
        query = f"select * from {relation(key)} where {selection.sql}"  # noqa: S608 - checked names
        self.sources.create(table_in("picked", key), query)

    def _upstreams(self, key: str, selection: Selection) -> dict[str, Selection]:
        readings = self._readings(key)
        own = {each.number: self._selected(key, selection, each) for each in readings}
        width = self.widths.get(key, Width.BOUND_PLACES)
        by_upstream: dict[str, list[Selection]] = defaultdict(list)
        for each in readings:
            picked = own[each.number]
            if width < Width.WITHOUT_MOMENTS:
                picked = self._met(each, readings, own)
            by_upstream[each.key].append(picked)
        found = {}
        for upstream, selections in by_upstream.items():
            bound = [each for each in selections if not each.is_everything]
            used = bound if bound and width == Width.BOUND_PLACES else selections
            found[upstream] = NOTHING
            for picked in used:
                found[upstream] |= picked
        return found

    def _selected(self, key: str, selection: Selection, reading: Reading) -> Selection:
        """Select by the columns the result's rows fix."""
        width = self.widths.get(key, Width.BOUND_PLACES)
        if width == Width.ALL_ROWS:
            return EVERYTHING
        pairs = bound_pairs(reading, is_narrow=width < Width.WITHOUT_MOMENTS)
        if key not in self.sources.readable:
            return carried(selection, pairs)
        pairs = key_pairs(pairs)
        return matched(pairs, self._keys(table_in("picked", key), [name for _, name in pairs])) if pairs else EVERYTHING

    def _keys(self, table: str, names: Iterable[str], where: str = "true") -> str:
        keys = f"keys.k{next(self._numbers)}"
        chosen = ", ".join(quoted(name) for name in sorted(set(names)))
        self.sources.create(keys, f"select distinct {chosen} from {table} where {where}")  # noqa: S608 - checked names
        return keys

    def _met(self, reading: Reading, readings: tuple[Reading, ...], own: Mapping[int, Selection]) -> Selection:
        """Narrow by keys of joins that do not reach the result, where the other side can be read."""
        picked = own[reading.number]
        known = {column for conjunction in picked.conjunctions for match in conjunction for column in match.columns}
        wanted = set(key_columns({column for column, _ in reading.met})) - known
        for column, places in sorted(reading.met, key=lambda each: (each[0], sorted(each[1]))):
            origins = [(readings[number], name) for number, name in sorted(places)]
            if column in wanted and all(self._is_telling(each, own) for each, _ in origins):
                keys = self._values(origins, own)
                picked = picked.narrowed(Match(columns=(column,), keys=keys, key_columns=("value",)))
        return picked

    def _is_telling(self, origin: Reading, own: Mapping[int, Selection]) -> bool:
        return origin.key in self.sources.readable and not own[origin.number].is_everything

    def _values(self, origins: list[tuple[Reading, str]], own: Mapping[int, Selection]) -> str:
        keys = f"keys.k{next(self._numbers)}"
        parts = [
            f"select {quoted(name)} as value from {relation(each.key)} where {own[each.number].sql}"  # noqa: S608 - checked names
            for each, name in origins
        ]
        self.sources.create(keys, " union ".join(parts))
        return keys

    def _readings(self, key: str) -> tuple[Reading, ...]:
        if key not in self.readings:
            self.readings[key] = self._found_readings(self.sources.graph[key])
        return self.readings[key]

    def _found_readings(self, definition: AssetDefinition) -> tuple[Reading, ...]:
        upstreams = tuple(key for key in definition.deps if self.sources.graph[key].kind != "model")
        if definition.row_links:
            return _linked(definition)
        if definition.key in self.sources.code:
            try:
                known = {key: self.sources.columns(key) for key in upstreams}
                return readings_of(self.sources.code[definition.key], known)
            except NotFollowedError:
                pass  # as a Python step: by the names of its keys, and the proof decides
        return tuple(self._guessed(number, definition, key) for number, key in enumerate(upstreams))

    def _guessed(self, number: int, definition: AssetDefinition, upstream: str) -> Reading:
        """Bind keys of the same name; a step that reads other partitions than its own is not bound by moments."""
        shared = set(self.sources.columns(definition.key)) & set(self.sources.columns(upstream)) - VOLATILE_COLUMNS
        if upstream in definition.partition_mappings:
            shared = {name for name in shared if not name.endswith(MOMENT_SUFFIXES)}
        bound = {(name, name) for name in key_columns(shared)}
        return Reading(number=number, key=upstream, bound=frozenset(bound))


def _linked(definition: AssetDefinition) -> tuple[Reading, ...]:
    """Turn what a Python step's author declared into readings."""
    numbers = {link.key: number for number, link in enumerate(definition.row_links)}
    return tuple(
        Reading(
            number=numbers[link.key],
            key=link.key,
            bound=frozenset(link.columns),
            met=frozenset((column, frozenset({(numbers[other], name)})) for column, other, name in link.through),
        )
        for link in definition.row_links
    )
