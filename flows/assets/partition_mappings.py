"""Which partitions of an input a partition is made from.

What lives here: the mappings between two partitionings, the default one, both directions of each. What does not: the
partitionings themselves (partitions.py), what is stale (partition_plan.py), reading the rows (flows.engine.steps).

Decision: a mapping is computed once for a whole list of keys and kept (partitionings, mappings and lists of keys are
values). Thousands of assets share a handful of partitionings, so planning costs one look-up per dependency.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from flows.assets.partitions import (
    DIMENSION_SEPARATOR,
    Partitions,
    StaticPartitions,
    TimePartitions,
    TwoDimensionalPartitions,
)
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNPARTITIONED = ""
"""The one partition of an asset that is not cut."""


@dataclass(frozen=True)
class Identity:
    """The partition of the same key."""


@dataclass(frozen=True)
class AllPartitions:
    """Every partition there is, for example to train on all history."""


@dataclass(frozen=True)
class LastDays:
    """The partition's own day and the days before it, clipped to the input's first day.

    Args:
        days: How many days, its own among them.
    """

    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ConfigurationError(f"LastDays({self.days}) names no day.", hint="give 1 or more")


@dataclass(frozen=True)
class TimeWindow:
    """The partitions whose time lies in the partition's own: hours of a day, or the day of an hour."""


@dataclass(frozen=True)
class Dimension:
    """The partitions that agree in the dimension both have: a region's days, or the region of a day and region."""


PartitionMapping = Identity | AllPartitions | LastDays | TimeWindow | Dimension


def default_mapping(upstream: Partitions | None, downstream: Partitions | None) -> PartitionMapping | None:
    """Return how two partitionings go together when nothing is said; None when that must be said."""
    if upstream is None or upstream == downstream:
        return Identity()
    if downstream is None:
        return AllPartitions()
    two_dimensional = [isinstance(each, TwoDimensionalPartitions) for each in (upstream, downstream)]
    if any(two_dimensional) and not all(two_dimensional):
        return Dimension()
    if isinstance(upstream, TimePartitions) and isinstance(downstream, TimePartitions):
        return Identity() if upstream.is_hourly == downstream.is_hourly else TimeWindow()
    return Identity() if _has_same_keys(upstream, downstream) else None


def _has_same_keys(upstream: Partitions, downstream: Partitions) -> bool:
    """Tell whether keys of one partitioning are, where the ranges overlap, keys of the other."""
    if isinstance(upstream, StaticPartitions) and isinstance(downstream, StaticPartitions):
        return set(downstream.names) <= set(upstream.names)
    if isinstance(upstream, TimePartitions) and isinstance(downstream, TimePartitions):
        return upstream.is_hourly == downstream.is_hourly
    if isinstance(upstream, TwoDimensionalPartitions) and isinstance(downstream, TwoDimensionalPartitions):
        return _has_same_keys(upstream.names, downstream.names) and _has_same_keys(upstream.time, downstream.time)
    return False


def required_partitions(
    mapping: PartitionMapping,
    key: str,
    *,
    upstream: Partitions | None,
    downstream: Partitions | None,
    until: datetime,
) -> tuple[str, ...]:
    """Return the partitions of the input that one partition is made from.

    Args:
        mapping: How the two go together.
        key: The partition; empty for an asset that is not cut.
        upstream: How the input is cut; None: not at all.
        downstream: How the asset is cut; None: not at all.
        until: Partitions that are not over at this moment do not count for `AllPartitions` and `Dimension`.

    Returns:
        Keys, oldest first, none before the input's first or after its last partition.
    """
    day = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)  # so that one hour shares its look-ups
    return edges(mapping, (key,), upstream=upstream, downstream=downstream, until=day)[key]


@lru_cache(maxsize=1024)
def edges(
    mapping: PartitionMapping,
    keys: tuple[str, ...],
    *,
    upstream: Partitions | None,
    downstream: Partitions | None,
    until: datetime,
) -> Mapping[str, tuple[str, ...]]:
    """Return the required partitions for each of many keys; see `required_partitions`."""
    if upstream is None:
        return dict.fromkeys(keys, (UNPARTITIONED,))
    if isinstance(mapping, AllPartitions):
        return dict.fromkeys(keys, upstream.keys(until))
    if isinstance(mapping, Identity):
        return {key: _existing(upstream, key) for key in keys}
    if isinstance(mapping, LastDays):
        return {key: _last_days(upstream, key, mapping.days) for key in keys}
    if isinstance(mapping, TimeWindow):
        return {key: _inside(upstream, key) for key in keys}
    return _by_dimension(keys, upstream, downstream, until)


