"""Handing messages to the warehouse: Parquet files in the inbox, which the next run lands like any delivery.

What lives here: cutting what waits into files, each exactly once. What does not: landing (flows.engine.landing), the
description of the source (data/sources/stream_scada_traffic.yml).

Decision: what is handed over are the messages, not the scores. They become rows of `raw.scada_events` with a load, a
file hash and checks; the warehouse computes windows and scores from them by the same function, so its record needs to
trust nothing the stream said, and both can be compared.

A file's rows are chosen in one transaction, written under another name, moved into place, then let go. A kill in
between writes the same rows under the same name again; a file that was landed meanwhile is known by its content.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ml.streaming.taking import EVENT_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from ml.streaming.sink import Sink

SOURCE_NAME = "stream_scada_traffic"
FILE_COLUMNS = EVENT_COLUMNS.removeprefix("part, position, message_id, ")


class Handover:
    """Writes files for the warehouse.

    Args:
        sink: Where what waits is.
        folder: The source's folder in the inbox.
        consumer: Name of the consumer, for the files' names.
        rows_per_file: As many waiting messages make a file.
    """

    def __init__(self, sink: Sink, folder: Path, consumer: str, *, rows_per_file: int) -> None:
        self._sink = sink
        self._folder = folder
        self._consumer = consumer
        self._rows_per_file = rows_per_file

    def recover(self) -> None:
        """Write files that were chosen and perhaps not written."""
        for (batch,) in self._sink.sql("select distinct batch from outgoing_event where batch is not null order by 1"):
            self._write(batch)

    def hand_over(self, *, is_all: bool) -> int:
        """Write what waits, if it is enough for a file or all is wanted; return how many rows."""
        ((waiting,),) = self._sink.sql("select count(*) from outgoing_event where batch is null")
        if not waiting or not (is_all or waiting >= self._rows_per_file):
            return 0
        with self._sink.transaction():
            self._sink.count(files=1)
            ((batch,),) = self._sink.sql("select value from counter where name = 'files'")
            self._sink.sql("update outgoing_event set batch = ? where batch is null", [batch])
        self._write(batch)
        return int(waiting)

    def _write(self, batch: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{self._consumer}_{batch:08d}.parquet"
        partial = self._folder.parent / f".{path.name}.partial"
        target = str(partial).replace("'", "''")
        self._sink.connection.execute(
            f"copy (select {FILE_COLUMNS} from outgoing_event where batch = {batch:d} order by part, position)"  # noqa: S608 - own names
            f" to '{target}' (format parquet, compression zstd)"
        )
        _sync(partial)
        partial.replace(path)
        _sync(self._folder)
        with self._sink.transaction():
            ((rows,),) = self._sink.sql("select count(*) from outgoing_event where batch = ?", [batch])
            self._sink.sql("delete from outgoing_event where batch = ?", [batch])
            self._sink.count(handed_over=rows)


def _sync(path: Path) -> None:
    """Make a file or folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
