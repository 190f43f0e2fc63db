"""Partitions: how an asset is cut into pieces that are made, checked and replaced one by one.

What lives here: the four ways to cut (daily, hourly, static, two-dimensional), the canonical key of a piece, ranges,
and what a key means as bounds on columns. What does not: which pieces of one asset another needs
(partition_mappings.py) and which pieces must be made (partition_plan.py).

Keys are strings that sort like what they name and are prefixes of what they contain:

    daily        2026-03-29          hourly           2026-03-29T05
    static       north               two-dimensional  2026-03-29|north

Decision: days and hours are UTC, so each day has 24 hours and no hour is missing or repeated when clocks change. A
utility's local day is a column of the data, never a partition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import ClassVar

from flows.errors import ConfigurationError, UsageError

DIMENSION_SEPARATOR = "|"
RANGE_SEPARATOR = ".."
MAXIMUM_RANGE = 1_000_000
"""Longest range of keys; a century of hours is 876,600. More is a slip of the keyboard."""

_STATIC = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class PartitionKeyError(UsageError):
    """A text names no partition.

    Args:
        key: What was given.
        expected: What a key looks like, or where the range ends.
    """

    def __init__(self, *, key: str, expected: str) -> None:
        self.key = key
        self.expected = expected
        super().__init__(f"{key!r} names no partition: expected {expected}.", hint="days and hours are UTC")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a partition key says about one column: equal to a value, or inside a half-open time window.

    Args:
        column: Column of the table.
        value: The value; None when it is a window.
        start: First moment inside the window, aware UTC.
        end: First moment after it, aware UTC.
    """

    column: str
    value: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TimePartitions:
    """Days or hours in UTC; use `daily` or `hourly`.

    Args:
        start: First partition's start, aware UTC.
        end: First moment after the last partition; None: open.
        column: Timestamp or date column that says which partition a row belongs to.
        is_hourly: Hours instead of days.
    """

    start: datetime
    end: datetime | None = None
    column: str
    is_hourly: bool = False

    DAY_FORM: ClassVar[str] = "a day YYYY-MM-DD"
    HOUR_FORM: ClassVar[str] = "an hour YYYY-MM-DDTHH"

    @property
    def kind(self) -> str:
        """Name as the ledger has it."""
        return "hourly" if self.is_hourly else "daily"

    def keys(self, until: datetime) -> tuple[str, ...]:
        """Return the partitions that were over at a moment, oldest first."""
        last = min(self._floor(until), self.end or self._floor(until))
        return _time_keys(self.start, last, is_hourly=self.is_hourly)

    def check(self, key: str) -> str:
        """Return the key when it names a partition.

        Raises:
            PartitionKeyError: It is malformed or outside the range.
        """
        moment = self._parsed(key)
        if moment < self.start:
            raise PartitionKeyError(key=key, expected=f"{self.key_of(self.start)} or later")
        if self.end is not None and moment >= self.end:
            raise PartitionKeyError(key=key, expected=f"a key before {self.key_of(self.end)}")
        return key

    def between(self, first: str, last: str) -> tuple[str, ...]:
        """Return the partitions from one key to another, both inside; days are taken for their hours."""
        start = self._parsed(first if not self.is_hourly or "T" in first else f"{first}T00")
        end = self._parsed(last if not self.is_hourly or "T" in last else f"{last}T23")
        if end < start:
            raise PartitionKeyError(key=f"{first}{RANGE_SEPARATOR}{last}", expected="the earlier key first")
        keys = _time_keys(start, end + self._step, is_hourly=self.is_hourly)
        self.check(keys[0])
        self.check(keys[-1])
        return keys

    def matching(self, text: str) -> tuple[str, ...]:
        """Return the partitions a text of any time partitioning touches: a day's hours, an hour's day."""
        day = text.partition(DIMENSION_SEPARATOR)[0]
        if self.is_hourly and "T" not in day:
            return self.between(day, day)
        return (self.check(day if self.is_hourly else day.partition("T")[0]),)

    def bounds(self, key: str) -> tuple[Bound, ...]:
        """Say what the key means for the rows of the table."""
        start, end = self.window(key)
        return (Bound(column=self.column, start=start, end=end),)

    def window(self, key: str) -> tuple[datetime, datetime]:
        """Return the half-open window of a key, aware UTC."""
        start = self._parsed(self.check(key))
        return start, start + self._step

    def key_of(self, moment: datetime) -> str:
        """Return the key of the partition a moment lies in; any aware time zone."""
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H" if self.is_hourly else "%Y-%m-%d")

    @property
    def _step(self) -> timedelta:
        return _HOUR if self.is_hourly else _DAY

    def _floor(self, moment: datetime) -> datetime:
        return self._parsed(self.key_of(moment))

    def _parsed(self, key: str) -> datetime:
        moment = _parsed_time(key, is_hourly=self.is_hourly)
        if moment is None:
            raise PartitionKeyError(key=key, expected=self.HOUR_FORM if self.is_hourly else self.DAY_FORM)
        return moment


