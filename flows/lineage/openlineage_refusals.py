"""OpenLineage events that the backend refused for good: set aside with its reason, kept, shown, tried again on request.

What lives here: the table of refusals beside the outbox. What does not: sending, and telling a refusal from a backend
that is down (openlineage_delivery.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import duckdb


def set_aside(cursor: duckdb.DuckDBPyConnection, refused: Mapping[int, str], *, refused_at: datetime) -> None:
    """Record why events were refused; the events stay in the outbox and hold up none behind them.

    Args:
        cursor: An open transaction of the warehouse.
        refused: Reasons by the events' sequence number.
        refused_at: Now.
    """
    if refused:
        cursor.execute(
            "insert or replace into lineage.openlineage_refusal (seq, reason, refused_at)"
            " select unnest(?::bigint[]), unnest(?::varchar[]), ?",
            [list(refused), list(refused.values()), refused_at],
        )


def refused_events(reader: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return refusals by reason, JSON-ready: reason, how many events, the first and the last of them, since when."""
    answer = reader.execute(
        "select reason, count(*) as events, min(seq) as first_seq, max(seq) as last_seq, min(refused_at) as since"
        " from lineage.openlineage_refusal group by reason order by since, reason"
    )
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def take_back(cursor: duckdb.DuckDBPyConnection) -> int:
    """Let all refused events wait again, so that the end of the run sends them; return how many."""
    return len(cursor.execute("delete from lineage.openlineage_refusal returning seq").fetchall())
