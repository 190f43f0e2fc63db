from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flows.assets.cron import CronExpression
from flows.errors import ConfigurationError

NOW = datetime(2026, 3, 5, 6, 30, 40, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * *", datetime(2026, 3, 5, 6, 30, tzinfo=UTC)),
        ("15 5 * * *", datetime(2026, 3, 5, 5, 15, tzinfo=UTC)),
        ("45 6 * * *", datetime(2026, 3, 4, 6, 45, tzinfo=UTC)),
        ("*/20 * * * *", datetime(2026, 3, 5, 6, 20, tzinfo=UTC)),
        ("0 8-10,20 * * *", datetime(2026, 3, 4, 20, 0, tzinfo=UTC)),
        ("0 0 * * 7", datetime(2026, 3, 1, 0, 0, tzinfo=UTC)),
        ("0 0 * * 1-5/2", datetime(2026, 3, 4, 0, 0, tzinfo=UTC)),
        ("0 0 2 * 1", datetime(2026, 3, 2, 0, 0, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2024, 2, 29, 0, 0, tzinfo=UTC)),
        ("0 0 31 2 *", None),
    ],
)
def test_finds_the_last_due_minute(text: str, due: datetime | None) -> None:
    assert CronExpression(text).latest(NOW) == due


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "5-3 * * * *", "a * * * *", "*/0 * * * *"]
)
def test_refuses_what_is_no_expression(text: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        CronExpression(text)
