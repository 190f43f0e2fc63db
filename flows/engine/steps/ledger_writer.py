"""Recording what steps made outside the warehouse, several at once.

What lives here: the queue and the thread that empties it. What does not: the rows (flows.lineage.recorder).

Decision: a step that stores nothing in the warehouse has no transaction to share with its record. It hands the record
over and ends; whatever was handed over while the last transaction was being written goes into the next one. Of a
thousand small steps most of the time went into a transaction each, with its wait for the disk. Nothing downstream
begins, and nobody is told that a step is done, before `drain` has returned; a run that dies in between makes the steps
again, as one that dies before recording.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flows.lineage.recorder import record_materializations

if TYPE_CHECKING:
    from datetime import datetime

    from flows.lineage.records import MaterializationRecord
    from flows.warehouse.warehouse import Warehouse


class LedgerWriter:
    """Writes records in the order they came in, those that wait in one transaction.

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
        """Hand a record over; it is written soon, and when `drain` returns.

        Raises:
            BaseException: What went wrong with records handed over before; nothing more is taken.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            self._waiting.append((made, recorded_at))
            if not self._is_writing:
                self._is_writing = True
                threading.Thread(target=self._write, name="ledger writer", daemon=True).start()

    def drain(self) -> None:
        """Wait until everything handed over is written.

        Raises:
            BaseException: What went wrong; what was handed over since is not written.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing)
            if self._error is not None:
                raise self._error

    def _write(self) -> None:
        while True:
            with self._changed:
                batch, self._waiting = self._waiting, []
                if not batch or self._error is not None:
                    self._is_writing = False
                    self._changed.notify_all()
                    return
            try:
                with self._warehouse.transaction() as cursor:
                    record_materializations(
                        cursor, [made for made, _ in batch], recorded_at=max(moment for _, moment in batch)
                    )
            except BaseException as error:  # noqa: BLE001 - whoever waits for the records is told
                with self._changed:
                    self._error = error
