"""Everything that came of a stream's messages, as counts and hashes that two runs can be compared by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from ml.streaming.sink import sink_path

QUERIES = {
    "score": "select * exclude (scored_at, revision) replace (round(anomaly_score, 9) as anomaly_score)",
    "late_message": "select * exclude (recorded_at)",
    "dead_letter": "select * exclude (recorded_at, tries)",
    "event": "select *",
    "tap": "select *",
}
"""Without wall clocks, and without what depends on where batches are cut."""
COUNTERS = ("messages", "accepted", "duplicate", "late", "dead")


def effects(home: Path, consumer: str) -> dict[str, Any]:
    """Return count and hash of each table and of what was handed over, and the counters."""
    with duckdb.connect(str(sink_path(home / "stream", consumer)), read_only=True) as sink:
        sink.execute("set timezone = 'UTC'")
        sink.execute("set enable_progress_bar = false")
        hashes = {
            name: sink.execute(f"select count(*), sum(hash(each)) from ({query} from {name}) as each").fetchall()
            for name, query in QUERIES.items()
        }
        counters = dict(sink.execute("select name, value from counter").fetchall())
    rows = handed_over(home, consumer)
    rows = rows.sort_values(list(rows.columns), ignore_index=True)
    handed = (len(rows), int(pd.util.hash_pandas_object(rows, index=False).sum()))
    return hashes | {name: counters.get(name, 0) for name in COUNTERS} | {"handed over": handed}


def handed_over(home: Path, consumer: str) -> pd.DataFrame:
    """Return the rows a consumer dropped in the warehouse's inbox."""
    files = sorted((home / "inbox" / "stream_scada_traffic").glob(f"{consumer}_*.parquet"))
    found: pd.DataFrame = pd.concat([pq.read_table(each).to_pandas() for each in files], ignore_index=True)
    return found
