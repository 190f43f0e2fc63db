"""One micro-batch, from the broker's hands into the sink.

What lives here: the order of things and what is committed together. What does not: the things themselves (`messages`,
`taking`, `scoring`, `attempts`).

    payloads ─► rows ─► late | duplicate | window ─► windows that are due ─► scores ─► commit with the position
            └─► dead letters                     └─► windows that are final ─► outgoing
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import duckdb

from ml.streaming import attempts
from ml.streaming.messages import KEPT_PAYLOAD_BYTES, read
from ml.streaming.scoring import score_due
from ml.streaming.taking import Timing, bury, finish, take_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.clock import Clock
    from ml.streaming.champion import Model
    from ml.streaming.messages import Record
    from ml.streaming.sink import Sink

logger = logging.getLogger(__name__)

SINK_FAILURES = (
    duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.OutOfMemoryException,
    duckdb.TransactionException, OSError,
)  # fmt: skip
"""The machine's fault, not the message's: the process ends, nothing of the batch counts."""


class ModelHolder(Protocol):
    """Knows the model to score with now."""

    def current(self) -> Model:
        """Return it."""

    @property
    def trouble(self) -> str:
        """Why it is not the one that should score; empty when it is."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How messages are worked on.

    Attributes:
        timing: When windows are due and final.
        tries: How often what fails is tried.
        payload_bytes: Longest payload that is read.
    """

    timing: Timing
    tries: int
    payload_bytes: int


class Processor:
    """Works on batches, one at a time.

    Args:
        sink: Where everything goes.
        models: What scores.
        rules: How.
        clock: Wall clock.
    """

    def __init__(self, sink: Sink, models: ModelHolder, rules: Rules, clock: Clock) -> None:
        self._sink = sink
        self._models = models
        self._rules = rules
        self._clock = clock
        self._reached = sink.positions()

    @property
    def reached(self) -> dict[int, int]:
        """Last position of each partition that was worked on."""
        return dict(self._reached)

    def take(self, records: Sequence[Record]) -> None:
        """Work on a batch; when this returns, its effects are durable and the broker may be told.

        Args:
            records: In the order of the stream, partition by partition.

        Raises:
            duckdb.Error: The sink cannot be written: nothing of the batch counts.
        """
        model = self._models.current()
        for part, group in groupby(records, key=lambda record: record.part):
            delivered = list(group)
            reached = self._reached.get(part)
            fresh = [each for each in delivered if reached is None or each.position > reached]
            if len(fresh) < len(delivered):
                with self._sink.transaction():
                    self._sink.count(redelivered=len(delivered) - len(fresh))
            while fresh:
                done = self._try(fresh, model)
                fresh = fresh[done:]

    def _try(self, records: Sequence[Record], model: Model) -> int:
        """Work on some of the messages; return how many are done with."""
        turn = attempts.begin(self._sink, records, tries=self._rules.tries)
        if turn.given_up is not None:
            logger.warning("message at %d given up: %s", turn.given_up.record.position, turn.given_up.reason)
            with self._sink.transaction():
                bury(self._sink, [turn.given_up], self._clock(), kept_bytes=KEPT_PAYLOAD_BYTES)
                self._reach(records[:1])
            return self._done(records[:1])
        try:
            self._work(turn.records, model)
        except SINK_FAILURES:
            if len(turn.records) == 1:  # many may be too many, and are then taken in parts
                with suppress(*SINK_FAILURES):
                    attempts.take_back(self._sink, turn.records[0])
            raise
        except Exception as error:  # noqa: BLE001 - this is the runner; what a message can make fail is not known before
            logger.warning("batch from %d failed: %s", turn.records[0].position, type(error).__name__)
            attempts.fail(self._sink, turn.records[0], error)
            return 0
        return self._done(turn.records)

    def _work(self, records: Sequence[Record], model: Model) -> None:
        now = self._clock()
        rows, dead = read(records, now=now, payload_bytes=self._rules.payload_bytes)
        with self._sink.transaction():
            bury(self._sink, dead, now, kept_bytes=KEPT_PAYLOAD_BYTES)
            if rows.num_rows:
                take_in(self._sink, rows, self._rules.timing, now)
                score_due(self._sink, model, self._rules.timing, now, is_all=False)
                finish(self._sink, self._rules.timing)
            self._reach(records)

    def _reach(self, records: Sequence[Record]) -> None:
        self._sink.reach(records[-1].part, records[-1].position)
        self._sink.count(messages=len(records))

    def _done(self, records: Sequence[Record]) -> int:
        self._reached[records[-1].part] = records[-1].position
        return len(records)

    def score_open(self) -> int:
        """Score windows the watermark has not passed: nothing comes any more, for now. They stay open."""
        if not self._sink.has_due_windows():
            return 0
        with self._sink.transaction():
            return score_due(self._sink, self._models.current(), self._rules.timing, self._clock(), is_all=True)
