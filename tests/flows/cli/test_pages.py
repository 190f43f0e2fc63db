"""`gridweave ui` names what is there, and how the rest comes to be there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from flows.cli.main import app
from flows.cli.pages import pages
from flows.services.report import ServiceReport
from flows.settings import Settings, get_settings
from tests.conftest import free_port
from tests.flows.engine.prefect.answering import answering, says_home

COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # a group


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, prefect_port=free_port(), api_port=free_port())


def there(settings: Settings) -> dict[str, bool]:
    return {each.name.partition(":")[0]: each.is_there for each in pages(settings)}


def test_nothing_is_there_of_a_new_home_and_each_page_says_what_makes_it(settings: Settings) -> None:
    found = pages(settings)

    assert not any(each.is_there for each in found)
    assert all(each.hint.startswith("gridweave ") for each in found)
    assert {each.hint.split()[1] for each in found} <= COMMANDS


def test_what_is_there_is_named(settings: Settings) -> None:
    (settings.quality_dir / "data_docs").mkdir(parents=True)
    (settings.quality_dir / "index.html").write_text("<html>")
    api = ServiceReport(settings.services_dir, f"api-{settings.api_port}", title="scoring API")
    api.begin()
    with answering(200, says_home(settings.home / "prefect")) as port:
        found = there(settings.model_copy(update={"prefect_port": port}))
    api.end()

    assert found == {"Prefect": True, "data quality": True, "Great Expectations Data Docs": False, "scoring API": True}
    assert not there(settings)["scoring API"]


def test_a_stranger_on_the_port_is_named_and_not_shown(settings: Settings) -> None:
    with answering(200, says_home(settings.home / "other")) as port:
        prefect = pages(settings.model_copy(update={"prefect_port": port}))[0]

    assert not prefect.is_there
    assert "the Prefect server of" in prefect.hint


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Addresses that a browser was asked to open."""
    addresses: list[str] = []
    monkeypatch.setattr("typer.launch", addresses.append)
    monkeypatch.setenv("GRIDWEAVE_HOME", str(tmp_path))
    monkeypatch.setenv("GRIDWEAVE_PREFECT_PORT", str(free_port()))
    get_settings.cache_clear()
    yield addresses
    get_settings.cache_clear()


def test_only_what_is_there_is_opened(opened: list[str], tmp_path: Path) -> None:
    page = tmp_path / "quality" / "index.html"
    page.parent.mkdir()
    page.write_text("<html>")

    shown = CliRunner().invoke(app, ["ui", "--json"])
    CliRunner().invoke(app, ["ui", "--open"])

    assert [each["is_there"] for each in json.loads(shown.stdout)] == [False, True, False, False]
    assert opened == [page.as_uri()]
    assert not (tmp_path / "prefect").exists(), "it started something"
