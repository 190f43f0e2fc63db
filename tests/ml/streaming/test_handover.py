"""What is handed to the warehouse: whole files, each once, which land as rows of `raw.scada_events`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from flows.sources.configuration import delivered_files, load_source
from flows.sources.file_connector import convert
from flows.sources.raw_tables import read_raw_tables
from flows.warehouse.frames import read_frame
from ml.streaming.handover import SOURCE_NAME, Handover
from tests.conftest import CHECKOUT
from tests.ml.streaming import traffic
from tests.ml.streaming.conftest import NOW, Stream, minutes


@pytest.fixture
def waiting(begin: Callable[..., Stream]) -> Stream:
    """A stream of which ten minutes of one tap are final."""
    made = traffic.messages(taps=1, minutes=10)
    stream = begin()
    stream.send([*made, {**made[0], "message_id": "end", "event_at": (traffic.START + minutes(30)).isoformat()}])
    return stream


def test_final_messages_land_in_the_raw_table_as_they_were_sent(waiting: Stream, tmp_path: Path) -> None:
    inbox, landed = tmp_path / "inbox", tmp_path / "landed"
    landed.mkdir()
    Handover(waiting.sink, inbox, "c", rows_per_file=1).hand_over(is_all=False)
    source = load_source(SOURCE_NAME, CHECKOUT / "data" / "sources")

    (file,) = delivered_files(source, [inbox])
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        (table,) = convert(
            connection, file=file, source=source,
            raw_tables=read_raw_tables(CHECKOUT / "transform" / "models" / "staging" / "_raw__sources.yml"),
            load_id="l", ingested_at=NOW, output_dir=landed,
        )  # fmt: skip
        rows = read_frame(connection, f"select * from '{landed}/*.parquet' order by _source_row")

    sent = traffic.as_raw(traffic.messages(taps=1, minutes=10)).assign(protocol="iec104")
    assert (table.raw_table, table.parse_error_count) == ("scada_events", 0)
    pd.testing.assert_frame_equal(
        rows[list(traffic.RAW_COLUMNS)].astype(str), sent[list(traffic.RAW_COLUMNS)].astype(str), check_dtype=False
    )


def test_few_messages_wait_for_more(waiting: Stream, tmp_path: Path) -> None:
    handover = Handover(waiting.sink, tmp_path / "inbox", "c", rows_per_file=1_000)

    assert handover.hand_over(is_all=False) == 0
    assert handover.hand_over(is_all=True) > 100
    assert handover.hand_over(is_all=True) == 0


def test_a_file_whose_writing_was_cut_off_is_written_again_under_its_name(
    waiting: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = tmp_path / "inbox"
    handover = Handover(waiting.sink, inbox, "c", rows_per_file=1)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", _killed)
        with pytest.raises(KeyboardInterrupt):
            handover.hand_over(is_all=True)
    assert not list(inbox.glob("*.parquet"))

    Handover(waiting.sink, inbox, "c", rows_per_file=1).recover()

    (file,) = inbox.glob("*.parquet")
    assert file.name == "c_00000001.parquet"
    assert pq.read_metadata(file).num_rows == waiting.sink.counters()["handed_over"] > 100
    assert waiting.sink.sql("select count(*) from outgoing_event") == [(0,)]


_replace = Path.replace


def _killed(path: Path, target: Path) -> Path:
    """Die before a file of the handover has its name; servers of other tests in this process go on."""
    if ".parquet" in path.name:
        raise KeyboardInterrupt
    return _replace(path, target)
