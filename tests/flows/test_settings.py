"""Settings that cannot be read are said to be wrong, with the place."""

from __future__ import annotations

import pytest

from flows.errors import ConfigurationError
from flows.settings import get_settings


@pytest.mark.parametrize(("name", "value"), [("PREFECT_PORT", "abc"), ("DUCKDB_THREADS", "0")])
def test_a_wrong_value_names_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"GRIDWEAVE_{name}", value)
    get_settings.cache_clear()

    with pytest.raises(ConfigurationError, match=name.lower()):
        get_settings()

    get_settings.cache_clear()
