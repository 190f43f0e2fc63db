"""Homes that several end-to-end tests look at; made once because a run takes a minute."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.engine.prefect.server import PrefectServer
from flows.sources.simulator.simulation import simulate
from tests.conftest import CHECKOUT
from tests.e2e.homes import Home

MadeOnce = Callable[[str, Callable[[Path], None]], Path]

# Every asset has rows and every model is trained (one transformer of seed 13 fails); too small to judge a model on.
# A capture of the control network has 50,000 rows and the simulator hands over four of them: two are enough.
TINY_DAYS, TINY_FEEDERS, TINY_TRANSFORMERS, TINY_SEED, TINY_CAPTURES = 45, 2, 12, 13, 2


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
def with_read_project(made_once: MadeOnce) -> Callable[[Path], Path]:
    """Let a home begin with what is made of the dbt project's files: each that reads them anew takes twenty seconds."""

    def fill(folder: Path) -> None:
        from flows.definitions import build_graph  # with all models; other tests are collected without them
        from flows.engine.dbt.project import DbtProject

        build_graph(
            DbtProject(
                project_dir=CHECKOUT / "transform",
                work_dir=folder / "dbt",
                warehouse_path=folder / "warehouse.duckdb",
            )
        )

    def begin(home: Path) -> Path:
        shutil.copytree(made_once("read_project", fill) / "dbt", home / "dbt")
        return home

    return begin


@pytest.fixture(scope="session")
def demo(
    prefect_server: PrefectServer,
    tmp_path_factory: pytest.TempPathFactory,
    with_read_project: Callable[[Path], Path],
) -> tuple[Home, dict[str, Any]]:
    """The simulated utility of `make demo` after its first run, with that run's summary."""
    home = Home(with_read_project(tmp_path_factory.mktemp("demo")), prefect_server)
    code, _ = home.call("simulate")
    assert code == 0
    summary = complete(home.json("run"))
    return home, summary


@pytest.fixture(scope="session")
def tiny_inbox(made_once: MadeOnce) -> Path:
    """The inbox of a tiny simulated utility."""

    def fill(folder: Path) -> None:
        simulate(
            days=TINY_DAYS,
            feeders=TINY_FEEDERS,
            transformers=TINY_TRANSFORMERS,
            seed=TINY_SEED,
            dirt=0.3,
            output_dir=folder / "inbox",
            truth_dir=folder / "truth",
        )
        for capture in sorted((folder / "inbox" / "simulator_scada_traffic").iterdir())[TINY_CAPTURES:]:
            capture.unlink()

    return made_once("tiny_inbox", fill) / "inbox"


@pytest.fixture(scope="session")
def made_tiny(
    prefect_server: PrefectServer,
    tiny_inbox: Path,
    made_once: MadeOnce,
    with_read_project: Callable[[Path], Path],
) -> Path:
    """Folder with the tiny utility after one undisturbed run, and that run's summary; made once for all processes."""

    def fill(folder: Path) -> None:
        home = Home(with_read_project(folder / "home"), prefect_server)
        shutil.copytree(tiny_inbox, home.path / "inbox")
        summary = complete(home.json("run"))
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")

    return made_once("tiny", fill)


@pytest.fixture(scope="session")
def tiny(
    made_tiny: Path, prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, dict[str, Any]]:
    """This process's tiny utility after one undisturbed run, with that run's summary. Tests never change it."""
    home = Home(tmp_path_factory.mktemp("tiny") / "home", prefect_server)
    shutil.copytree(made_tiny / "home", home.path)
    return home, json.loads((made_tiny / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture
def tiny_copy(made_tiny: Path, prefect_server: PrefectServer, tmp_path: Path) -> Home:
    """A copy of the tiny utility that a test may change."""
    shutil.copytree(made_tiny / "home", tmp_path / "home")
    return Home(tmp_path / "home", prefect_server)
