"""The second checkpoint file: only ever appended to, and told when it lacks what the first one has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from flows.lineage.audit.checkpoints import CHECKPOINTS_NAME, bring_witness, lacking_checkpoints, read_checkpoints
from tests.flows.lineage.audit.ledgers import write_ledger


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_ledger(tmp_path, runs=3)
    return tmp_path


def signed(home: Path) -> object:
    return read_checkpoints(home / "audit" / CHECKPOINTS_NAME)


def test_what_a_witness_lacks_is_appended_and_nothing_else_is_touched(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = home / "witness.jsonl"
    first, *_ = witness.read_bytes().splitlines(keepends=True)
    witness.write_bytes(first)
    opened: list[int] = []
    real_open = os.open

    def noted(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if path == witness:
            opened.append(flags)
        return real_open(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", noted)

    lacking = lacking_checkpoints(home / "audit", witness)
    bring_witness(home / "audit", witness)

    assert lacking == 2
    assert lacking_checkpoints(home / "audit", witness) == 0
    assert read_checkpoints(witness) == signed(home)
    assert [flags & (os.O_APPEND | os.O_TRUNC | os.O_RDWR) for flags in opened] == [os.O_APPEND], "append-only storage"


def test_a_line_that_was_torn_is_ended_and_written_again(home: Path) -> None:
    witness = home / "witness.jsonl"
    content = witness.read_bytes()
    witness.write_bytes(content[:-40])

    bring_witness(home / "audit", witness)

    assert witness.read_bytes().startswith(content[:-40])
    assert read_checkpoints(witness) == signed(home)


def test_a_witness_that_cannot_be_written_lacks_everything(home: Path) -> None:
    witness = home / "witness.jsonl"
    witness.unlink()
    witness.mkdir()

    bring_witness(home / "audit", witness)

    assert lacking_checkpoints(home / "audit", witness) == 3
