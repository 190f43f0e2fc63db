"""A gridweave home for end-to-end tests: commands in this process or in their own, and what they left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.engine.prefect.server import PrefectServer
from flows.settings import get_settings
from flows.warehouse.content import VOLATILE_COLUMNS


@dataclass(frozen=True)
class Home:
    """One installation's data.

    Args:
        path: `GRIDWEAVE_HOME`.
        server: The session's Prefect server.
    """

    path: Path
    server: PrefectServer

    @property
    def environment(self) -> dict[str, str]:
        """Settings of this home as environment variables."""
        return {
            "GRIDWEAVE_HOME": str(self.path),
            "GRIDWEAVE_PREFECT_PORT": str(self.server.port),
            "GRIDWEAVE_PREFECT_SHARED": str(self.server.home != self.path).lower(),
        }

    @property
    def snapshot(self) -> Path:
        """The published snapshot."""
        return self.path / "published" / "current.duckdb"

    def call(self, *arguments: str) -> tuple[int, str]:
        """Run a command in this process; return exit code and standard output."""
        from typer.testing import CliRunner

        from flows.cli.main import app
        from flows.errors import GridweaveError

        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            get_settings.cache_clear()
            result = CliRunner().invoke(app, list(arguments))
        get_settings.cache_clear()
        if isinstance(result.exception, GridweaveError):
            return result.exception.exit_code, result.exception.message
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json` in this process; return what it printed."""
        code, printed = self.call(*arguments, "--json")
        assert printed[:1] in {"{", "["}, f"{arguments} ended with {code} and printed no JSON: {printed[:2000]}"
        return json.loads(printed)

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Ask the published state."""
        rows: list[dict[str, Any]] = self.json("audit", "sql", statement)
        return rows

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own, progress on standard error."""
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
        )

    def table_hashes(self, database: Path | None = None) -> dict[str, tuple[int, int]]:
        """Hash every table of the snapshot, or of another file, without its wall-clock and run columns."""
        with duckdb.connect(str(database or self.snapshot), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where schema_name not in ('main', 'lineage')"
            ).fetchall()
            return {f"{schema}/{name}": self._hash(connection, schema, name) for schema, name in sorted(tables)}

    @staticmethod
    def _hash(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> tuple[int, int]:
        columns = connection.execute(
            "select column_name from duckdb_columns() where schema_name = ? and table_name = ? order by column_index",
            [schema, name],
        ).fetchall()
        counted = ", ".join(f'"{column}"' for (column,) in columns if column not in VOLATILE_COLUMNS)
        row = connection.execute(
            f'select count(*), coalesce(sum(hash({counted})), 0) from "{schema}"."{name}"'
        ).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])
