"""Recording what steps made outside the warehouse, several at once.

What lives here: the queue, and who empties it. What does not: the rows (flows.lineage.recorder).

Decision: a step that stores nothing in the warehouse has no transaction to share with its record. The first that comes
writes its record, and then whatever the others handed over meanwhile, all of it in one transaction, until nothing
waits; the others go on at once. Of a thousand small steps most of the time went into a transaction each, with its wait
for the disk. Nothing downstream begins before `drain` has returned; a run that dies in between makes the steps again,
as one that dies before recording.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flows.lineage.recorder import record_materializations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flows.lineage.records import MaterializationRecord
    from flows.warehouse.warehouse import Warehouse


class LedgerWriter:
    """Writes records in the order they came in.

    Args:
        warehouse: The open warehouse.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._changed = threading.Condition()
        self._waiting: list[tuple[MaterializationRecord, datetime]] = []
        self._is_writing = False
        self._error: BaseException | None = None

    def add(self, made: MaterializationRecord, *, recorded_at: datetime) -> None:
        """Write a record, or hand it over to the thread that is writing; either way it is there after `drain`.

        Raises:
            BaseException: What went wrong with this or earlier records; nothing more is taken then.
        """
        with self._changed:
            self._raise_error()
            self._waiting.append((made, recorded_at))
            if self._is_writing:
                return
            self._is_writing = True
        while batch := self._take():
            self._write(batch)

    def drain(self) -> None:
        """Wait until everything handed over is written.

        Raises:
            BaseException: What went wrong; what was handed over since is not written.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing)
            self._raise_error()

    def _take(self) -> list[tuple[MaterializationRecord, datetime]]:
        """Take what waits. Finding nothing ends the writing under the same lock, so that no record is left behind."""
        with self._changed:
            batch, self._waiting = self._waiting, []
            if not batch:
                self._stop_writing()
            return batch

    def _write(self, batch: Sequence[tuple[MaterializationRecord, datetime]]) -> None:
        moment = max(recorded_at for _, recorded_at in batch)
        try:
            with self._warehouse.transaction() as cursor:
                record_materializations(cursor, [made for made, _ in batch], recorded_at=moment)
        except BaseException as error:
            with self._changed:
                self._error = error
                self._stop_writing()
            raise

    def _stop_writing(self) -> None:
        self._is_writing = False
        self._changed.notify_all()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
