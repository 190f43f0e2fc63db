"""The mini project in a temporary home, run in this process with plain threads."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flows.engine.dbt.project import DbtProject
from flows.engine.pipeline import Pipeline
from flows.engine.steps.jobs import ThreadRunner
from flows.engine.summary import RunSummary
from flows.settings import Settings
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import CHECKOUT
from tests.e2e.mini.project import build_graph

MINI = Path(__file__).parent
NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
MACROS = ("lineage", "generate_schema_name.sql")
SHARED = "MINI_PROJECT"
"""Environment variable with the folder of the read project."""


@cache
def read_project() -> DbtProject:
    """The project with the lineage hooks of the real one, and what is made of its files: once per process.

    A home that reads them anew takes two seconds. Processes begun by this one find the same folder.
    """
    if SHARED not in os.environ:
        made = tempfile.mkdtemp(prefix="gridweave-mini-")
        atexit.register(shutil.rmtree, made)
        os.environ[SHARED] = made
        shutil.copytree(MINI / "transform", Path(made, "transform"))
        for name in MACROS:
            source, target = CHECKOUT / "transform" / "macros" / name, Path(made, "transform", "macros", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    folder = Path(os.environ[SHARED])
    project = DbtProject(
        project_dir=folder / "transform", work_dir=folder / "dbt", warehouse_path=folder / "warehouse.duckdb"
    )
    build_graph(project)
    return project


@dataclass
class MiniHome:
    """One installation of the mini project.

    Args:
        path: Its home.
    """

    path: Path

    @classmethod
    def make(cls, path: Path) -> MiniHome:
        """Begin a home, with the project as it is."""
        project = read_project()
        (path / "sources").mkdir(parents=True)
        shutil.copytree(project.work_dir, path / "dbt")
        (path / "transform").symlink_to(project.project_dir)
        return cls(path)

    def own_project(self) -> Path:
        """Give the home a project of its own, which may be changed; return its folder."""
        folder = self.project_dir
        (self.path / "transform").unlink()
        return Path(shutil.copytree(folder, self.path / "transform"))

    def copy_to(self, path: Path) -> MiniHome:
        """Copy the home; not before its model registry is there, which a run may still be making when it has ended."""
        self.pipeline.registry()
        shutil.copytree(self.path, path, ignore=shutil.ignore_patterns("transform"))
        (path / "transform").symlink_to(self.project_dir)
        return MiniHome(path)

    @property
    def project_dir(self) -> Path:
        """Folder of the dbt project; that of other homes as well, unless it was changed."""
        return (self.path / "transform").resolve()

    @property
    def snapshot(self) -> Path:
        """What is published."""
        return self.path / "published" / "current.duckdb"

    @property
    def pipeline(self) -> Pipeline:
        """A pipeline as the command line would make one, but with threads and a clock that stands still."""
        settings = Settings(home=self.path, sources_dir=self.path / "sources", transform_dir=self.project_dir)
        return Pipeline(
            settings=settings,
            build_graph=build_graph,
            clock=lambda: NOW,
            make_runner=lambda limits: ThreadRunner(limits=limits),
        )

    def run(self, *expressions: str, **options: Any) -> RunSummary:
        """Run in this process."""
        return self.pipeline.run(expressions, **options)

    def tell(self, **behaviour: Any) -> None:
        """Make steps misbehave from now on; nothing makes them behave."""
        (self.path / "behaviour.json").write_text(
            json.dumps({key.replace("_", " "): each for key, each in behaviour.items()})
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with open_warehouse(self.path / "warehouse.duckdb") as warehouse:
            return warehouse.cursor().execute(statement).fetchall()
