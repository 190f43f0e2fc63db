"""Evidence bundles: a period of the chain with everything that is needed to verify it elsewhere.

    chain.jsonl          entries of the period, up to the checkpoint after it
    checkpoints.jsonl    signed heads of this host and of the witness
    public_key.hex       the key that signed
    ledger.jsonl         the rows those entries speak of, every value as the text that was hashed
    changed_later.json   subjects whose row has changed since, and so is not in the bundle
    verify_bundle.py     the verifier, standard library only
    README.txt           what this is

What lives here: writing bundles. What does not: verifying this host (report.py).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from flows.errors import UsageError
from flows.lineage.audit.chain import canonical_json
from flows.lineage.audit.checkpoints import CHECKPOINTS_NAME, read_checkpoints
from flows.lineage.audit.keys import PUBLIC_KEY_NAME
from flows.lineage.audit.rows import COVERED, canonical_time, columns_of_rows, subject_sql, text_sql
from flows.lineage.audit.sealing import waiting_rows
from flows.warehouse.lake import sync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb

    from flows.settings import Settings

VERIFIER_NAME = "verify_bundle.py"
ROWS_AT_ONCE = 10_000
DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")

README = """Evidence bundle of gridweave, {start} to {end} (UTC, end not included)

Entries {first} to {last} of the audit chain, the rows of the ledger they speak of, and the signed checkpoints.
Verify with Python 3.9 or newer, nothing else:  python verify_bundle.py
Compare public_key.hex with a copy you got from the utility before; whoever can replace it can replace everything.
Rows that changed after the period are named in changed_later.json and left out. The tables asset and asset_check are
covered as a whole and are not part of a bundle.
"""


@dataclass(frozen=True)
class Period:
    """A half-open period, UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Exported:
    """What a bundle holds."""

    first: int
    last: int


def parse_period(text: str) -> Period:
    """Read `A..B`: dates, of which the last one belongs to the period, or moments, of which it does not.

    >>> parse_period("2026-03-01..2026-03-31").end.isoformat()
    '2026-04-01T00:00:00+00:00'

    Raises:
        UsageError: It is no period.
    """
    first, _, last = text.partition("..")
    try:
        start, end = _moment(first), _moment(last)
    except ValueError:
        raise UsageError(f"{text!r} is no period.", hint="for example 2026-03-01..2026-03-31") from None
    if DATE_ONLY.fullmatch(last.strip()):
        end += timedelta(days=1)
    if end <= start:
        raise UsageError(f"The period {text} ends before it starts.", hint="write the earlier day first")
    return Period(start, end)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def export_bundle(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    period: Period,
    target: Path,
    *,
    is_replacing: bool = False,
) -> Exported:
    """Write the bundle of a period, whole or not at all.

    Args:
        connection: A database with the ledger.
        settings: Where key, checkpoints and witness lie.
        period: What to export; it is extended to the checkpoint that covers its end.
        target: The zip file.
        is_replacing: Take the place of a file that is there; evidence once handed out is not replaced by chance.

    Raises:
        UsageError: Nothing signed was recorded in the period, or the file cannot be written there.
    """
    _refuse_target(target, is_replacing=is_replacing)
    files = [settings.audit_dir / CHECKPOINTS_NAME]
    files += [settings.audit_witness_path] if settings.audit_witness_path else []
    signed = sorted({each for file in files for each in read_checkpoints(file)}, key=lambda each: each.seq)
    first, last = _range(connection, period, [each.seq for each in signed])
    latest, later = _subjects(connection, first, last)
    with _appearing(target) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        facts = {"start": period.start.isoformat(), "end": period.end.isoformat(), "first": first, "last": last}
        bundle.writestr("README.txt", README.format(**facts))
        verifier = resources.files("flows.lineage.audit").joinpath(VERIFIER_NAME)
        bundle.writestr(VERIFIER_NAME, verifier.read_text(encoding="utf-8"))
        bundle.writestr("public_key.hex", (settings.audit_dir / PUBLIC_KEY_NAME).read_text(encoding="ascii"))
        covered = [each.line for each in signed if first <= each.seq <= last]
        bundle.writestr("checkpoints.jsonl", "".join(covered))
        bundle.writestr("changed_later.json", canonical_json(sorted(later)))
        _write_lines(bundle, "chain.jsonl", _entries(connection, first, last))
        _write_lines(bundle, "ledger.jsonl", _rows(connection, latest - later))
    return Exported(first, last)


