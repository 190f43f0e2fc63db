"""Making the tables again from the picked rows alone.

What lives here: running each model's compiled SQL over what was picked. What does not: picking (picking.py) and
comparing with what is published (verification.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine.explaining.sources import table_in
from flows.errors import AssetError
from flows.lineage.sql.renaming import over_other_relations
from flows.warehouse.identifiers import relation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.engine.explaining.sources import Sources
    from flows.lineage.rows.selection import Selection


class RecomputingError(AssetError):
    """A model could not be computed from the picked rows.

    Args:
        asset_key: The model.
        reason: DuckDB's own words.
    """

    def __init__(self, *, asset_key: str, reason: str) -> None:
        self.asset_key = asset_key
        self.reason = reason
        super().__init__(
            f"Asset {asset_key} could not be computed again from the rows behind it: {reason}",
            hint=f"gridweave plan {asset_key} tells whether its code has changed since it was published",
        )


def recompute(sources: Sources, selections: Mapping[str, Selection], *, start: str) -> tuple[str, ...]:
    """Compute every picked model, in the order of the graph, into schema `rebuilt`.

    A model's other rows are made from too little and therefore cut off before anything reads them.

    Args:
        sources: What can be read.
        selections: What was picked.
        start: The asset that was asked about; a Python step is not computed again.

    Returns:
        Keys of the models that were computed.

    Raises:
        RecomputingError: The SQL of a model failed.
    """
    made: set[str] = set()
    for key in sources.graph.order:
        is_source = key not in sources.code or (key != start and sources.is_taken_as_published(key))
        if key not in selections or is_source:
            continue
        _make(sources, key, selections[key], made)
        made.add(key)
    return tuple(key for key in sources.graph.order if key in made)


def _make(sources: Sources, key: str, selection: Selection, made: set[str]) -> None:
    import duckdb

    def place_of(upstream: str) -> tuple[str, str]:
        return ("rebuilt" if upstream in made else "picked", upstream.replace("/", "__"))

    query = over_other_relations(sources.code[key], place_of)
    table = table_in("rebuilt", key)
    filtered = f"select * from ({query}) as made where {selection.sql}"  # noqa: S608 - our own SQL
    try:
        if key in sources.readable:  # with the types of its contract
            sources.create(table, f"select * from {relation(key)} limit 0")  # noqa: S608 - checked names
            sources.connection.execute(f"insert into {table} by name {filtered}")
        else:
            sources.create(table, filtered)
    except duckdb.Error as error:
        raise RecomputingError(asset_key=key, reason=str(error).strip().splitlines()[0]) from error
