"""Days: how an asset says that its rows belong to days of events, so that only the days that changed are made again.

What lives here: the declaration. What does not: which days changed (flows.lineage.day_records), which are to be made
(flows.engine.planning.days), how a model makes them (transform/macros/days.sql).

Decision: days are no partitions. An asset that is cut into partitions has a record, a version of each input and checks
for each of them; a year of telemetry through a dozen models would be thousands of records a run. Here the asset stays
one, and the ledger keeps a log of the days whose rows changed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Days:
    """How the rows of an asset belong to UTC days.

    Args:
        column: Column that says which day: a date, or a time whose UTC day counts.
        event_column: Of a raw table: the delivered time the day is taken from; empty elsewhere.
        is_whole: True when the asset is always made whole and only its changes are known by day.
    """

    column: str
    event_column: str = ""
    is_whole: bool = False