@dataclass(frozen=True, kw_only=True)
class StaticPartitions:
    """A fixed list of names; use `static`.

    Args:
        names: The names, in the order they are worked on.
        column: Column that holds the name.
    """

    names: tuple[str, ...]
    column: str

    def __post_init__(self) -> None:
        wrong = [name for name in self.names if not _STATIC.match(name)]
        if wrong or not self.names or len(set(self.names)) < len(self.names):
            raise ConfigurationError(
                f"Static partitions {', '.join(self.names) or '(none)'} are not distinct names of letters, digits, _.-",
                hint="name each once",
            )

    @property
    def kind(self) -> str:
        """Name as the ledger has it."""
        return "static"

    def keys(self, until: datetime) -> tuple[str, ...]:
        """Return all names; they do not depend on time."""
        del until
        return self.names

    def check(self, key: str) -> str:
        """Return the key when it is one of the names."""
        if key not in self.names:
            raise PartitionKeyError(key=key, expected=f"one of {', '.join(self.names)}")
        return key

    def between(self, first: str, last: str) -> tuple[str, ...]:
        """Return the names from one to another in declared order; a range of time takes all names."""
        if _is_time(first) and _is_time(last):
            return self.names
        places = self.names.index(self.check(first)), self.names.index(self.check(last))
        if places[1] < places[0]:
            raise PartitionKeyError(key=f"{first}{RANGE_SEPARATOR}{last}", expected="the earlier name first")
        return self.names[places[0] : places[1] + 1]

    def matching(self, text: str) -> tuple[str, ...]:
        """Return the names a text touches: itself, its region part, or all names for a time."""
        if _is_time(text):
            return self.names
        return (self.check(text.rpartition(DIMENSION_SEPARATOR)[2]),)

    def bounds(self, key: str) -> tuple[Bound, ...]:
        """Say what the key means for the rows of the table."""
        return (Bound(column=self.column, value=self.check(key)),)


