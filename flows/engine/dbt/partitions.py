"""Partitions on dbt's side: how a model declares them, and the variables it is told.

What lives here: reading `meta.partitions` of a model, and the validated variables of one invocation. What does not:
calling dbt (project.py) and the ledger rows per partition, which the hook writes (transform/macros/lineage).

    meta:
      partitions: {kind: daily, start: 2026-01-01, column: reading_date}
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from flows.assets.partitions import Partitions, TimePartitions, TwoDimensionalPartitions, daily, hourly, static
from flows.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAFE_KEY = re.compile(r"^[A-Za-z0-9_.:|T-]+$")


def partitions_of(meta: Mapping[str, Any], *, place: str) -> Partitions | None:
    """Return how a model is cut.

    Args:
        meta: The model's `meta`.
        place: The model's file, for the message.

    Raises:
        ConfigurationError: The declaration is not one of daily, hourly, static with what each needs.
    """
    declared = meta.get("partitions")
    if declared is None:
        return None
    try:
        kind, column = declared["kind"], declared["column"]
        if kind == "static":
            return static(*declared["names"], column=column)
        first = date.fromisoformat(str(declared["start"]))
        return {"daily": daily, "hourly": hourly}[kind](first, column=column)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"meta.partitions of {place} cannot be read ({type(error).__name__}: {error}).",
            hint="for example {kind: daily, start: 2026-01-01, column: reading_date}",
        ) from error


def dbt_variables(partitions: Partitions, keys: Sequence[str]) -> dict[str, object]:
    """Return what a model needs to know of the partitions it makes: dbt pastes variables verbatim into SQL.

    Args:
        partitions: How the model is cut.
        keys: Partitions to make.

    Returns:
        `partitions`: key, start, end of each; `partition_start`, `partition_end`: what they span, aware UTC.

    Raises:
        PartitionKeyError: A key names no partition.
        UsageError: There is none, or a key that cannot be pasted into SQL.
    """
    checked = [partitions.check(key) for key in keys]
    unsafe = [key for key in checked if not _SAFE_KEY.match(key)]
    if unsafe or not checked:
        raise UsageError(f"dbt was given the partitions {unsafe}.", hint="name at least one, of plain letters")
    if isinstance(partitions, TwoDimensionalPartitions):
        raise UsageError("dbt models are cut in one dimension.", hint="cut the model by time, the reader by both")
    if not isinstance(partitions, TimePartitions):
        return {"partitions": [{"key": key} for key in checked]}
    windows = {key: partitions.window(key) for key in checked}
    return {
        "partitions": [
            {"key": key, "start": start.isoformat(), "end": end.isoformat()} for key, (start, end) in windows.items()
        ],
        "partition_start": min(start for start, _ in windows.values()).isoformat(),
        "partition_end": max(end for _, end in windows.values()).isoformat(),
    }
