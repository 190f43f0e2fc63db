"""Readers in processes of their own, that a test can kill."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from flows.settings import Settings
from ml.artifacts import read_model
from ml.streaming import processor
from ml.streaming.champion import FixedModel, Model
from ml.streaming.messages import Record, read
from ml.streaming.running import Wish, run_stream
from ml.streaming.sink import Sink

WAIT_SECONDS = 300


@dataclass(frozen=True)
class Death:
    """When a process kills itself with SIGKILL.

    Args:
        commit: At which of its commits.
        is_before: Just before it, or just after.
    """

    commit: int
    is_before: bool


def context() -> ForkServerContext:
    """What starts such processes."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__, "sklearn.ensemble", "skops.io", "faststream.nats", "faststream.redis"])
    return made


def read_in_process(
    choices: dict[str, Any], model_folder: Path, wish: Wish, death: Death | None, poison: bytes | None
) -> None:
    """Read a stream; exit as the command line would."""
    if death is not None:
        _die(death)
    if poison is not None:
        _fail_at(poison)
    models = FixedModel(Model(version="1-test", content=read_model(model_folder)))
    run_stream(Settings(**choices), wish, lambda text: print(text, file=sys.stderr), models=models)
    os._exit(0)


def _die(death: Death) -> None:
    count = 0
    transaction = Sink.transaction

    @contextmanager
    def counted(sink: Sink) -> Iterator[None]:
        nonlocal count
        with transaction(sink):
            yield
            count += 1
            if count == death.commit and death.is_before:
                os.kill(os.getpid(), signal.SIGKILL)
        if count == death.commit:
            os.kill(os.getpid(), signal.SIGKILL)

    Sink.transaction = counted  # type: ignore[assignment, method-assign] # in a process that is about to die


def _fail_at(poison: bytes) -> None:
    """Let every batch fail that a message with this text is in."""

    def failing(records: Sequence[Record], **options: Any) -> Any:
        if any(poison in each.payload for each in records):
            raise LookupError("cannot be worked on")
        return read(records, **options)

    pytest.MonkeyPatch().setattr(processor, "read", failing)


def begin(
    processes: ForkServerContext,
    choices: dict[str, Any],
    model_folder: Path,
    wish: Wish,
    death: Death | None = None,
    poison: bytes | None = None,
) -> BaseProcess:
    process = processes.Process(target=read_in_process, args=(choices, model_folder, wish, death, poison))
    process.start()
    return process


@contextmanager
def patience() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Give a function that waits until something is so."""
    ends_at = time.monotonic() + WAIT_SECONDS

    def wait_until(is_so: Callable[[], object]) -> None:
        while not is_so():
            assert time.monotonic() < ends_at, "what was waited for did not happen"
            time.sleep(0.05)

    yield wait_until
