"""What customers were told: estimated restoration times and how they were revised.

What lives here: the estimates of each outage, in the order they were issued. What does not: when power came back
(`outages`) and in which steps (`restoration`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Timeline

# A storm week revised the estimate of 9 % of its outages; long outages are revised more often, short ones hardly.
REVISED_SHARE = 0.09
LONG_REVISED_SHARE = 0.35
_LONG_MINUTES = 240.0
_MOST_REVISIONS = 3
_REVISION_WEIGHTS = np.array([0.65, 0.25, 0.10])
_QUARTER_HOUR_SECONDS = 900
# Who said it and what the crew was doing, from the first estimate on.
_SOURCES = np.array(["system", "dispatcher", "crew", "crew"], dtype=object)
_CREW_STATUSES = np.array(["unassigned", "assigned", "on_site", "repairing"], dtype=object)


def simulate_restoration_estimates(
    generator: np.random.Generator, timeline: Timeline, outages: pd.DataFrame
) -> pd.DataFrame:
    """Draw the estimates of outages; the first is the one the outage record holds.

    Args:
        generator: Source of randomness.
        timeline: For the end of data: what is still out is revised up to it.
        outages: True outage records.

    Returns:
        outage_id, started_at, estimated_restoration_at, issued_at, estimate_source, crew_status; each estimate
        about half as far from the truth as the one before, none issued after power came back.
    """
    started_at = outages["started_at"].to_numpy().astype("datetime64[s]")
    reported_at = outages["first_reported_at"].to_numpy().astype("datetime64[s]")
    first = outages["first_estimated_restoration_at"].to_numpy().astype("datetime64[s]")
    restored_at = outages["restored_at"].to_numpy().astype("datetime64[s]")
    end = timeline.end_at.astype("datetime64[s]")
    is_out = np.isnat(restored_at)
    known_until = np.where(is_out, end, restored_at)
    truth = np.where(is_out, np.maximum(first, end + np.timedelta64(1, "h")), restored_at)
    minutes = (known_until - started_at).astype(np.int64) / 60.0
    share = np.where(minutes >= _LONG_MINUTES, LONG_REVISED_SHARE, REVISED_SHARE)
    revisions = np.where(
        generator.random(len(outages)) < share,
        generator.choice(np.arange(1, _MOST_REVISIONS + 1), len(outages), p=_REVISION_WEIGHTS),
        0,
    )
    count = revisions + 1
    row = np.repeat(np.arange(len(outages)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    # An outage is issued its estimate as soon as it is known; revisions are spread over the rest of it.
    elapsed = (number + generator.uniform(-0.3, 0.3, len(row)) * (number > 0)) / (count[row] + 0.5)
    left = np.maximum((known_until - reported_at).astype(np.int64), 0)[row]
    issued_at = reported_at[row] + (left * elapsed).astype("timedelta64[s]")
    kept = 0.5**number
    away = (first - truth).astype(np.int64)[row] * kept
    seconds = np.ceil(((truth - started_at).astype(np.int64)[row] + away) / _QUARTER_HOUR_SECONDS)
    revised = started_at[row] + (seconds * _QUARTER_HOUR_SECONDS).astype("timedelta64[s]")
    # Nobody promises what is already past.
    soon = issued_at + np.timedelta64(_QUARTER_HOUR_SECONDS, "s")
    estimates = pd.DataFrame(
        {
            "outage_id": outages["outage_id"].to_numpy()[row],
            "started_at": started_at[row],
            "estimated_restoration_at": np.where(number == 0, first[row], np.maximum(revised, soon)),
            "issued_at": issued_at,
            "estimate_source": _SOURCES[number],
            "crew_status": _CREW_STATUSES[number],
        }
    )
    issued: pd.DataFrame = estimates[estimates["issued_at"] < end]
    return issued.reset_index(drop=True)
