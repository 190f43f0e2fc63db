from __future__ import annotations

from random import Random

import pytest

from flows.engine.steps.attempts import JITTER_SHARE, LONGEST_PAUSE_SECONDS, Retrying
from flows.errors import AssetError


class Flaky:
    """Work that fails so often before it succeeds."""

    def __init__(self, failures: int, *, is_retryable: bool = True) -> None:
        self.calls: list[int] = []
        self._failures = failures
        self._is_retryable = is_retryable

    def __call__(self, attempt: int) -> str:
        self.calls.append(attempt)
        if attempt <= self._failures:
            raise AssetError("not now", is_retryable=self._is_retryable)
        return "done"


def retrying(pauses: list[float]) -> Retrying:
    return Retrying(first_pause_seconds=2, wait=pauses.append, random=Random(7))


def test_tries_a_retryable_error_again_with_growing_pauses() -> None:
    pauses: list[float] = []
    work = Flaky(failures=3)

    assert retrying(pauses).call(work, retries=3, name="ml/d") == "done"
    assert work.calls == [1, 2, 3, 4]
    assert [round(pause / (2 * 2**place), 1) for place, pause in enumerate(pauses)] != [1.0, 1.0, 1.0]
    for place, pause in enumerate(pauses):
        longest = 2 * 2**place
        assert longest * (1 - JITTER_SHARE) <= pause <= longest * (1 + JITTER_SHARE)


def test_gives_up_when_it_was_tried_often_enough() -> None:
    pauses: list[float] = []
    work = Flaky(failures=9)

    with pytest.raises(AssetError, match="not now"):
        retrying(pauses).call(work, retries=2, name="ml/d")

    assert work.calls == [1, 2, 3]
    assert len(pauses) == 2


def test_never_repeats_an_error_that_does_not_pass_by_itself() -> None:
    work = Flaky(failures=1, is_retryable=False)

    with pytest.raises(AssetError):
        retrying([]).call(work, retries=5, name="ml/d")

    assert work.calls == [1]


def test_never_repeats_an_error_that_was_not_made_on_purpose() -> None:
    calls: list[int] = []

    def broken(attempt: int) -> None:
        calls.append(attempt)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retrying([]).call(broken, retries=5, name="ml/d")

    assert calls == [1]


def test_no_pause_grows_without_end() -> None:
    assert Retrying().pause_seconds(50) <= LONGEST_PAUSE_SECONDS * (1 + JITTER_SHARE)
