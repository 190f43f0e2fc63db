"""A delivered CSV, read once with every guard on, and copied as plain UTF-8 for DuckDB.

What lives here: decompression, decoding, size limits, header and line counting. What does not: types and
values (`column_sql`), landing (`file_connector`).
Decision: the bytes that were checked are the bytes that are parsed, so the file is copied while it is
checked; DuckDB also reads the plain copy on all cores, a gzip on one only. DuckDB's own parser accepts a
truncated last line and gives no independent row count; both are checked here.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from flows.errors import FileRejectedError
from flows.sources.archives import archive_kind, archive_reason

if TYPE_CHECKING:
    from pathlib import Path

    from flows.sources.configuration import CsvOptions

MAX_EXPANDED_BYTES = 8 * 1024**3  # a month of 4-second scans of a mid-size utility is 3 GB as text
MAX_GZIP_RATIO = 250  # SCADA logs reach 30, deflate's limit is 1,032
RATIO_GUARD_FROM_BYTES = 64 * 1024**2  # small files may be as repetitive as they like
MAX_LINE_BYTES = 1024**2
MAX_COLUMNS = 1_000
_CHUNK_BYTES = 1024**2
_BLANK_LINE = re.compile(rb"\n(?=\n)")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class DeliveredCsv:
    """A checked CSV.

    Args:
        path: The plain UTF-8 copy, lines ended by a newline, no BOM.
        header: Delivered column names.
        row_count: Data rows, counted independently of the parser.
        has_quotes: True when a quote character occurs anywhere.
    """

    path: Path
    header: tuple[str, ...]
    row_count: int
    has_quotes: bool


@dataclass
class _LineScan:
    """Running counts over the decoded bytes."""

    file_name: str
    line_count: int = 0
    blank_count: int = 0
    quote_count: int = 0
    expanded_bytes: int = 0
    open_line: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> None:
        """Count lines, blank lines and quotes in a chunk; refuse what no CSV holds.

        Lines are counted, not split: a text of very short ones took ten times as long. A line that lies within a chunk
        is no longer than that, so only the first and the last are measured.
        """
        self.expanded_bytes += len(chunk)
        self.quote_count += chunk.count(b'"')
        self._refuse_byte(chunk, b"\0", "holds a NUL byte")
        self._refuse_byte(chunk, b"\r", "holds a carriage return inside a line")
        end_count = chunk.count(b"\n")
        if end_count:
            first_end, last_end = chunk.index(b"\n"), chunk.rindex(b"\n")
            self._refuse_long(len(self.open_line) + first_end)
            self.blank_count += int(not self.open_line and first_end == 0)
            self.blank_count += sum(1 for _ in _BLANK_LINE.finditer(chunk)) if b"\n\n" in chunk else 0
            self.line_count += end_count
            self.open_line.clear()
            chunk = chunk[last_end + 1 :]
        self.open_line += chunk
        self._refuse_long(len(self.open_line))

    def finish(self) -> None:
        """Count a last line that no newline ends."""
        if self.open_line:
            self.line_count += 1

    def _refuse_byte(self, chunk: bytes, byte: bytes, reason: str) -> None:
        place = chunk.find(byte)
        if place >= 0:
            raise self._reject(reason, self.line_count + chunk.count(b"\n", 0, place) + 1)

    def _refuse_long(self, byte_count: int) -> None:
        if byte_count > MAX_LINE_BYTES:
            raise self._reject(f"a line is longer than {MAX_LINE_BYTES:,} bytes", None)

    def _reject(self, reason: str, row: int | None) -> FileRejectedError:
        return FileRejectedError(file_name=self.file_name, reason=reason, row=row)


def read_delivered_csv(file: Path, *, options: CsvOptions, copy_path: Path) -> DeliveredCsv:
    """Check a CSV file and copy it as plain UTF-8.

    Args:
        file: Delivered file, gzip when its name ends in .gz.
        options: How it is written.
        copy_path: Where the plain copy goes; the caller removes it.

    Raises:
        FileRejectedError: Empty, truncated, undecodable, too large, or not text.
    """
    scan = _LineScan(file_name=file.name)
    try:
        with copy_path.open("wb") as copy:
            _copy_decoded(file, options=options, scan=scan, copy=copy)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        reason = f"gzip is truncated or corrupt ({error})"
        raise FileRejectedError(file_name=file.name, reason=reason) from error
    except UnicodeError as error:
        reason = f"is not {options.encoding} text ({error})"
        raise FileRejectedError(file_name=file.name, reason=reason, row=scan.line_count + 1) from error
    if options.requires_final_newline and scan.open_line:
        raise FileRejectedError(
            file_name=file.name,
            reason="the last line is not ended, so the transfer was cut off",
            row=scan.line_count + 1,
        )
    scan.finish()
    if scan.line_count == scan.blank_count:
        raise FileRejectedError(file_name=file.name, reason="is empty; expected at least a header")
    header = _read_header(file, copy_path, options.delimiter)
    has_quotes = scan.quote_count > 0
    row_count = (
        _count_quoted_rows(file, copy_path, options.delimiter) if has_quotes else scan.line_count - scan.blank_count
    ) - 1
    return DeliveredCsv(path=copy_path, header=header, row_count=row_count, has_quotes=has_quotes)


def _copy_decoded(file: Path, *, options: CsvOptions, scan: _LineScan, copy: IO[bytes]) -> None:
    """Copy the file chunk by chunk: decompressed, UTF-8, newline-ended, counted."""
    is_gzip = file.name.endswith(".gz")
    encoding = codecs.lookup(options.encoding).name
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    compressed_bytes = max(file.stat().st_size, 1)
    held = ""
    with file.open("rb") as raw, gzip.open(raw, "rb") if is_gzip else nullcontext(raw) as stream:
        is_first, is_last = True, False
        while not is_last:
            chunk = stream.read(_CHUNK_BYTES)
            is_last = not chunk
            if is_first and (kind := archive_kind(chunk)):
                raise FileRejectedError(file_name=file.name, reason=archive_reason(kind, is_inside=is_gzip))
            if is_first and encoding == "utf-8" and chunk.startswith(_UTF16_MARKS):
                raise FileRejectedError(file_name=file.name, reason="is UTF-16 text; the source declares utf-8", row=1)
            is_first = False
            text = held + decoder.decode(chunk, final=is_last)
            # A CR at the end of a chunk may belong to a CRLF that the next chunk completes.
            held = "\r" if text.endswith("\r") and not is_last else ""
            text = text[: len(text) - len(held)].replace("\r\n", "\n")
            plain = text.encode("utf-8")
            if plain:
                scan.feed(plain)
                copy.write(plain)
            _guard_size(file, scan.expanded_bytes, compressed_bytes, is_gzip=is_gzip)


def _guard_size(file: Path, expanded: int, compressed: int, *, is_gzip: bool) -> None:
    """Refuse a file that grows beyond all reason while it is read."""
    if expanded > MAX_EXPANDED_BYTES:
        reason = f"holds more than {MAX_EXPANDED_BYTES:,} bytes of text"
        raise FileRejectedError(file_name=file.name, reason=reason)
    if is_gzip and expanded > max(RATIO_GUARD_FROM_BYTES, compressed * MAX_GZIP_RATIO):
        reason = f"gzip expands more than {MAX_GZIP_RATIO} times, which no real extract does"
        raise FileRejectedError(file_name=file.name, reason=reason)


def _read_header(file: Path, copy_path: Path, delimiter: str) -> tuple[str, ...]:
    """Return the column names of the first line."""
    with copy_path.open(encoding="utf-8", newline="") as lines:
        first = next((line for line in lines if line != "\n"), "")
    try:
        names = next(csv.reader([first.rstrip("\n")], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        raise FileRejectedError(file_name=file.name, reason=f"header cannot be read ({error})", row=1) from error
    if len(names) > MAX_COLUMNS:
        reason = f"has {len(names):,} columns; at most {MAX_COLUMNS:,} are accepted"
        raise FileRejectedError(file_name=file.name, reason=reason, row=1)
    return tuple(name.strip() for name in names)


def _count_quoted_rows(file: Path, copy_path: Path, delimiter: str) -> int:
    """Count records, header included, where quotes may hold newlines."""
    limit = csv.field_size_limit()
    with copy_path.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            csv.field_size_limit(max(limit, MAX_LINE_BYTES))
            return sum(1 for record in reader if record)
        except csv.Error as error:
            raise FileRejectedError(
                file_name=file.name, reason=f"quotes are not closed ({error})", row=reader.line_num
            ) from error
        finally:
            csv.field_size_limit(limit)
