"""Refused loads: listing them, and an operator's decision on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.engine.landing.raw_gate import decide_by_hand
from flows.warehouse.reader import open_reader

if TYPE_CHECKING:
    from flows.engine.pipeline import Pipeline


def refused(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return refused loads and rejected files, newest first."""
    with open_reader(pipeline.settings.published_dir) as reader:
        rows = reader.execute(
            "select reference, source, status, reason from ("
            " select load_id as reference, source, any_value(status) as status, any_value(reason) as reason,"
            " max(landed_at) as arrived_at from lineage.load"
            " where status in ('BLOCKED', 'QUARANTINED', 'FALLBACK') group by load_id, source"
            " union all"
            " select file_name, source, 'REJECTED (' || policy || ')', concat_ws(': ', 'row ' || defect_row, reason),"
            " seen_at from lineage.delivered_file where status = 'REJECTED')"
            " order by arrived_at desc, reference"
        ).fetchall()
    names = ("reference", "source", "status", "reason")
    return [dict(zip(names, row, strict=True)) for row in rows]


def decide(pipeline: Pipeline, reference: str, *, is_accepted: bool, reason: str) -> None:
    """Accept or discard a refused load, or discard a rejected file; raw views follow at once.

    Raises:
        UsageError: Nothing refused has that id or name.
        WarehouseBusyError: A run owns the warehouse.
    """
    pipeline.decide_load(
        lambda cursor: decide_by_hand(
            cursor,
            reference,
            status="ACCEPTED" if is_accepted else "DISCARDED",
            reason=reason,
            clock=pipeline.clock,
        )
    )
