"""What a gate is asked and what it answers.

What lives here: the two values that cross the border between the gates and the rest of gridweave.
What does not: how a check is run (expectations.gate) and what an outcome leads to (flows.engine).
Nothing here imports Great Expectations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["critical", "warning"]
Status = Literal["PASS", "FAIL", "ERROR"]


@dataclass(frozen=True)
class GateRequest:
    """One relation to hold against its suite.

    Args:
        asset_key: `<schema>/<relation>`; names the suite.
        relation: Schema and name to read instead of the asset's own, for example a scratch copy;
            None reads the asset's own.
        load_ids: Only rows of these loads (`_load_id`); None reads all rows. For raw assets.
        materialization_id: Only rows of this materialization (`materialization_id`); None reads all
            rows. For scored tables, which are appended to by run.
        is_restricted: False when the relation holds the rows of these loads or this materialization and no others:
            a condition that keeps all rows would still be evaluated on each.
    """

    asset_key: str
    relation: tuple[str, str] | None = None
    load_ids: tuple[str, ...] | None = None
    materialization_id: str | None = None
    is_restricted: bool = True

    @property
    def suite_name(self) -> str:
        """Name of the GX suite: the relation part of the asset key."""
        return self.asset_key.split("/", maxsplit=1)[1]

    @property
    def source_relation(self) -> tuple[str, str]:
        """Schema and name of the relation that is read."""
        if self.relation is not None:
            return self.relation
        schema, name = self.asset_key.split("/", maxsplit=1)
        return schema, name


@dataclass(frozen=True)
class ExpectationOutcome:
    """What one expectation found.

    Args:
        asset_key: Asset that was checked.
        check_name: Name of the check, unique within the suite, stable over versions.
        check_version: Version of the suite, see `expectations.registry.suite_version`.
        column_name: Column the check is about; None when it is about rows.
        severity: critical blocks what comes after, warning reports.
        status: PASS or FAIL as found, ERROR when the check could not be run: never to be taken as
            passed.
        expected: What was expected, one sentence.
        actual: What was found, one sentence.
        failing_rows: Number of rows (or groups of rows) against the expectation; None when not
            countable.
        sample: Up to 20 of them, JSON-ready; None when there are none.
        notes: Why the bound is what it is.
        load_ids: Loads the request was restricted to; None when it was not.
    """

    asset_key: str
    check_name: str
    check_version: str
    column_name: str | None
    severity: Severity
    status: Status
    expected: str
    actual: str
    failing_rows: int | None
    sample: list[dict[str, Any]] | None
    notes: str
    load_ids: tuple[str, ...] | None = None

    @property
    def is_blocking(self) -> bool:
        """True when what comes after must not run: a critical check that did not pass."""
        return self.severity == "critical" and self.status != "PASS"
