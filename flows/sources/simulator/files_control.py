"""Files of the control centre's log and of restoration estimates.

What lives here: from canonical feeds to the columns of the files. What does not: writing them (`files`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def alarm_file(part: pd.DataFrame) -> pd.DataFrame:
    """Control system: ISO 8601 to the millisecond, one row per line of the log."""
    stamps = {column: _stamp(part[column], "ms") for column in ("event_at", "received_at")}
    return part.assign(**stamps).rename(
        columns={
            "sequence_number": "seq",
            "event_at": "ts",
            "point_id": "point",
            "state_code": "state",
            "acknowledged_by": "ack_user",
            "operator_name": "operator",
            "cause_of_transmission": "cot",
            "source_address": "src_ip",
            "received_at": "logged",
        }
    )


def estimate_file(part: pd.DataFrame) -> pd.DataFrame:
    """Outage management: one row per estimate, UTC stamps."""
    return part.assign(
        **{column: _stamp(part[column], "s") for column in ("started_at", "estimated_restoration_at", "issued_at")}
    ).rename(
        columns={
            "outage_id": "OUTAGE_NO",
            "started_at": "START",
            "estimated_restoration_at": "ETR",
            "issued_at": "ISSUED",
            "estimate_source": "SOURCE",
            "crew_status": "CREW",
        }
    )


def _stamp(times: pd.Series, unit: str) -> np.ndarray:
    """Write instants as ISO 8601 with a Z; NaT becomes an empty cell."""
    moments = times.to_numpy().astype(f"datetime64[{unit}]")
    texts = np.datetime_as_string(moments, timezone="UTC").astype(object)
    texts[np.isnat(moments)] = None
    return np.asarray(texts)
