"""Positions as each broker writes them, and sources that are made without connecting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.settings import Settings
from ml.streaming.brokers import Source, open_source
from ml.streaming.errors import PositionError
from ml.streaming.running import address_of


def source(kind: str, home: Path) -> Source:
    async def make() -> Source:
        return open_source(address_of(Settings(home=home, stream_source=kind)))

    return asyncio.run(make())


@pytest.mark.parametrize(
    ("kind", "text", "read", "shown"),
    [
        ("spool", "3:120", (0, (3 << 40) + 121), "3:121"),
        ("nats", "120", (0, 120), "120"),
        ("redis", "1700000000000-7", (0, (1_700_000_000_000 << 20) + 7), "1700000000000-7"),
        ("kafka", "4:120", (4, 120), "4:120"),
    ],
)
def test_a_position_is_read_and_written_as_the_broker_does(
    kind: str, text: str, read: tuple[int, int], shown: str, tmp_path: Path
) -> None:
    made = source(kind, tmp_path)

    assert made.position(text) == read
    assert made.shown(*read) == shown


@pytest.mark.parametrize(("kind", "text"), [("spool", "a:1"), ("nats", "-1"), ("redis", "1-x"), ("kafka", "120")])
def test_what_is_no_position_says_how_one_is_written(kind: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(PositionError, match="expected"):
        source(kind, tmp_path).position(text)