@dataclass(frozen=True, kw_only=True)
class TwoDimensionalPartitions:
    """Time by name, for example day by region; use `two_dimensional`.

    Args:
        time: First dimension.
        names: Second dimension.
    """

    time: TimePartitions
    names: StaticPartitions

    @property
    def kind(self) -> str:
        """Name as the ledger has it."""
        return f"{self.time.kind} x static"

    def keys(self, until: datetime) -> tuple[str, ...]:
        """Return every name of every time that was over at a moment."""
        return self._crossed(self.time.keys(until), self.names.names)

    def check(self, key: str) -> str:
        """Return the key when both of its parts name a partition."""
        time, separator, name = key.partition(DIMENSION_SEPARATOR)
        if not separator:
            form = TimePartitions.HOUR_FORM if self.time.is_hourly else TimePartitions.DAY_FORM
            raise PartitionKeyError(key=key, expected=f"{form}, |, and one of {', '.join(self.names.names)}")
        return f"{self.time.check(time)}{DIMENSION_SEPARATOR}{self.names.check(name)}"

    def between(self, first: str, last: str) -> tuple[str, ...]:
        """Return all names of a range of times; with a name on both ends only the names between."""
        (first_time, _, first_name), (last_time, _, last_name) = (
            each.partition(DIMENSION_SEPARATOR) for each in (first, last)
        )
        names = self.names.between(first_name, last_name) if first_name and last_name else self.names.names
        return self._crossed(self.time.between(first_time, last_time), names)

    def matching(self, text: str) -> tuple[str, ...]:
        """Return the partitions a text touches: a whole time, or one name of it."""
        time, _, name = text.partition(DIMENSION_SEPARATOR)
        return self._crossed(self.time.matching(time), (self.names.check(name),) if name else self.names.names)

    def bounds(self, key: str) -> tuple[Bound, ...]:
        """Say what the key means for the rows of the table."""
        time, name = self.parts(key)
        return (*self.time.bounds(time), *self.names.bounds(name))

    def parts(self, key: str) -> tuple[str, str]:
        """Split a key into its time and its name."""
        time, _, name = self.check(key).partition(DIMENSION_SEPARATOR)
        return time, name

    @staticmethod
    def _crossed(times: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{time}{DIMENSION_SEPARATOR}{name}" for time in times for name in names)


Partitions = TimePartitions | StaticPartitions | TwoDimensionalPartitions


def daily(start: date, *, column: str, end: date | None = None) -> TimePartitions:
    """Cut by UTC day.

    Args:
        start: First day.
        column: Timestamp or date column of the table.
        end: Day after the last one; None: open.
    """
    return TimePartitions(start=_midnight(start), end=_midnight(end) if end else None, column=column)


def hourly(start: date, *, column: str, end: date | None = None) -> TimePartitions:
    """Cut by UTC hour, from midnight of the first day."""
    return TimePartitions(start=_midnight(start), end=_midnight(end) if end else None, column=column, is_hourly=True)


def static(*names: str, column: str) -> StaticPartitions:
    """Cut by a fixed list of names."""
    return StaticPartitions(names=names, column=column)


def two_dimensional(time: TimePartitions, names: StaticPartitions) -> TwoDimensionalPartitions:
    """Cut by time and name, for example day by region."""
    return TwoDimensionalPartitions(time=time, names=names)


def chosen_keys(partitions: Partitions, text: str) -> tuple[str, ...]:
    """Return what a person means by a partition or a range `first..last`, in this partitioning.

    Args:
        partitions: How the asset is cut.
        text: A key of this or a related partitioning, or two keys with `..` between.

    Raises:
        PartitionKeyError: It names nothing here.
    """
    first, separator, last = text.partition(RANGE_SEPARATOR)
    return partitions.between(first, last) if separator else partitions.matching(text)


@lru_cache(maxsize=256)
def _time_keys(start: datetime, end: datetime, *, is_hourly: bool) -> tuple[str, ...]:
    step, form = (_HOUR, "%Y-%m-%dT%H") if is_hourly else (_DAY, "%Y-%m-%d")
    count = max((end - start) // step, 0)
    if count > MAXIMUM_RANGE:
        raise PartitionKeyError(
            key=f"{start.strftime(form)}{RANGE_SEPARATOR}{end.strftime(form)}",
            expected=f"at most {MAXIMUM_RANGE:,} partitions",
        )
    return tuple((start + place * step).strftime(form) for place in range(count))


@lru_cache(maxsize=65_536)
def _parsed_time(key: str, *, is_hourly: bool) -> datetime | None:
    """Parse a canonical key; None for anything else, also for 2026-3-9, which would be a second name of a day."""
    form = "%Y-%m-%dT%H" if is_hourly else "%Y-%m-%d"
    try:
        moment = datetime.strptime(key, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment.strftime(form) == key else None


def _is_time(text: str) -> bool:
    return _parsed_time(text, is_hourly="T" in text) is not None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
