from __future__ import annotations

import re

import pytest
import typer.main

from flows.cli.main import app
from flows.settings import Settings
from tests.conftest import CHECKOUT

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined] # a group


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does(name: str) -> None:
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme_or_the_changelog(name: str) -> None:
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"\b{name}\b", README + changelog)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description


@pytest.mark.parametrize("folder", ["flows", "transform", "ml", "expectations", "tests", "data"])
def test_every_top_folder_has_a_readme_that_says_how_to_add_one_more(folder: str) -> None:
    text = (CHECKOUT / folder / "README.md").read_text(encoding="utf-8")

    assert re.search(r"\b[Aa]dd", text)
