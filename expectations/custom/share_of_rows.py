"""An expectation about the share of rows that meet a SQL predicate.

What lives here: one GX expectation. What does not: the predicates (expectations.suites).

GX's column expectations know `mostly` for one column only, and its UnexpectedRowsExpectation knows
no share. This one counts inside DuckDB, reports the share whether it passed or not, and fails on an
empty relation.
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations import UnexpectedRowsExpectation

# The predicate is evaluated as `is true`: a null predicate is not a failing row. Null shares have
# their own check.
_QUERY = "select count(*) filter (where ({predicate}) is true) as failing_rows, count(*) as row_count from {{batch}}"


class ExpectShareOfRowsToBeAtMost(UnexpectedRowsExpectation):  # type: ignore[misc] # GX is untyped
    """Expect at most a share of all rows to meet a predicate.

    Args:
        unexpected_rows_query: Made by `counting_query`.
        max_share: Largest share that passes, 0-1.
        few_rows: So many rows pass whatever their share, as long as they are less than half: a
            delivery of ten rows must not be refused for one bad row, which is quarantined anyway.
    """

    max_share: float
    few_rows: int = 0

    # Not the parent's second metric, which counts the rows of the query: there is always one.
    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    # GX asks for these to draw the expectation in its gallery.
    library_metadata: ClassVar[dict[str, Any]] = {
        "maturity": "production",
        "tags": [],
        "requirements": [],
    }

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 - GX passes it by name
        execution_engine: Any = None,  # noqa: ANN401, ARG002 - GX passes it by name
    ) -> dict[str, Any]:
        """Compare the counted share with the limit."""
        counted = metrics["unexpected_rows_query.table"][0]
        failing_rows, row_count = int(counted["failing_rows"]), int(counted["row_count"])
        tolerated = max(self.max_share * row_count, min(self.few_rows, (row_count - 1) // 2))
        return {
            "success": row_count > 0 and failing_rows <= tolerated,
            "result": {
                "observed_value": failing_rows,
                "element_count": row_count,
                "unexpected_count": failing_rows,
                # The Data Docs renderer of failed expectations reads these two.
                "unexpected_percent": 100 * failing_rows / row_count if row_count else 0.0,
                "partial_unexpected_list": [],
            },
        }


def counting_query(predicate: str) -> str:
    """Return the query that counts the rows that meet a predicate.

    Args:
        predicate: DuckDB predicate over the relation's columns, written in a suite; braces already
            doubled.
    """
    return _QUERY.format(predicate=predicate.replace("{", "{{").replace("}", "}}"))
