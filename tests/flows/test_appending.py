"""What several processes append to is whole lines, also when the disk is full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.appending import append_whole


def test_lines_are_appended_to_a_file_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    append_whole(path, b"one\n")
    append_whole(path, b"two\nthree\n")

    assert path.read_bytes() == b"one\ntwo\nthree\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_disk_that_takes_a_part_leaves_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    append_whole(path, b"one\n")
    write = os.write
    monkeypatch.setattr(os, "write", lambda at, content: write(at, content[:3] if content == b"two\n" else content))

    with pytest.raises(OSError, match="No space left"):
        append_whole(path, b"two\n")

    assert path.read_bytes() == b"one\n"
