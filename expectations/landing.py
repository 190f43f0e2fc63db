"""What every raw table is expected to look like when it has just arrived.

What lives here: the words raw suites share. What does not: which of them a table has
(expectations.suites.raw).

Raw data is dirty; single bad rows are quarantined or flagged by the warehouse. These checks ask
whether the delivery as a whole is what it says it is: a critical one refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from expectations import bounds
from expectations.checks import (
    CRITICAL,
    WARNING,
    at_least_one_row,
    no_nulls,
    no_result,
    share_at_most,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRACE_COLUMNS = ("_load_id", "_source_file", "_source_row", "_ingested_at")


def landed_rows(*, keys: Sequence[str]) -> list[Any]:
    """Expect rows, readable cells, filled keys and a trace to the delivered file.

    Args:
        keys: Columns that say what the row is about.
    """
    return [
        at_least_one_row(notes="An empty delivery passes nearly every other check."),
        share_at_most(
            "parse_error_share",
            '"_parse_error" is not null',
            bounds.MAX_PARSE_ERROR_SHARE,
            what="rows with an unreadable cell",
            notes="So many mean that the file's format changed (DOMAIN 2.8, schema drift).",
            few_rows=bounds.FEW_ROWS,
        ),
        share_at_most(
            "parse_error_share",
            '"_parse_error" is not null',
            bounds.ODD_PARSE_ERROR_SHARE,
            what="rows with an unreadable cell",
            notes="More than measured on real files (DOMAIN 2.8): look at the quarantine.",
            severity=WARNING,
        ),
        *(
            share_at_most(
                f"{key}_null_share",
                f'"{key}" is null',
                bounds.MAX_KEY_NULL_SHARE,
                what=f"rows without {key}",
                notes="A row without key is quarantined; so many mean an unfilled column.",
                few_rows=bounds.FEW_ROWS,
                column=key,
            )
            for key in keys
        ),
        *(
            no_nulls(
                column,
                notes="Written by the connector; without it no score can be traced to its file.",
            )
            for column in _TRACE_COLUMNS
        ),
    ]


def event_time(column: str, *, max_hours_ahead: float = bounds.MAX_CLOCK_AHEAD_HOURS) -> list[Any]:
    """Expect known event times between 1990 and shortly after landing.

    Args:
        column: Event time of the row, UTC.
        max_hours_ahead: How far ahead of landing is normal, hours.
    """
    return [
        share_at_most(
            f"{column}_in_future",
            # The first half says nothing more, but spares most rows DuckDB's slow sum of a time with zone and hours.
            f'"{column}" > "_ingested_at" and "{column}" > "_ingested_at" + to_hours({max_hours_ahead:.0f})',
            bounds.MAX_FUTURE_SHARE,
            what=f"rows with {column} more than {max_hours_ahead:g} h after landing",
            notes=(
                "The as-of time of every model is the last event time known: stamps in the future"
                " would move it (DOMAIN 2.8, clock skew)."
            ),
            few_rows=bounds.FEW_ROWS,
            column=column,
        ),
        share_at_most(
            f"{column}_in_distant_past",
            f"\"{column}\" < timestamptz '{bounds.OLDEST_EVENT}'",
            bounds.MAX_ANCIENT_SHARE,
            what=f"rows with {column} before {bounds.OLDEST_EVENT[:10]}",
            notes="An RTU without clock reports 1970 (DOMAIN 2.8); so many mean a wrong epoch.",
            few_rows=bounds.FEW_ROWS,
            column=column,
        ),
    ]


def plausible_reading(column: str, low: float, high: float, *, notes: str) -> list[Any]:
    """Expect nearly all known readings within physical limits: critical, and closer as a warning.

    Args:
        column: Measured column.
        low: Smallest possible value.
        high: Largest possible value.
        notes: Source of the limits.
    """
    shares = {
        CRITICAL: bounds.MAX_IMPLAUSIBLE_SHARE,
        WARNING: bounds.ODD_IMPLAUSIBLE_SHARE,
    }
    return _plausible(column, low, high, shares=shares, notes=notes)


def plausible_attribute(column: str, low: float, high: float, *, notes: str) -> list[Any]:
    """Expect most known attributes of a register within limits: critical, and closer as a warning.

    Args:
        column: Attribute.
        low: Smallest possible value.
        high: Largest possible value.
        notes: Source of the limits.
    """
    shares = {
        CRITICAL: bounds.MAX_REGISTER_IMPLAUSIBLE_SHARE,
        WARNING: bounds.ODD_REGISTER_IMPLAUSIBLE_SHARE,
    }
    return _plausible(column, low, high, shares=shares, notes=notes)


def plausible_position() -> list[Any]:
    """Expect known positions on the globe."""
    notes = "WGS 84; swapped or projected coordinates fall outside."
    latitude, longitude = bounds.MAX_LATITUDE_DEGREES, bounds.MAX_LONGITUDE_DEGREES
    return [
        *plausible_attribute("latitude", -latitude, latitude, notes=notes),
        *plausible_attribute("longitude", -longitude, longitude, notes=notes),
    ]


def known_value(column: str, values: Sequence[str], *, notes: str, is_any_case: bool = False) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect nearly all known values of a column to be among a set.

    Args:
        column: Text column.
        values: The set, as the source description maps it.
        notes: Where the set comes from.
        is_any_case: Values may be written in any case; the set is in upper case.
    """
    listed = ", ".join(f"'{value}'" for value in values)
    return share_at_most(
        f"{column}_unknown",
        f'upper("{column}") not in ({listed})' if is_any_case else f'"{column}" not in ({listed})',
        bounds.MAX_IMPLAUSIBLE_SHARE,
        what=f"rows with {column} other than {', '.join(values)}",
        notes=notes,
        few_rows=bounds.FEW_ROWS,
        column=column,
    )


