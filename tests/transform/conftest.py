"""A dbt project to parse and tiny warehouses to build, made from the two source declarations.

dbt runs in processes of its own (dbt_forks.py): one invocation per process is all its adapter registry allows, and the
tests open the warehouse file themselves afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from flows.engine.dbt.project import COMPILE
from tests.transform.dbt_forks import FORKS

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = CHECKOUT / "transform"
DECLARATIONS = {
    "raw": PROJECT / "models/staging/_raw__sources.yml",
    "ml": PROJECT / "models/reports/_ml__sources.yml",
}


@dataclass(frozen=True)
class Finished:
    """What an invocation of dbt came to.

    Args:
        returncode: 0 when all is well.
        stdout: What it printed.
    """

    returncode: int
    stdout: str


@dataclass(frozen=True)
class Project:
    """The dbt project, run against one warehouse file.

    Args:
        home: Folder of the warehouse, target and logs.
    """

    home: Path

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def target(self) -> Path:
        return self.home / "target"

    def dbt(self, *arguments: str) -> Finished:
        """Run dbt; the caller judges the return code.

        In the home and with a warehouse named without its folder: what dbt has read of the project's files is valid for
        one such name, and copied to another home it saves reading them again (`read_project`).
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GRIDWEAVE_", "DBT_"))}
        code, printed = FORKS.run(
            [
                "--no-use-colors", *arguments,
                "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
                "--target-path", str(self.target), "--log-path", str(self.home / "logs"),
            ],
            folder=self.home,
            environment={**environment, "GRIDWEAVE_WAREHOUSE": self.warehouse.name},
        )  # fmt: skip
        return Finished(code, printed)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the last invocation."""
        content: dict[str, Any] = json.loads((self.target / "manifest.json").read_text())
        return content

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Query the warehouse, in UTC."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()


def make_empty_sources(warehouse: Path) -> None:
    """Make every declared raw and scored relation, empty."""
    with duckdb.connect(str(warehouse)) as connection:
        for schema, path in DECLARATIONS.items():
            connection.execute(f"create schema {schema}")
            for source in yaml.safe_load(path.read_text())["sources"]:
                for table in source["tables"]:
                    columns = ", ".join(f"{column['name']} {column['data_type']}" for column in table["columns"])
                    connection.execute(f"create table {schema}.{table['name']} ({columns})")


@pytest.fixture(scope="session", autouse=True)
def forks_end() -> Iterator[None]:
    """Leave no process behind."""
    yield
    FORKS.end()


@pytest.fixture(scope="session")
def read_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, read and compiled against a warehouse that does not exist."""
    project = Project(tmp_path_factory.mktemp("read"))
    done = project.dbt(*COMPILE)
    assert done.returncode == 0, done.stdout
    return project


@pytest.fixture(scope="session")
def make_project(read_project: Project) -> Callable[[Path], Project]:
    """Make a project in an empty folder, without reading its files again."""

    def make(home: Path) -> Project:
        project = Project(home)
        project.target.mkdir()
        shutil.copy(read_project.target / "partial_parse.msgpack", project.target)
        return project

    return make


@pytest.fixture(scope="session")
def empty_project(make_project: Callable[[Path], Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built over sources that delivered nothing."""
    project = make_project(tmp_path_factory.mktemp("empty"))
    make_empty_sources(project.warehouse)
    built = project.dbt("build", "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout
    return project


@pytest.fixture(scope="session")
def small_project(make_project: Callable[[Path], Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built over a few hundred rows with known defects (small_sources.sql)."""
    project = make_project(tmp_path_factory.mktemp("small"))
    make_empty_sources(project.warehouse)
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute((Path(__file__).parent / "small_sources.sql").read_text())
    built = project.dbt("build", "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout
    return project
