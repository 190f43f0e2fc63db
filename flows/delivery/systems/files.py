"""Messages as files in a folder: the system of those that have none, and of tests.

What lives here: naming a file and putting it there in one step. What does not: what stands in a CSV cell (csv_text.py).

Decision: one file per message, named after its idempotency key. Written again, it replaces itself with the same bytes;
a batch file could not be told from its half after a crash. A reader that moves files away must remember their names.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal

from flows.delivery.systems import ACKNOWLEDGED, OutgoingMessage, Receipt
from flows.delivery.systems.csv_text import csv_text
from flows.warehouse.lake import sync

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CHUNK_SIZE = 100
KEY_CHARACTERS = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class FileSystem:
    """A folder below which each kind of message has one of its own.

    Args:
        folder: Made when it is missing, readable by this user only.
        format: One JSON document, or one CSV table, per message.
    """

    chunk_size = CHUNK_SIZE

    def __init__(self, folder: Path, *, format: Literal["json", "csv"]) -> None:  # noqa: A002 - the description's word
        self._folder = folder
        self._format = format

    def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
        """Put files there, all on the disk before any is acknowledged."""
        receipts: list[Receipt] = []
        folders: dict[Path, None] = {}
        for message in messages:
            try:
                folders[self._put(message)] = None
            except OSError as error:
                receipts.append(_failed(error))
            else:
                receipts.append(ACKNOWLEDGED)
        try:
            for folder in folders:
                sync(folder)
        except OSError as error:  # an error of fsync is a failure of all it was for
            return [_failed(error)] * len(messages)
        return receipts

    def close(self) -> None:
        """Nothing is held."""

    def path_of(self, message: OutgoingMessage) -> Path:
        """Where a message goes; nothing in its key can lead out of the folder."""
        key = _UNSAFE.sub("_", message.business_key)[:KEY_CHARACTERS]
        name = f"{key}.r{message.revision}.{message.verb}.{_UNSAFE.sub('_', message.idempotency_key)}.{self._format}"
        return self._folder / _UNSAFE.sub("_", message.message_type) / name

    def _put(self, message: OutgoingMessage) -> Path:
        """Write one file beside its place and move it there; return its folder."""
        path = self.path_of(message)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = message.body + "\n" if self._format == "json" else csv_text(message)
        partial = path.with_name(f".{path.name}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
        return path.parent


def _failed(error: OSError) -> Receipt:
    return Receipt(outcome="RETRY", is_target_down=True, reason=f"{error.strerror or error}")
