from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.settings import Settings
from ml.streaming.demo import run_demo


@pytest.mark.slow
def test_the_demonstration_needs_nothing_and_leaves_the_inbox_alone(home_settings: Callable[..., Settings]) -> None:
    settings = home_settings(stream_batch_messages=5_000)
    told: list[str] = []

    status, alarms = run_demo(settings, told.append)

    counters = status["counters"]
    assert (counters["dead"], counters["duplicate"], counters["late"]) == (2, 1, 1)
    assert counters["messages"] == counters["accepted"] + 4
    assert alarms
    assert told
    assert not settings.inbox_dir.exists()
