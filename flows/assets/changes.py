"""How a change of some columns spreads: what is certainly the same, what a reader takes of the rest.

What lives here: the algebra of changes, pure. What does not: comparing an asset with the ledger (plan.py) and hashing
columns (flows.warehouse.content).

Decision: correctness beats saving, so a change is described by what certainly stayed: columns of which every row has
the same value, in the same set of rows. Anything not named, a column without a version for one, counts as changed, and
when the row set may differ nothing is kept at all. That is how whole tables were compared before there were columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.assets.columns import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.assets.definition import AssetDefinition


@dataclass(frozen=True)
class Change:
    """What a change left as it was.

    Args:
        kept: Columns that are the same row by row, in the same set of rows; None when the rows may differ.
    """

    kept: frozenset[str] | None

    def __and__(self, other: Change) -> Change:
        """Both changes together: only what both kept."""
        if self.kept is None or other.kept is None:
            return EVERYTHING
        return Change(self.kept & other.kept)


EVERYTHING = Change(None)


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> Change:
    """Compare versions by column, of content or of code; without a version of the row set (`*`) nothing is certain."""
    if ROWS not in before or before[ROWS] != now.get(ROWS):
        return EVERYTHING
    return Change(frozenset(name for name in before if name != ROWS and before[name] == now.get(name)))


def changed_code(before: Mapping[str, str], definition: AssetDefinition) -> Change:
    """Tell what another version of the code makes as the earlier one did, given the same inputs."""
    return changed_versions(before, dict(definition.column_map.fingerprints)) if definition.column_map else EVERYTHING


def untouched(definition: AssetDefinition) -> Change:
    """No change at all, for an asset whose columns are known."""
    is_known = definition.column_map is not None and definition.column_map.columns
    return Change(frozenset(definition.column_map.columns)) if definition.column_map and is_known else EVERYTHING


def is_reading(definition: AssetDefinition, upstream_key: str, change: Change) -> bool:
    """Tell whether an asset reads anything of an upstream that a change did not certainly keep."""
    reads = definition.column_map.reads(upstream_key) if definition.column_map else None
    return change.kept is None or reads is None or not reads <= change.kept


def spread(definition: AssetDefinition, upstream_key: str, change: Change) -> Change:
    """Tell what an asset keeps when an upstream changes."""
    column_map = definition.column_map
    if not is_reading(definition, upstream_key, change):
        return untouched(definition)
    if change.kept is None or column_map is None or column_map.method == "opaque":
        return EVERYTHING
    reached = {
        edge.column
        for edge in column_map.edges
        if edge.upstream_key == upstream_key and edge.upstream_column not in {ROWS, *change.kept}
    }
    return EVERYTHING if ROWS in reached else Change(frozenset(column_map.columns) - reached)
