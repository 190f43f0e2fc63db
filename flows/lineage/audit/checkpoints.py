"""Checkpoints: the head of the chain, signed, outside the warehouse.

    $GRIDWEAVE_HOME/audit/checkpoints.jsonl    one line per run
    GRIDWEAVE_AUDIT_WITNESS_PATH               the same lines on storage that the pipeline's host cannot rewrite
    lineage.audit_anchor                       the same once more, for SQL

What lives here: writing and reading them. What does not: the key (keys.py), holding the chain against them
(verification.py).

A chain alone shows changes in its middle; the last checkpoint shows that its end is missing, its signature that
somebody without the key wrote the chain anew, and the witness that somebody with the key did. The witness may be away
for a while: the next checkpoint brings what it lacks.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flows.lineage.audit.chain import canonical_json, head
from flows.lineage.audit.keys import AuditError, Signer
from flows.lineage.audit.rows import canonical_time

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import duckdb

logger = logging.getLogger(__name__)

CHECKPOINTS_NAME = "checkpoints.jsonl"
ANCHOR_KIND = "ed25519"


class CheckpointsDamagedError(AuditError):
    """A checkpoint file holds a line that is no checkpoint.

    Args:
        path: The file.
        line: 1-based number of the line.
    """

    def __init__(self, *, path: Path, line: int) -> None:
        self.path = path
        self.line = line
        super().__init__(
            f"Line {line} of {path} is no checkpoint.",
            hint="compare it with the witness copy and find out who changed it",
        )


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One signed head of the chain.

    Args:
        seq: Number of the last entry.
        head_hash: Its hash.
        anchored_at: When it was signed, UTC.
        key_id: Key that signed.
        signature: Over all of the above, hexadecimal.
    """

    seq: int
    head_hash: str
    anchored_at: str
    key_id: str
    signature: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return checkpoint_message(self.seq, self.head_hash, self.anchored_at, self.key_id)

    @property
    def line(self) -> str:
        """How it stands in a file."""
        return canonical_json(asdict(self)) + "\n"


def checkpoint_message(seq: int, head_hash: str, anchored_at: str, key_id: str) -> bytes:
    """Compose what is signed."""
    return canonical_json({"anchored_at": anchored_at, "head_hash": head_hash, "key_id": key_id, "seq": seq}).encode()


def write_checkpoint(
    cursor: duckdb.DuckDBPyConnection, signer: Signer, folder: Path, *, witness: Path | None, anchored_at: datetime
) -> Checkpoint:
    """Sign the present head and write it down, first outside the warehouse.

    Args:
        cursor: Inside a transaction; everything up to here must be committed already.
        signer: The key.
        folder: `$GRIDWEAVE_HOME/audit`.
        witness: A second file, or none.
        anchored_at: When.
    """
    last = head(cursor)
    stamp = canonical_time(anchored_at)
    message = checkpoint_message(last.seq, last.hash, stamp, signer.key_id)
    made = Checkpoint(
        seq=last.seq, head_hash=last.hash, anchored_at=stamp, key_id=signer.key_id, signature=signer.sign(message)
    )
    path = folder / CHECKPOINTS_NAME
    _append(path, made.line)
    _bring_anchors(cursor, read_checkpoints(path))
    if witness is not None:
        bring_witness(folder, witness)
    return made


def read_checkpoints(path: Path) -> tuple[Checkpoint, ...]:
    """Read a checkpoint file; a line without its end is of a writer that died and does not count.

    It is the last one, or, in a file that is only appended to, stands before the same line written whole.

    Raises:
        CheckpointsDamagedError: A line is no checkpoint.
    """
    if not path.exists():
        return ()
    lines = path.read_bytes().split(b"\n")[:-1]
    found = []
    for number, line in enumerate(lines, start=1):
        if number < len(lines) and line != lines[number] and lines[number].startswith(line):
            continue
        try:
            checkpoint = Checkpoint(**json.loads(line))
            is_exact = checkpoint.line.encode() == line + b"\n"
        except (ValueError, TypeError):
            is_exact = False
        if not is_exact:
            raise CheckpointsDamagedError(path=path, line=number)
        found.append(checkpoint)
    return tuple(found)


def _append(path: Path, text: str) -> None:
    """Append to a file, durably, after cutting off what a writer that died left of a line."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.seek(0, os.SEEK_END)
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _bring_anchors(cursor: duckdb.DuckDBPyConnection, checkpoints: tuple[Checkpoint, ...]) -> None:
    """Insert the checkpoints after the last anchor: this one, and one whose run was killed before it got here."""
    row = cursor.execute("select coalesce(max(seq), 0) from lineage.audit_anchor").fetchone()
    last = int(row[0]) if row else 0
    for each in checkpoints:
        if each.seq > last:
            cursor.execute(
                "insert into lineage.audit_anchor values (?, ?, ?::timestamptz, ?, ?, ?)",
                [each.seq, each.head_hash, each.anchored_at, ANCHOR_KIND, each.key_id, each.signature],
            )


def bring_witness(folder: Path, witness: Path) -> None:
    """Append the lines the witness lacks. What it holds is never touched: its storage may forbid that.

    What cannot be written waits for the next run; `lacking_checkpoints` tells.

    Args:
        folder: `$GRIDWEAVE_HOME/audit`.
        witness: The second file.
    """
    try:
        lacking = _lacking(folder, witness)
        if not lacking:
            return
        witness.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(witness, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as stream:
            torn = witness.read_bytes()[-1:] not in {b"", b"\n"}
            stream.write((b"\n" if torn else b"") + b"".join(lacking))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        logger.warning("the audit witness %s cannot be written (%s); the next run tries again", witness, error)


def lacking_checkpoints(folder: Path, witness: Path) -> int:
    """Return how many checkpoints a witness lacks: it could not be written, or somebody took lines away.

    Args:
        folder: `$GRIDWEAVE_HOME/audit`.
        witness: The second file.
    """
    try:
        return len(_lacking(folder, witness))
    except OSError:
        return len(_lines(folder / CHECKPOINTS_NAME))


def _lacking(folder: Path, witness: Path) -> list[bytes]:
    known = set(_lines(witness))
    return [line for line in _lines(folder / CHECKPOINTS_NAME) if line not in known]


def _lines(path: Path) -> list[bytes]:
    """Return whole lines; none of a file that is not there."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"] if path.exists() else []
