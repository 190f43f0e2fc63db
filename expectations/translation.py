"""From a Great Expectations result to an outcome.

What lives here: how a result is read: status, sentence, counts, sample. What does not: running it
(expectations.gate). Works on GX objects without importing GX.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from expectations.checks import share_text
from expectations.outcome import ExpectationOutcome, GateRequest, Status

SAMPLE_ROWS = 20
_LONGEST_MESSAGE = 300


def check_name(expectation: Any) -> str:  # noqa: ANN401 - GX is untyped
    """Return the name `expectations.checks` gave to an expectation."""
    return str(expectation.meta["check_name"])


def outcome_of(
    request: GateRequest,
    expectation: Any,  # noqa: ANN401 - GX is untyped
    result: Any,  # noqa: ANN401 - GX is untyped
    *,
    version: str,
    problem: str,
) -> ExpectationOutcome:
    """Translate one result.

    Args:
        request: What was asked.
        expectation: The expectation.
        result: GX's result; None when there is none.
        version: Version of the suite.
        problem: What to say when there is no result.
    """
    error = problem if result is None else _raised(result)
    status: Status = "ERROR" if error else ("PASS" if result.success else "FAIL")
    column = expectation.configuration.kwargs.get("column", expectation.meta.get("column"))
    return ExpectationOutcome(
        asset_key=request.asset_key,
        check_name=check_name(expectation),
        check_version=version,
        column_name=column,
        severity="critical" if str(expectation.severity.value) == "critical" else "warning",
        status=status,
        expected=str(expectation.meta["expected"]),
        actual=f"could not be checked: {error}" if error else _actual(result.result),
        failing_rows=None if error else _failing_rows(result.result, is_query=_is_query(expectation)),
        sample=_sample(result.result, column) if status == "FAIL" else None,
        notes=str(expectation.notes),
        load_ids=request.load_ids,
    )


def first_line(message: str) -> str:
    """Return the first line of a message, shortened to what fits a table cell."""
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 3] + "..."


def _raised(result: Any) -> str:  # noqa: ANN401 - GX is untyped
    """What an expectation raised, one line; empty when it did not raise."""
    information = result.exception_info or {}
    # GX reports one exception flat, or several by the metric that raised.
    parts = [information] if "raised_exception" in information else list(information.values())
    raised = [part for part in parts if part.get("raised_exception")]
    if not raised:
        return ""
    return first_line(str(raised[0].get("exception_message") or "")) or "an exception without a message"


def _actual(found: dict[str, Any]) -> str:
    """Sentence about what was found."""
    if "unexpected_count" in found and "element_count" in found:
        # GX counts with sums, which are null over no rows.
        failing = int(found["unexpected_count"] or 0)
        checked = int(found["element_count"] or 0) - int(found.get("missing_count") or 0)
        if checked == 0:
            return "no known value" if found["element_count"] else "no row"
        return f"{failing:,} of {checked:,} violate it ({share_text(failing / checked)})"
    observed = found.get("observed_value")
    if isinstance(observed, int):
        return f"{observed:,} {'row' if observed == 1 else 'rows'}"
    return "nothing reported" if observed is None else str(observed)


def _is_query(expectation: Any) -> bool:  # noqa: ANN401 - GX is untyped
    """True when the rows a query returns are the rows against the expectation."""
    return "unexpected_rows_query" in expectation.configuration.kwargs


def _failing_rows(found: dict[str, Any], *, is_query: bool) -> int | None:
    """Number of rows against the expectation."""
    counted = found.get("unexpected_count", found.get("observed_value") if is_query else None)
    return None if counted is None else int(counted)


def _sample(found: dict[str, Any], column: str | None) -> list[dict[str, Any]] | None:
    """Some of the rows against the expectation, JSON-ready."""
    rows = found.get("details", {}).get("unexpected_rows")
    if rows is None and column is not None:
        rows = [{column: value} for value in found.get("partial_unexpected_list", [])]
    return [
        {str(name): _json_ready(value) for name, value in row.items()} for row in (rows or [])[:SAMPLE_ROWS]
    ] or None


def _json_ready(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    """A cell as JSON can hold it; NaN and infinity as text."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | bool) else str(value)
