"""What becomes of messages: windows, duplicates, lateness, dead letters, and the same scores as in the batch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import pytest

from ml.scada_anomaly.score import SCORE_COLUMNS
from ml.streaming.champion import Model
from ml.streaming.taking import Timing
from tests.ml.streaming import traffic
from tests.ml.streaming.conftest import NOW, Stream, minutes

KEYS = ["network_id", "capture_id", "window_start_at"]


def assert_same_scores(stream: pd.DataFrame, batch: pd.DataFrame) -> None:
    columns = [name for name in SCORE_COLUMNS if name != "score_kind"]  # labels come later than the stream
    pd.testing.assert_frame_equal(
        stream[columns], batch[columns], check_exact=False, rtol=0, atol=1e-9, check_dtype=False
    )


@pytest.mark.parametrize("at_once", [37, 1_000_000])
def test_scores_of_the_stream_are_those_of_the_batch(begin: Callable[..., Stream], model: Model, at_once: int) -> None:
    made = traffic.messages(minutes=10, per_minute=8)
    made.append({**made[-1], "message_id": "alone", "event_at": (traffic.START + minutes(20)).isoformat()})
    stream = begin()

    stream.send(made, at_once=at_once)
    stream.processor.score_open()

    batch = traffic.batch_scores(model, traffic.as_raw(made))
    assert batch["is_anomalous"].any()
    assert_same_scores(stream.scores(), batch)


def test_a_window_is_scored_once_its_tap_is_the_delay_beyond_it(begin: Callable[..., Stream]) -> None:
    made = traffic.messages(taps=1, minutes=1)
    stream = begin()

    stream.send([*made, {**made[0], "message_id": "a", "event_at": (traffic.START + minutes(1.49)).isoformat()}])
    assert stream.scores().empty

    stream.send([{**made[0], "message_id": "b", "event_at": (traffic.START + minutes(1.5)).isoformat()}])
    assert stream.scores()["message_count"].tolist() == [len(made)]


def test_a_late_message_is_scored_into_its_window_until_that_is_final(begin: Callable[..., Stream]) -> None:
    made = traffic.messages(taps=1, minutes=3)
    late = {**made[0], "message_id": "late", "object_id": "9"}
    stream = begin()
    stream.send([*made, {**made[0], "message_id": "m", "event_at": (traffic.START + minutes(3.4)).isoformat()}])
    before = stream.scores().set_index("window_start_at")

    stream.send([late])

    after = stream.scores().set_index("window_start_at")
    first = after.index[0]
    assert after.loc[first, "message_count"] == before.loc[first, "message_count"] + 1
    assert after.loc[first, "revision"] == 2
    assert set(after.loc[after.index[1:], "revision"]) == {1}
    assert "late" not in stream.counters()


def test_a_message_after_its_window_is_final_is_recorded_and_handed_on_but_not_scored(
    begin: Callable[..., Stream],
) -> None:
    made = traffic.messages(taps=1, minutes=1)
    stream = begin()
    # the window ends at minute 1, takes in messages for 2 minutes behind a watermark half a minute behind: 3.5
    stream.send([*made, {**made[0], "message_id": "m", "event_at": (traffic.START + minutes(3.5)).isoformat()}])
    before = stream.scores()

    stream.send([{**made[0], "message_id": "late", "object_id": "9"}])

    assert stream.counters()["late"] == 1
    assert stream.sink.sql("select message_id from late_message") == [("late",)]
    assert stream.sink.sql("select count(*) from outgoing_event") == [(len(made) + 1,)]
    pd.testing.assert_frame_equal(stream.scores(), before)


@pytest.mark.parametrize("at_once", [9, 50])
def test_lateness_does_not_depend_on_where_batches_are_cut(begin: Callable[..., Stream], at_once: int) -> None:
    made = traffic.messages(taps=2, minutes=8, per_minute=6)
    shuffled = [each for pair in zip(made[0::3], made[2::3], made[1::3], strict=False) for each in pair]
    old = [{**each, "message_id": f"old {number}"} for number, each in enumerate(made[:5])]
    stream, whole = begin("cut"), begin("whole")

    for each, size in ((stream, at_once), (whole, 1_000_000)):
        each.send([*shuffled[:90], *old, *shuffled[90:], *old], at_once=size)
        each.processor.score_open()

    assert whole.counters()["late"] >= 5
    assert stream.counters() | {"windows": 0} == whole.counters() | {"windows": 0}
    assert_same_scores(stream.scores(), whole.scores())


def test_what_is_sent_twice_counts_once(begin: Callable[..., Stream]) -> None:
    made = traffic.messages(taps=1, minutes=2)
    stream = begin()

    stream.send([*made[:10], *made[:3], *made[10:]], at_once=12)

    assert stream.counters()["duplicate"] == 3
    stream.processor.score_open()
    assert stream.scores()["message_count"].sum() == len(made)


def test_taps_that_number_their_messages_alike_lose_none(begin: Callable[..., Stream]) -> None:
    made = [{**each, "message_id": str(number // 2)} for number, each in enumerate(traffic.messages(minutes=1))]
    made = [{**each, "capture_id": f"TAP{number % 2}"} for number, each in enumerate(made)]
    stream = begin()

    stream.send(made, at_once=7)
    stream.send(made[:2])

    assert stream.counters()["duplicate"] == 2
    stream.processor.score_open()
    assert stream.scores()["message_count"].sum() == len(made)


def test_a_final_window_stays_final_when_it_is_waited_longer(begin: Callable[..., Stream]) -> None:
    made = traffic.messages(taps=1, minutes=1)
    stream = begin()
    stream.send([*made, {**made[0], "message_id": "m", "event_at": (traffic.START + minutes(3.5)).isoformat()}])
    before = stream.scores()

    patient = begin(before=stream, timing=Timing(delay_seconds=30, late_seconds=3_600))
    patient.send([{**made[0], "message_id": "late", "object_id": "9"}])

    assert patient.counters()["late"] == 1
    assert patient.sink.sql("select count(*) from outgoing_event") == [(len(made) + 1,)]
    pd.testing.assert_frame_equal(patient.scores(), before)


def test_what_the_broker_delivers_again_is_known_by_its_position(begin: Callable[..., Stream]) -> None:
    made = [{**each, "message_id": None} for each in traffic.messages(taps=1, minutes=2)]
    stream = begin()
    stream.send(made[:10])

    stream.position = 5
    stream.send(made[5:], at_once=7)
    stream.processor.score_open()

    assert stream.counters()["redelivered"] == 5
    assert stream.scores()["message_count"].sum() == len(made)


GOOD = traffic.messages(taps=1, minutes=1)[0]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[1, 2]", "message:"),
        (b'{"network_id": "NET"}', "capture_id: Field required"),
        (traffic.payloads([{**GOOD, "length_bytes": "69"}])[0], "length_bytes:"),
        (traffic.payloads([{**GOOD, "length_bytes": True}])[0], "length_bytes:"),
        (traffic.payloads([{**GOOD, "length_bytes": 2**40}])[0], "length_bytes:"),
        (traffic.payloads([{**GOOD, "length_bytes": 0}])[0], "impossible_length"),
        (traffic.payloads([{**GOOD, "event_at": "2026-03-02T00:00:00"}])[0], "event_at:"),
        (traffic.payloads([{**GOOD, "event_at": 1_700_000_000}])[0], "event_at:"),
        (traffic.payloads([{**GOOD, "event_at": (NOW + minutes(24 * 60 + 1)).isoformat()}])[0], "future_stamp"),
        (traffic.payloads([{**GOOD, "event_at": "1970-01-01T00:00:00Z"}])[0], "impossible_stamp"),
        (b'{"network_id": "NET", "network_id": "OTHER"}', "no JSON"),
        (b"[" * 100_000, "too long"),
        (b"[" * 50_000, "no JSON"),
        (traffic.payloads([GOOD])[0][:-1] + b', "x": NaN}', "no JSON"),
    ],
    ids=[
        "empty",
        "binary",
        "no object",
        "fields missing",
        "number in quotes",
        "boolean",
        "beyond 32 bits",
        "no length",
        "no offset",
        "seconds",
        "future",
        "1970",
        "key twice",
        "too long",
        "deep",
        "NaN",
    ],
)
def test_a_poison_message_is_buried_whole_and_the_stream_goes_on(
    begin: Callable[..., Stream], payload: bytes, reason: str
) -> None:
    made = traffic.messages(taps=1, minutes=2)
    stream = begin()

    stream.send([*made[:5], payload, *made[5:]])
    stream.processor.score_open()

    ((position, said, tries, kept),) = stream.sink.sql("select position, reason, tries, payload from dead_letter")
    assert (position, tries, bytes(kept)) == (6, 1, payload[:65_536])
    assert said.startswith(reason)
    assert stream.scores()["message_count"].sum() == len(made)


def test_a_field_nobody_knows_is_left_aside(begin: Callable[..., Stream]) -> None:
    stream = begin()

    stream.send([{**GOOD, "firmware": "2.0"}])

    assert stream.counters()["accepted"] == 1


class Failing:
    """Holds a model whose scoring of some windows fails."""

    def __init__(self, model: Model, at: datetime) -> None:
        self.model, self.at = model, at

    def current(self) -> Model:
        return Model(version="failing", content=_Picky(self.model, self.at))


class _Picky(dict[str, object]):
    """A model that fails when it is asked about a window, found by what scoring was given."""

    def __init__(self, model: Model, at: datetime) -> None:
        super().__init__(model.content)
        self["traffic"] = {key: _PickyTraffic(each, at) for key, each in model.content["traffic"].items()}


class _PickyTraffic:
    def __init__(self, inner: object, at: datetime) -> None:
        self._inner, self._at = inner, at

    def evaluate(self, windows: pd.DataFrame, symbols: pd.DataFrame) -> object:
        if (windows["window_start_at"] == self._at).any():
            raise ArithmeticError("cannot be")
        return self._inner.evaluate(windows, symbols)  # type: ignore[attr-defined] # a TrafficModel

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_a_window_the_model_fails_on_is_named_and_the_others_are_scored(
    begin: Callable[..., Stream], model: Model
) -> None:
    at = traffic.START + minutes(3)
    stream = begin(models=Failing(model, at))

    stream.send(traffic.messages(taps=1, minutes=8))
    stream.processor.score_open()

    ((failed_at, reason),) = stream.sink.sql("select window_start_at, reason from failed_window")
    assert failed_at == at
    assert reason == "ArithmeticError: cannot be"
    assert len(stream.scores()) == 7
