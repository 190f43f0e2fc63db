"""The embedded spool: messages as lines of JSON in files of a folder, for a start without a broker.

What lives here: appending and reading. A spool `NAME` is the folder `NAME` with files `00000000.ndjson`,
`00000001.ndjson` and so on, each of some 64 MB; whoever writes appends whole lines. A line counts once its line break
is there. The position of a message is the file's number and the byte its line ends at. A file may be removed once
the position is in a later one, and numbers never begin anew: both are looked after, also while the spool is read.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from ml.streaming.errors import (
    BrokerAwayError,
    PositionAheadError,
    PositionError,
    PositionGoneError,
    StreamError,
)
from ml.streaming.messages import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from ml.streaming.brokers import Address, Take

SUFFIX = ".ndjson"
FILE_BYTES = 64_000_000
BYTE_BITS = 40
"""A position is the file's number shifted by this, plus the byte: files up to a terabyte."""
POLL_SECONDS = 0.1
TAIL_BYTES = 1_000_000
"""The last line break of a file is looked for in so much of its end."""


def append(folder: Path, payloads: Iterable[bytes], *, file_bytes: int = FILE_BYTES) -> None:
    """Append messages to a spool, durably; one writer at a time. A line that a killed writer left torn is ended first.

    Args:
        folder: The spool, made when it is not there.
        payloads: Messages without line breaks.
        file_bytes: A file of this size gets a successor.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    numbers = _numbers(folder)
    number = numbers[-1] if numbers else 0
    if numbers and _file(folder, number).stat().st_size >= file_bytes:
        number += 1
    with _file(folder, number).open("a+b") as stream:
        if _line_start(stream, end := stream.seek(0, os.SEEK_END)) != end:
            stream.write(b"\n")
        stream.writelines(payload + b"\n" for payload in payloads)
        stream.flush()
        os.fsync(stream.fileno())


class SpoolSource:
    """Reads a spool.

    Args:
        address: Its folder and name.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self.failure: StreamError | None = None
        self._folder = address.spool_folder / address.stream
        self._unreadable = ""
        self._task: asyncio.Task[None] | None = None

    async def open(self, reached: Mapping[int, int], take: Take) -> None:
        """Begin to read."""
        numbers = _numbers(self._folder)
        if not self._folder.is_dir():
            raise self._away(f"{self._folder} is not there")
        position = reached.get(0, -1)
        if position >= 0 and numbers and position >> BYTE_BITS < numbers[0]:
            raise self._gone(position, numbers[0])
        await self.ends(reached)
        self._task = asyncio.create_task(self._read_on(position, take))

    async def _read_on(self, position: int, take: Take) -> None:
        while True:
            try:
                records = await asyncio.to_thread(self._next, position)
                self._unreadable = ""
            except PositionGoneError as error:
                self.failure = error
                return
            except OSError as error:  # a file that went between two looks, or a disk; `ends` says it when it lasts
                self._unreadable, records = f"{error.filename or self._folder}: {error.strerror}", []
            except Exception as error:  # noqa: BLE001 - a task that ends unseen would leave everything lying
                self.failure = self._away(type(error).__name__)
                return
            if not records:
                await asyncio.sleep(POLL_SECONDS)
                continue
            await take(records)
            position = records[-1].position

    def _next(self, position: int) -> list[Record]:
        """Read the next whole lines of one file; a stream that was never read begins with whichever file is first.

        Raises:
            PositionGoneError: The file they are in is not there, and a later one is.
        """
        numbers = _numbers(self._folder)
        number, begin = (position >> BYTE_BITS, position & ((1 << BYTE_BITS) - 1)) if position >= 0 else (-1, 0)
        expected = number if position >= 0 else min(numbers, default=0)
        for each in (found for found in numbers if found >= number):
            if each != expected:
                raise self._gone(max(position, 0), each)
            expected = each + 1
            records: list[Record] = []
            with _file(self._folder, each).open("rb") as stream:
                end = stream.seek(_line_start(stream, begin) if each == number else 0)
                while len(records) < self._address.batch_messages:
                    line = stream.readline()
                    if not line.endswith(b"\n"):
                        break
                    end += len(line)
                    records.append(Record(0, (each << BYTE_BITS) + end, line[:-1]))
            if records:
                return records
        return []

    async def is_drained(self, reached: Mapping[int, int]) -> bool:
        """Say whether all lines were read."""
        try:
            return not await asyncio.to_thread(self._next, reached.get(0, -1))
        except OSError as error:
            raise self._away(f"{self._folder}: {error.strerror}") from error

    async def ends(self, reached: Mapping[int, int]) -> Mapping[int, int]:
        """Return where the last whole line ends."""
        if self._unreadable:
            raise self._away(self._unreadable)
        try:
            ends = await asyncio.to_thread(self._ends)
        except OSError as error:
            raise self._away(f"{self._folder}: {error.strerror}") from error
        if ends and ends[0] < reached.get(0, -1):
            raise PositionAheadError(
                stream=self._address.stream, reached=self.shown(0, reached[0]), end=self.shown(0, ends[0])
            )
        return ends

    def _ends(self) -> dict[int, int]:
        if not self._folder.is_dir():
            raise self._away(f"{self._folder} is not there")
        for number in reversed(_numbers(self._folder)):
            with _file(self._folder, number).open("rb") as stream:
                begin = max(stream.seek(0, os.SEEK_END) - TAIL_BYTES, 0)
                stream.seek(begin)
                whole = stream.read().rfind(b"\n") + 1
            if whole:
                return {0: (number << BYTE_BITS) + begin + whole}
        return {}

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def position(self, text: str) -> tuple[int, int]:
        """Read `FILE:BYTE`, the byte a line begins at: reading begins there."""
        number, _, byte = text.partition(":")
        if not (number.isdigit() and (byte or "0").isdigit()):
            raise PositionError(text=text, expected="FILE:BYTE, for example 0:1200, or the FILE alone")
        return 0, (int(number) << BYTE_BITS) + int(byte or 0) + 1

    def shown(self, part: int, position: int) -> str:
        """Write the file and the byte behind the line."""
        del part
        return f"{position >> BYTE_BITS}:{position & ((1 << BYTE_BITS) - 1)}"

    def _gone(self, position: int, first: int) -> PositionGoneError:
        stream = self._address.stream
        return PositionGoneError(stream=stream, wanted=self.shown(0, position), first=self.shown(0, first << BYTE_BITS))

    def _away(self, reason: str) -> BrokerAwayError:
        hint = "write lines of JSON to files NNNNNNNN.ndjson in it, or try --demo"
        return BrokerAwayError(source="spool", stream=self._address.stream, reason=reason, hint=hint)


def _line_start(stream: BinaryIO, byte: int) -> int:
    """Return where the line begins that the byte is in; a byte behind a line break begins one."""
    size = 1  # as a rule there is one right before
    while byte > 0:
        begin = max(byte - size, 0)
        stream.seek(begin)
        line_break = stream.read(byte - begin).rfind(b"\n")
        if line_break >= 0:
            return begin + line_break + 1
        byte, size = begin, TAIL_BYTES
    return 0


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}{SUFFIX}"


def _numbers(folder: Path) -> list[int]:
    return sorted(int(each.stem) for each in folder.glob(f"*{SUFFIX}") if each.stem.isdigit())