def _refuse_target(target: Path, *, is_replacing: bool) -> None:
    """Say before the work begins that a file cannot or must not be written there."""
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.", hint="make it, or name another place with --out")
    if target.is_dir():
        raise UsageError(f"{target} is a folder.", hint=f"for example --out {target / 'bundle.zip'}")
    if target.exists() and not is_replacing:
        raise UsageError(
            f"{target} is there already.", hint="name another file with --out, or replace this one with --force"
        )


@contextmanager
def _appearing(target: Path) -> Iterator[IO[bytes]]:
    """Write beside the target, under a name of one's own; it appears when all is on disk, else nothing stays."""
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f"{target.name}.", suffix=".partial", delete=False
    ) as stream:
        partial = Path(stream.name)
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            partial.replace(target)
        except BaseException:
            partial.unlink()
            raise
    sync(target.parent)


def _range(connection: duckdb.DuckDBPyConnection, period: Period, signed: list[int]) -> tuple[int, int]:
    """Return first and last entry of the period, up to the next checkpoint."""
    row = connection.execute(
        "select min(seq), max(seq) from (select seq, try_cast(canonical as json)->>'recorded_at' as recorded_at"
        " from lineage.audit_log) where recorded_at >= ? and recorded_at < ?",
        [canonical_time(period.start), canonical_time(period.end)],
    ).fetchone()
    first, last = row or (None, None)
    ends = [seq for seq in signed if first is not None and seq >= first]
    if not ends:
        raise UsageError(
            f"Nothing signed was recorded from {period.start:%Y-%m-%d} to {period.end:%Y-%m-%d}.",
            hint="gridweave audit query who_ran_what lists the runs",
        )
    return int(first), next((seq for seq in ends if seq >= last), ends[-1])


def _subjects(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> tuple[set[str], set[str]]:
    """Return the subjects of the slice, with rows that have no entry at all, and those that changed after it."""
    known: dict[str, tuple[int, bool]] = {
        subject: (seq, is_inside)
        for subject, seq, is_inside in connection.execute(
            "select subject, max(seq), bool_or(seq between ? and ?)"
            " from (select seq, try_cast(canonical as json)->>'subject' as subject from lineage.audit_log)"
            " where subject is not null group by subject",
            [first, last],
        ).fetchall()
    }
    inside = {subject for subject, (_, is_inside) in known.items() if is_inside}
    waiting = {subject for subjects in waiting_rows(connection).values() for subject in subjects}
    found = {
        subject
        for covered in COVERED.values()
        for (subject,) in connection.execute(
            f"select {subject_sql(covered)} from {covered.source}"  # noqa: S608 - names of rows.py
        ).fetchall()
    }
    unknown = found - known.keys() - waiting
    return inside | unknown, {subject for subject in inside if known[subject][0] > last}


def _entries(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> Iterator[dict[str, Any]]:
    rows = connection.execute(
        "select seq, canonical, prev_hash, hash from lineage.audit_log where seq between ? and ? order by seq",
        [first, last],
    )
    names = ("seq", "canonical", "prev_hash", "hash")
    while chunk := rows.fetchmany(ROWS_AT_ONCE):
        yield from (dict(zip(names, row, strict=True)) for row in chunk)


def _rows(connection: duckdb.DuckDBPyConnection, subjects: set[str]) -> Iterator[dict[str, Any]]:
    """Yield rows of the covered tables with every value as the text that was hashed."""
    for covered in COVERED.values():
        columns = columns_of_rows(connection, covered.name)
        texts = ", ".join(text_sql(name, kind) for name, kind in columns)
        rows = connection.execute(
            f"select {subject_sql(covered)} as subject, {texts} from {covered.source} order by subject"  # noqa: S608 - names of the ledger
        )
        names = [name for name, _ in columns]
        while chunk := rows.fetchmany(ROWS_AT_ONCE):
            for subject, *values in chunk:
                if subject in subjects:
                    yield {"subject": subject, "row": dict(zip(names, values, strict=True))}


def _write_lines(bundle: zipfile.ZipFile, name: str, rows: Iterable[dict[str, Any]]) -> None:
    with bundle.open(name, "w") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=True).encode() + b"\n")
