"""One thread per model: every pool that is loaded is held back, and given back."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import sklearn.linear_model  # noqa: F401 - brings the pools of OpenMP and BLAS
from threadpoolctl import ThreadpoolController

from ml import threads


def thread_counts() -> set[int]:
    return {pool["num_threads"] for pool in ThreadpoolController().info()}


def test_pools_have_one_thread_within_and_what_they_had_after() -> None:
    before = thread_counts()

    with threads.one_thread():
        within = thread_counts()

    assert within == {1}
    assert thread_counts() == before


def test_pools_are_looked_for_again_only_when_modules_came(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = threads._controller(len(sys.modules)), threads._controller(len(sys.modules))
    monkeypatch.setitem(sys.modules, "a_new_library", ModuleType("a_new_library"))

    assert first is second
    assert threads._controller(len(sys.modules)) is not first
