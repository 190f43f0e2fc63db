"""Cron expressions: five fields, UTC; `*`, lists, ranges and steps. A day of month or of week is enough, as in cron."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flows.errors import ConfigurationError

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_DAYS_LOOKED_BACK = 1461
"""Four years: 29 February comes at least once, but for 1900 and 2100."""


@dataclass(frozen=True)
class CronExpression:
    """When something is due.

    Args:
        text: For example `15 5 * * 1-5`.
    """

    text: str

    def __post_init__(self) -> None:
        self._sets()

    def latest(self, now: datetime) -> datetime | None:
        """Return the last due minute up to a moment; None when there was none in four years."""
        minutes, hours, days, months, weekdays = self._sets()
        fields = self.text.split()
        moment = now.astimezone(UTC).replace(second=0, microsecond=0)
        for back in range(_DAYS_LOOKED_BACK):
            day = moment - timedelta(days=back)
            in_month, in_week = day.day in days, day.isoweekday() % 7 in weekdays
            is_either = fields[2] != "*" and fields[4] != "*"
            if day.month not in months or not (in_month or in_week if is_either else in_month and in_week):
                continue
            for hour in sorted(hours, reverse=True):
                for minute in sorted(minutes, reverse=True):
                    due = day.replace(hour=hour, minute=minute)
                    if due <= moment:
                        return due
        return None

    def _sets(self) -> tuple[frozenset[int], ...]:
        fields = self.text.split()
        if len(fields) != len(_FIELDS):
            raise self._wrong("it needs five fields")
        sets = [self._parsed(text, *bounds) for text, bounds in zip(fields, _FIELDS, strict=True)]
        sets[4] = frozenset(day % 7 for day in sets[4])  # Sunday is 0 and 7
        return tuple(sets)

    def _parsed(self, text: str, name: str, lowest: int, highest: int) -> frozenset[int]:
        found: set[int] = set()
        for part in text.split(","):
            span, _, step = part.partition("/")
            first, is_range, last = span.partition("-")
            try:
                start = lowest if span == "*" else int(first)
                open_end = highest if span == "*" or step else start
                end = int(last) if is_range else open_end
                values = range(start, end + 1, int(step or 1))
            except ValueError:
                raise self._wrong(f"{part!r} is no {name}") from None
            if not values or start < lowest or end > highest:
                raise self._wrong(f"{part!r} is no {name} from {lowest} to {highest}")
            found.update(values)
        return frozenset(found)

    def _wrong(self, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"Cron expression {self.text!r} cannot be read: {reason}.", hint="15 5 * * *: at 05:15"
        )