def mostly_filled(column: str, *, max_null_share: float, odd_null_share: float, notes: str) -> list[Any]:
    """Expect a column that is not a key to be filled: critical, and closer as a warning.

    Args:
        column: Column.
        max_null_share: Largest share of nulls that passes the gate, 0-1.
        odd_null_share: Largest share of nulls that is normal, 0-1.
        notes: Source of both.
    """
    shares = {CRITICAL: max_null_share, WARNING: odd_null_share}
    return [
        share_at_most(
            f"{column}_null_share",
            f'"{column}" is null',
            max_share,
            what=f"rows without {column}",
            notes=notes,
            severity=severity,
            few_rows=bounds.FEW_ROWS,
            column=column,
        )
        for severity, max_share in shares.items()
    ]


def in_order(earlier: str, later: str, *, notes: str) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect one known time not to be after another, in nearly all rows.

    Args:
        earlier: Time that comes first.
        later: Time that comes second.
        notes: Why some rows may be out of order.
    """
    return share_at_most(
        f"{later}_before_{earlier}",
        f'"{later}" < "{earlier}"',
        bounds.MAX_OUT_OF_ORDER_SHARE,
        what=f"rows with {later} before {earlier}",
        notes=notes,
        few_rows=bounds.FEW_ROWS,
    )


def varies(column: str) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect a measured column not to be one single value throughout."""
    return no_result(
        f"{column}_varies",
        f'select count("{column}") as known_count, min("{column}") as only_value from {{batch}}'  # noqa: S608 - a name from a suite
        f' having count("{column}") >= {bounds.MIN_ROWS_TO_JUDGE_VARIATION}'
        f' and min("{column}") = max("{column}")',
        expected=f"{column} is not the same in every row",
        notes="A delivery in which nothing moves is a stuck export (DOMAIN 2.8, stuck values).",
    )


def rarely_repeated(keys: Sequence[str]) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect few keys to be used twice; repeated rows are dropped or quarantined later."""
    listed = ", ".join(f'"{key}"' for key in keys)
    return no_result(
        "key_rarely_repeated",
        f"select count(*) as row_count, count(distinct ({listed})) as key_count from {{batch}}"  # noqa: S608 - names from a suite
        f" having count(*) - count(distinct ({listed}))"
        f" > greatest({bounds.FEW_ROWS}, {bounds.ODD_REPEATED_KEY_SHARE} * count(*))",
        expected=f"{', '.join(keys)} rarely used twice",
        notes="DOMAIN 2.8: re-used keys 2.9 %, duplicated stamps 0.05 % and whole re-sent files.",
        severity=WARNING,
    )


def _plausible(column: str, low: float, high: float, *, shares: dict[Any, float], notes: str) -> list[Any]:
    """One check per severity; NaN sorts above every number in DuckDB and so counts as outside."""
    return [
        share_at_most(
            f"{column}_implausible",
            f'"{column}" not between {low!r} and {high!r}',
            max_share,
            what=f"rows with {column} outside {low:g} to {high:g}",
            notes=notes,
            severity=severity,
            few_rows=bounds.FEW_ROWS,
            column=column,
        )
        for severity, max_share in shares.items()
    ]
