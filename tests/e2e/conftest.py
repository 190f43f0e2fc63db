"""Homes that several end-to-end tests look at; made once per session because a run takes a minute."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.engine.prefect.server import PrefectServer
from flows.sources.simulator.simulation import simulate
from tests.e2e.homes import Home

TINY_DAYS, TINY_FEEDERS, TINY_TRANSFORMERS = 45, 2, 12  # every asset has rows; too small to judge a model on


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let third-party code warn in end-to-end tests: a whole run imports hundreds of modules that are not ours.

    MLflow 3.17 on SQLAlchemy 2.1 warns about its own mappers, for one. Our own modules are held to "warnings are
    errors" by their package's tests.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))


def complete(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a summary of a run that went well; else say what went wrong."""
    assert summary["status"] == "COMPLETE", summary["failed"] or summary["blocked"]
    return summary


@pytest.fixture(scope="session")
def demo(prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any]]:
    """The simulated utility of `make demo` after its first run, with that run's summary."""
    home = Home(tmp_path_factory.mktemp("demo"), prefect_server)
    code, _ = home.call("simulate")
    assert code == 0
    return home, complete(home.json("run"))


@pytest.fixture(scope="session")
def tiny_inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inbox of a tiny simulated utility."""
    folder = tmp_path_factory.mktemp("tiny_inbox")
    simulate(
        days=TINY_DAYS,
        feeders=TINY_FEEDERS,
        transformers=TINY_TRANSFORMERS,
        seed=11,
        dirt=0.3,
        output_dir=folder / "inbox",
        truth_dir=folder / "truth",
    )
    return folder / "inbox"


@pytest.fixture(scope="session")
def tiny(
    prefect_server: PrefectServer, tiny_inbox: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, dict[str, Any]]:
    """A tiny utility after one undisturbed run, with that run's summary. Tests copy it, never change it."""
    home = Home(tmp_path_factory.mktemp("tiny"), prefect_server)
    shutil.copytree(tiny_inbox, home.path / "inbox")
    return home, complete(home.json("run"))


@pytest.fixture
def tiny_copy(tiny: tuple[Home, dict[str, Any]], tmp_path: Path) -> Home:
    """A copy of the tiny utility that a test may change."""
    home, _ = tiny
    shutil.copytree(home.path, tmp_path / "home")
    return Home(tmp_path / "home", home.server)
