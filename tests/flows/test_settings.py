"""Settings that cannot be read are said to be wrong, with the place; secrets may be files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.errors import ConfigurationError
from flows.settings import CHECKOUT, SECRETS_VARIABLE, Settings, get_settings


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREFECT_PORT", "abc"),
        ("DUCKDB_THREADS", "0"),
        ("ALERT_URLS", "mailto://canary-secret"),
        ("AUDIT_WITNESS_PATH", "witness/checkpoints.jsonl"),
    ],
)
def test_a_wrong_value_names_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"GRIDWEAVE_{name}", value)

    with pytest.raises(ConfigurationError, match=name.lower()) as raised:
        get_settings()

    assert "canary-secret" not in raised.value.message


def test_paths_of_the_file_begin_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "gridweave.toml"
    path.write_text('home = "var"\naudit_witness_path = "witness/checkpoints.jsonl"\n', encoding="utf-8")
    monkeypatch.setitem(Settings.model_config, "toml_file", path)
    monkeypatch.delenv("GRIDWEAVE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    settings = get_settings()

    assert settings.home == CHECKOUT / "var"
    assert settings.audit_witness_path == CHECKOUT / "witness" / "checkpoints.jsonl"


def test_secrets_may_be_files_and_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gridweave_openlineage_api_key").write_text("canary-secret\n", encoding="utf-8")
    (tmp_path / "gridweave_alert_urls").write_text('["mailto://ops@example.org"]', encoding="utf-8")
    (tmp_path / "gridweave_stream_url").write_text("nats://of-the-file", encoding="utf-8")
    monkeypatch.setenv(SECRETS_VARIABLE, str(tmp_path))
    monkeypatch.setenv("GRIDWEAVE_STREAM_URL", "nats://of-the-environment")

    settings = get_settings()

    assert settings.openlineage_api_key is not None
    assert settings.openlineage_api_key.get_secret_value() == "canary-secret"
    assert [each.get_secret_value() for each in settings.alert_urls] == ["mailto://ops@example.org"]
    assert settings.stream_url is not None
    assert settings.stream_url.get_secret_value() == "nats://of-the-environment"
    assert "canary-secret" not in repr(settings)


def test_a_folder_of_secrets_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SECRETS_VARIABLE, str(tmp_path / "nowhere"))

    with pytest.raises(ConfigurationError, match=f"{SECRETS_VARIABLE} is .*nowhere, which is no folder"):
        get_settings()
