"""The words suites are written in: each function makes one Great Expectations expectation.

What lives here: how a check is named, worded and pushed down to DuckDB. What does not: which checks
an asset has (expectations.suites) and the numbers two suites share (expectations.bounds).

Every expectation gets a name that is unique in its suite and a sentence that says what is expected,
so that an outcome reads without the suite at hand; `notes` says why the bound is what it is. GX is
imported inside the functions: it costs 4-10 s, and the catalogue of suites must be readable without
it.

SQL here is written by developers in suites, never made from values. Column names are quoted.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from expectations.outcome import Severity

CRITICAL: Severity = "critical"
WARNING: Severity = "warning"

LARGEST = sys.float_info.max
"""Where a range has no end: without one DuckDB takes infinity for a value, and NaN, which it puts above all."""
Expectation = Any  # GX is untyped
ExpectationSuite = Any


def suite(relation: str, *groups: Expectation | Iterable[Expectation]) -> ExpectationSuite:
    """Make the suite of one relation.

    Args:
        relation: Name of the relation, which is the name of the suite.
        groups: Expectations, or iterables of expectations.
    """
    from great_expectations.core import ExpectationSuite as GxExpectationSuite

    expectations: list[Expectation] = []
    for group in groups:
        expectations.extend(group if isinstance(group, list | tuple) else [group])
    return GxExpectationSuite(name=relation, expectations=expectations)


def at_least_one_row(*, notes: str) -> Expectation:
    """Expect the relation not to be empty: on an empty one nearly every other check passes."""
    import great_expectations.expectations as gxe

    return gxe.ExpectTableRowCountToBeBetween(min_value=1, **_common("row_count", "at least one row", notes, CRITICAL))


def null_share_at_most(column: str, max_share: float, *, notes: str, severity: Severity = CRITICAL) -> Expectation:
    """Expect at most a share of a column to be null.

    Args:
        column: Column.
        max_share: Largest share of nulls that passes, 0-1.
        notes: Why this bound.
        severity: critical blocks, warning reports.
    """
    import great_expectations.expectations as gxe

    expected = f"no null in {column}" if max_share == 0 else f"at most {share_text(max_share)} of {column} null"
    return gxe.ExpectColumnValuesToNotBeNull(
        column=column,
        mostly=1 - max_share,
        **_common(_named(f"{column}_null_share", severity), expected, notes, severity),
    )


def no_nulls(column: str, *, notes: str, severity: Severity = CRITICAL) -> Expectation:
    """Expect a column to have no null."""
    return null_share_at_most(column, 0.0, notes=notes, severity=severity)


def within(
    column: str,
    low: float | None,
    high: float | None,
    *,
    notes: str,
    severity: Severity = CRITICAL,
    min_share: float = 1.0,
) -> Expectation:
    """Expect the known values of a column to lie in a closed range. NaN and infinity do not.

    Args:
        column: Numeric column.
        low: Smallest value that passes; None for none.
        high: Largest value that passes; None for none.
        notes: Why this range.
        severity: critical blocks, warning reports.
        min_share: Smallest share of known values inside that passes, 0-1.
    """
    import great_expectations.expectations as gxe

    range_text = f"{'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}"
    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=-LARGEST if low is None else low,
        max_value=LARGEST if high is None else high,
        mostly=min_share,
        **_common(
            _named(f"{column}_in_range", severity),
            f"{_of_known(min_share)} {column} within {range_text}",
            notes,
            severity,
        ),
    )


def one_of(
    column: str,
    values: Sequence[str],
    *,
    notes: str,
    severity: Severity = CRITICAL,
    min_share: float = 1.0,
) -> Expectation:
    """Expect the known values of a column to be among a set.

    Args:
        column: Text column.
        values: The set.
        notes: Why this set.
        severity: critical blocks, warning reports.
        min_share: Smallest share of known values in the set that passes, 0-1.
    """
    import great_expectations.expectations as gxe

    return gxe.ExpectColumnValuesToBeInSet(
        column=column,
        value_set=list(values),
        mostly=min_share,
        **_common(
            _named(f"{column}_known", severity),
            f"{_of_known(min_share)} {column} one of {', '.join(values)}",
            notes,
            severity,
        ),
    )


def unique_grain(columns: Sequence[str], *, notes: str, severity: Severity = CRITICAL) -> Expectation:
    """Expect no two rows with the same grain.

    GX's own compound uniqueness fails on query assets, so it is said in SQL.
    """
    keys = ", ".join(_quoted(column) for column in columns)
    return no_result(
        "grain_unique",
        f"select {keys}, count(*) as row_count from {{batch}}"  # noqa: S608 - names from a suite
        f" group by {keys} having count(*) > 1",
        expected=f"one row per {', '.join(columns)}",
        notes=notes,
        severity=severity,
    )


def no_row(
    name: str,
    predicate: str,
    *,
    expected: str,
    notes: str,
    severity: Severity = CRITICAL,
) -> Expectation:
    """Expect no row to meet a predicate.

    Args:
        name: Name of the check, unique in the suite.
        predicate: DuckDB predicate over the relation's columns.
        expected: What is expected, one sentence without full stop.
        notes: Why.
        severity: critical blocks, warning reports.
    """
    escaped = predicate.replace("{", "{{").replace("}", "}}")
    return no_result(
        name,
        f"select * from {{batch}} where {escaped}",  # noqa: S608 - the predicate is written in a suite
        expected=expected,
        notes=notes,
        severity=severity,
    )


def no_result(name: str, query: str, *, expected: str, notes: str, severity: Severity = CRITICAL) -> Expectation:
    """Expect a query to return nothing.

    Args:
        name: Name of the check, unique in the suite.
        query: DuckDB query over `{batch}`, the relation under test.
        expected: What is expected, one sentence without full stop.
        notes: Why.
        severity: critical blocks, warning reports.
    """
    import great_expectations.expectations as gxe

    return gxe.UnexpectedRowsExpectation(
        unexpected_rows_query=query,
        description=expected,
        **_common(name, expected, notes, severity),
    )


def share_at_most(
    name: str,
    predicate: str,
    max_share: float,
    *,
    what: str,
    notes: str,
    severity: Severity = CRITICAL,
    few_rows: int = 0,
    column: str | None = None,
) -> Expectation:
    """Expect at most a share of all rows to meet a predicate.

    Args:
        name: Name of the check, unique in the suite.
        predicate: DuckDB predicate over the relation's columns; null counts as not met.
        max_share: Largest share of rows that passes, 0-1.
        what: What such a row is, for example "rows stamped in the future".
        notes: Why this bound.
        severity: critical blocks, warning reports.
        few_rows: So many rows pass whatever their share, as long as they are less than half.
        column: Column the check is about; None when it is about rows.
    """
    from expectations.custom.share_of_rows import ExpectShareOfRowsToBeAtMost, counting_query

    tolerance = f" or {few_rows} rows that are less than half" if few_rows else ""
    expected = f"{what}: at most {share_text(max_share)}{tolerance}"
    return ExpectShareOfRowsToBeAtMost(
        unexpected_rows_query=counting_query(predicate),
        max_share=max_share,
        few_rows=few_rows,
        description=expected,
        **_common(_named(name, severity), expected, notes, severity, column=column),
    )


def share_text(share: float) -> str:
    """Write a share as a percentage.

    >>> share_text(0.05), share_text(0.00001), share_text(0.0)
    ('5 %', '0.001 %', '0 %')
    """
    return f"{share * 100:.4g} %"


def _common(name: str, expected: str, notes: str, severity: Severity, *, column: str | None = None) -> dict[str, Any]:
    """Fields every expectation has."""
    meta = {"check_name": name, "expected": expected}
    if column is not None:
        meta["column"] = column
    return {"severity": severity, "notes": notes, "meta": meta}


def _named(name: str, severity: Severity) -> str:
    """A column may have a critical bound and a narrower warning bound: two names."""
    return f"{name}_warning" if severity == WARNING else name


def _of_known(min_share: float) -> str:
    """Opening words of an expectation about known values."""
    return "every known" if min_share >= 1 else f"at least {share_text(min_share)} of known"


def _quoted(identifier: str) -> str:
    """SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'