@lru_cache(maxsize=1024)
def reverse_edges(
    mapping: PartitionMapping,
    keys: tuple[str, ...],
    *,
    upstream: Partitions | None,
    downstream: Partitions | None,
    until: datetime,
) -> Mapping[str, tuple[str, ...]]:
    """Return, for each partition of the input, those of `keys` that are made from it."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, required in edges(mapping, keys, upstream=upstream, downstream=downstream, until=until).items():
        for each in required:
            found[each].append(key)
    return {key: tuple(made) for key, made in found.items()}


def refuse_impossible(
    mapping: PartitionMapping | None,
    *,
    upstream: Partitions | None,
    downstream: Partitions | None,
    place: str,
) -> None:
    """Refuse a mapping that cannot be computed between two partitionings.

    Args:
        mapping: As declared, or the default.
        upstream: How the input is cut.
        downstream: How the asset is cut.
        place: The asset, where it is declared, and the input, for the message.

    Raises:
        ConfigurationError: It cannot.
    """
    if mapping is not None and _is_possible(mapping, upstream, downstream):
        return
    kinds = [each.kind if each else "not partitioned" for each in (upstream, downstream)]
    name = type(mapping).__name__ if mapping else "no default mapping"
    raise ConfigurationError(
        f"{place}: {name} does not lead from {kinds[0]} to {kinds[1]}.",
        hint="declare another mapping in `partition_mappings`, for example AllPartitions()",
    )


def _is_possible(mapping: PartitionMapping, upstream: Partitions | None, downstream: Partitions | None) -> bool:
    if upstream is None or isinstance(mapping, AllPartitions):
        return True
    if downstream is None:
        return False
    if isinstance(mapping, Identity):
        return _has_same_keys(upstream, downstream)
    times = _time_of(upstream), _time_of(downstream)
    if isinstance(mapping, LastDays):
        is_same_shape = isinstance(upstream, TwoDimensionalPartitions) == isinstance(
            downstream, TwoDimensionalPartitions
        )
        return None not in times and is_same_shape
    if isinstance(mapping, TimeWindow):
        return isinstance(upstream, TimePartitions) and isinstance(downstream, TimePartitions)
    return isinstance(upstream, TwoDimensionalPartitions) or isinstance(downstream, TwoDimensionalPartitions)


def _time_of(partitions: Partitions) -> TimePartitions | None:
    if isinstance(partitions, TwoDimensionalPartitions):
        return partitions.time
    return partitions if isinstance(partitions, TimePartitions) else None


def _existing(upstream: Partitions, key: str) -> tuple[str, ...]:
    """The key itself, unless the input begins later or ends earlier."""
    if isinstance(upstream, StaticPartitions):
        return (key,) if key in upstream.names else ()
    time_key, separator, name = key.partition(DIMENSION_SEPARATOR)
    time = _time_of(upstream)
    if time is None or not _is_covered(time, time_key):
        return ()
    return (f"{time_key}{separator}{name}",)


def _is_covered(time: TimePartitions, key: str) -> bool:
    """Tell whether a canonical key lies in the range; keys sort like the time they name."""
    return time.key_of(time.start) <= key and (time.end is None or key < time.key_of(time.end))


def _last_days(upstream: Partitions, key: str, days: int) -> tuple[str, ...]:
    time = _time_of(upstream)
    time_key, separator, name = key.partition(DIMENSION_SEPARATOR)
    if time is None:
        return ()
    day = datetime.strptime(time_key[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    found: list[str] = []
    for back in range(days - 1, -1, -1):
        found.extend(_inside(time, (day - timedelta(days=back)).strftime("%Y-%m-%d")))
    return tuple(f"{each}{separator}{name}" for each in found)


def _inside(upstream: Partitions, key: str) -> tuple[str, ...]:
    time = _time_of(upstream)
    if time is None:
        return ()
    if not time.is_hourly:
        keys: tuple[str, ...] = (key[:10],)
    else:
        keys = (key,) if "T" in key else tuple(f"{key}T{hour:02d}" for hour in range(24))
    return tuple(each for each in keys if _is_covered(time, each))


def _by_dimension(
    keys: tuple[str, ...], upstream: Partitions, downstream: Partitions | None, until: datetime
) -> dict[str, tuple[str, ...]]:
    """Follow the dimension both partitionings have."""
    if isinstance(upstream, TwoDimensionalPartitions):
        if isinstance(downstream, StaticPartitions):
            times = upstream.time.keys(until)
            return {key: tuple(f"{time}{DIMENSION_SEPARATOR}{key}" for time in times) for key in keys}
        return {
            key: tuple(
                f"{time}{DIMENSION_SEPARATOR}{name}"
                for time in _inside(upstream.time, key)
                for name in upstream.names.names
            )
            for key in keys
        }
    if isinstance(upstream, StaticPartitions):
        return {key: _existing(upstream, key.rpartition(DIMENSION_SEPARATOR)[2]) for key in keys}
    return {key: _inside(upstream, key.partition(DIMENSION_SEPARATOR)[0]) for key in keys}
