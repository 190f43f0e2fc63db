"""Days on dbt's side: how a model or a raw table says that its rows belong to days.

What lives here: reading `meta.days`. What does not: which days are to be made and what models are told of them
(flows.engine.planning.days), what a model does with them (transform/macros/days.sql).

    meta:
      days: {column: reading_date}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.assets.days import Days
from flows.errors import ConfigurationError
from flows.warehouse.day_files import event_date

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MADE_BY_DAY = frozenset({"view", "incremental"})
"""Materializations that single days can be made of; a table is made whole, and only its changes are known by day."""


def days_of(meta: Mapping[str, Any], *, materialized: str, place: str) -> Days | None:
    """Return how the rows of a model or raw table belong to days.

    Args:
        meta: Its `meta`.
        materialized: How dbt makes it; `source` for a raw table.
        place: Its file, for the message.

    Raises:
        ConfigurationError: The declaration names no column.
    """
    declared = meta.get("days")
    if declared is None:
        return None
    try:
        return Days(
            column=str(declared["column"]),
            event_column=str(declared.get("event_column", "")),
            is_whole=materialized not in MADE_BY_DAY,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"meta.days of {place} cannot be read ({type(error).__name__}: {error}).",
            hint="for example {column: reading_date}",
        ) from error


def days_version(days: Days | None, columns: Sequence[tuple[str, str]] = ()) -> tuple[str, ...]:
    """Return what a code version holds of days: rows that belong to other days are to be made and logged anew.

    Args:
        days: How the rows belong to days; None: not at all, and nothing is held.
        columns: Columns of a raw table, which say with the event column to which day a row belongs.
    """
    if days is None:
        return ()
    rule = event_date(days.event_column, [name for name, _ in columns]) if days.event_column else ""
    return (f"days:{days.column}:{rule}",)
