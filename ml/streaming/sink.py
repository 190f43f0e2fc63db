"""The sink: one DuckDB file per consumer, which holds positions, windows, scores and dead letters together.

What lives here: opening it, its transactions, positions, counters, what it says about itself. What does not: what is
written (`taking`, `scoring`, `attempts`, `handover`, `replaying`).

Decision: a file of its own, not the warehouse's. The warehouse has one writer, which is busy for minutes at a time; a
stream cannot wait for it. And the position stands in the sink, not in the broker: with the scores in one transaction a
kill leaves both or neither, and reading goes on exactly behind what is written.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

import duckdb

from flows.errors import WarehouseBusyError
from flows.warehouse.lock import holder_pid, owner_lock
from ml.streaming.errors import OtherStreamError, StreamBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

COUNTERS = (
    "messages", "redelivered", "accepted", "duplicate", "late", "dead", "windows", "failed_windows", "handed_over",
)  # fmt: skip
PATH_SUFFIX = ".duckdb"


class Sink:
    """An open sink; use `open_sink`.

    Args:
        connection: The only connection to its file.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def sql(self, statement: str, values: list[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        return self.connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes, or nothing of it."""
        self.connection.begin()
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def positions(self) -> dict[int, int]:
        """Return the last position of each partition that was worked on."""
        return dict(self.sql("select part, position from reached"))

    def reach(self, part: int, position: int) -> None:
        """Say how far a partition was worked on, within a transaction."""
        self.sql("insert or replace into reached values (?, ?)", [part, position])

    def count(self, **added: int) -> None:
        """Add to counters, within a transaction."""
        for name, value in added.items():
            if value:
                self.sql(
                    "insert into counter values (?, ?) on conflict do update set value = value + excluded.value",
                    [name, value],
                )

    def counters(self) -> dict[str, int]:
        """Return all counters."""
        return dict.fromkeys(COUNTERS, 0) | dict(self.sql("select name, value from counter"))

    def has_due_windows(self) -> bool:
        """Say whether a window has messages that are in no score yet."""
        return bool(self.sql("select 1 from traffic_window where is_due limit 1"))


@contextmanager
def open_sink(folder: Path, consumer: str, stream: str, *, memory_gb: float) -> Iterator[Sink]:
    """Open a consumer's sink, made when it is not there.

    Args:
        folder: `$GRIDWEAVE_HOME/stream`.
        consumer: Its name.
        stream: What it reads, in words that tell streams apart.
        memory_gb: Memory DuckDB may hold.

    Raises:
        StreamBusyError: Another process has it.
        OtherStreamError: Its positions are of another stream.
    """
    path = sink_path(folder, consumer)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with owner_lock(path):
            connection = duckdb.connect(str(path), config={"threads": 1, "memory_limit": f"{memory_gb}GB"})
            try:
                path.chmod(0o600)
                connection.execute("set timezone = 'UTC'")
                connection.execute("set enable_progress_bar = false")
                yield _prepared(connection, consumer, stream)
            finally:
                connection.close()
    except WarehouseBusyError as error:
        raise StreamBusyError(consumer=consumer, holder_pid=error.holder_pid) from error


def _prepared(connection: duckdb.DuckDBPyConnection, consumer: str, stream: str) -> Sink:
    sink = Sink(connection)
    with sink.transaction():
        connection.execute(read_sql("schema"))
        held = sink.sql("select stream from origin")
        if not held:
            sink.sql("insert into origin values (?)", [stream])
        elif held[0][0] != stream:
            raise OtherStreamError(consumer=consumer, held=held[0][0], wanted=stream)
    return sink


def sink_path(folder: Path, consumer: str) -> Path:
    """Return where a consumer's sink is."""
    return folder / f"{consumer}{PATH_SUFFIX}"


def read_sql(name: str) -> str:
    """Return a SQL file that stands beside this module."""
    return resources.files("ml.streaming").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def describe(sink: Sink) -> dict[str, Any]:
    """Return how a sink stands, as JSON can say it."""
    windows = sink.sql("select count(*), count(*) filter (is_due), count(*) filter (not is_final) from traffic_window")
    scores = sink.sql(
        "select count(*) filter (is_anomalous), max(window_start_at), max_by(model_version, scored_at) from score"
    )
    waiting = sink.sql("select count(*) from outgoing_event")
    last_at: datetime | None = scores[0][1]
    return {
        "stream": sink.sql("select stream from origin")[0][0],
        "positions": {str(part): position for part, position in sorted(sink.positions().items())},
        "counters": sink.counters(),
        "windows": dict(zip(("all", "waiting_for_score", "open"), windows[0], strict=True)),
        "alarms": scores[0][0],
        "last_window_at": last_at.isoformat() if last_at else None,
        "model_version": scores[0][2],
        "waiting_for_handover": waiting[0][0],
    }


def write_status(folder: Path, consumer: str, status: Mapping[str, Any]) -> None:
    """Leave word beside the sink: nobody else can open the file while its owner works."""
    path = folder / f"{consumer}.status.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(status, indent=2) + "\n", encoding="utf-8")
    partial.chmod(0o600)
    partial.replace(path)


def read_status(folder: Path, consumer: str, *, memory_gb: float) -> dict[str, Any] | None:
    """Return how a consumer stands: from its sink, or while a process works on that, what the process last said.

    Returns:
        As `describe`, with `worked_on_by`, the process or null; None when there is no such consumer.
    """
    path = sink_path(folder, consumer)
    if not path.exists():
        return None
    holder = holder_pid(path)
    if holder is None:
        with duckdb.connect(str(path), read_only=True, config={"memory_limit": f"{memory_gb}GB"}) as connection:
            connection.execute("set timezone = 'UTC'")
            return describe(Sink(connection)) | {"worked_on_by": None}
    said = folder / f"{consumer}.status.json"
    told: dict[str, Any] = json.loads(said.read_text(encoding="utf-8")) if said.exists() else {}
    return told | {"worked_on_by": holder}
