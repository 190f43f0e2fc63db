from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.delivery.utility import Utility, utility


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[Utility]:
    """A utility with empty reports, all of them released."""
    with utility(tmp_path) as opened:
        opened.release()
        yield opened
