"""When dbt models are made without being asked for: `meta.automation` and `meta.freshness_hours`.

What lives here: reading them from a model's configuration. What does not: what the conditions mean
(flows.assets.automation).

    meta:
      automation: eager
      automation: {any: [on_code_change, {cron: 0 3 1 * *}]}     all, any, not nest
      freshness_hours: 26
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from flows.assets.automation import (
    Condition,
    all_blocking_checks_passed,
    cron,
    eager,
    freshness_violated,
    on_code_change,
    on_data_change,
    on_missing,
)
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMED: Mapping[str, Callable[[], Condition]] = {
    "all_blocking_checks_passed": all_blocking_checks_passed,
    "eager": eager,
    "freshness_violated": freshness_violated,
    "on_code_change": on_code_change,
    "on_data_change": on_data_change,
    "on_missing": on_missing,
}


def automation_of(meta: Mapping[str, Any], *, place: str) -> Condition | None:
    """Return when a model is to be made without being asked for; None: never.

    Args:
        meta: The model's `meta`.
        place: The model's file, for the message.

    Raises:
        ConfigurationError: The declaration cannot be read.
    """
    declared = meta.get("automation")
    return None if declared is None or declared == "none" else _condition(declared, place)


def freshness_of(meta: Mapping[str, Any], *, place: str) -> timedelta | None:
    """Return the longest lag of a model behind the wall clock; None: any.

    Raises:
        ConfigurationError: It is no number of hours above 0.
    """
    hours = meta.get("freshness_hours")
    if hours is None:
        return None
    if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
        raise ConfigurationError(
            f"meta.freshness_hours of {place} is {hours!r}, which is no number of hours above 0.",
            hint="for example freshness_hours: 26",
        )
    return timedelta(hours=hours)


def _condition(declared: object, place: str) -> Condition:
    match declared:
        case str() if declared in NAMED:
            return NAMED[declared]()
        case {"cron": str(text), **rest} if not rest:
            return cron(text)
        case {"not": inner, **rest} if not rest:
            return ~_condition(inner, place)
        case {"any": [first, *others], **rest} if not rest:
            return reduce(or_, (_condition(each, place) for each in others), _condition(first, place))
        case {"all": [first, *others], **rest} if not rest:
            return reduce(and_, (_condition(each, place) for each in others), _condition(first, place))
    raise ConfigurationError(
        f"meta.automation of {place} cannot be read: {declared!r}.",
        hint=f"one of {', '.join(NAMED)}, or {{cron: 0 3 1 * *}}, {{any: […]}}, {{all: […]}}, {{not: …}}",
    )
