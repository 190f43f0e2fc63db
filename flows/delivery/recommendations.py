"""What the reports say now, one recommendation per business key.

What lives here: reading a released report with the SQL of its message type, page by page, and hashing what it says.
What does not: comparing with what was said before (making.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from flows.lineage.state import current_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from flows.delivery.message_types import MessageType

Verb = Literal["create", "change", "cancel"]
PAGE_ROWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """One row of a report as a message says it.

    Args:
        business_key: What it is about, `<network>/…`.
        payload: What is said about it.
        is_low_confidence: The score behind it is doubtful.
        as_of: Up to when what it is made from was known; None where it does not run out.
        valid_until: When the period it is about ends, in the time of the data; None where it has none.
        provenance: The report's materialization, the score behind it, its model.
    """

    business_key: str
    payload: dict[str, Any]
    is_low_confidence: bool
    as_of: datetime | None
    valid_until: datetime | None
    provenance: dict[str, str | None]

    @property
    def lifetime(self) -> timedelta | None:
        """How long after it was issued it can be acted on."""
        return None if self.as_of is None or self.valid_until is None else self.valid_until - self.as_of


def released_report(cursor: duckdb.DuckDBPyConnection, message_type: MessageType) -> str | None:
    """Return the materialization of a report that may be acted on; None when it was not made or is held back."""
    current = [current_input(cursor, key) for key in (message_type.report, *message_type.reads)]
    if any(each is None or each.unpassed_checks for each in current):
        return None
    return current[0].materialization_id if current[0] else None


def recommendations(
    cursor: duckdb.DuckDBPyConnection, message_type: MessageType, report_id: str
) -> Iterator[list[Recommendation]]:
    """Read a report, in pages, sorted by business key.

    Args:
        cursor: Of its own, as the caller asks other things between two pages.
        message_type: What to make of it.
        report_id: Its materialization.
    """
    rows = cursor.execute(message_type.sql)
    while page := rows.fetchmany(PAGE_ROWS):
        yield [_recommendation(message_type.report, report_id, *row) for row in page]


def _recommendation(
    report: str,
    report_id: str,
    business_key: str,
    payload: str,
    is_low_confidence: bool,
    as_of: datetime | None,
    valid_until: datetime | None,
    score_id: object,
    model_version: str | None,
    scored_at: datetime | None,
) -> Recommendation:
    return Recommendation(
        business_key=business_key,
        payload=json.loads(payload),
        is_low_confidence=is_low_confidence,
        as_of=as_of,
        valid_until=valid_until,
        provenance={
            "report": report,
            "report_materialization_id": report_id,
            "score_materialization_id": None if score_id is None else str(score_id),
            "model_version": model_version,
            "scored_at": None if scored_at is None else stamp(scored_at),
        },
    )


def stamp(moment: datetime) -> str:
    """Write a moment as messages have it.

    >>> stamp(datetime(2026, 3, 29, 1, tzinfo=UTC))
    '2026-03-29T01:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256_of(value: object) -> str:
    """Hash a JSON value in its canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
