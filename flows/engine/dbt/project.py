"""dbt in this process: parsing the project and building parts of it.

What lives here: the only calls to dbt. What does not: what its nodes mean as assets (assets.py) and the ledger
entries, which a hook writes in dbt's own transaction (transform/macros/lineage).

Decision: one invocation per batch of adjacent models. One per node costs 3-5 s each in a process of its own and
cannot run side by side in one process (dbt's adapter registry is global).
"""

from __future__ import annotations

import json
import logging
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flows.assets.versions import digest_of
from flows.errors import AssetError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

logger = logging.getLogger(__name__)

COMPILE = ("compile", "--no-introspect", "--no-populate-cache", "--select", "resource_type:model")
PROJECT_FILES = ("*.sql", "*.yml", "*.csv", "*.md")


@dataclass(frozen=True, kw_only=True)
class NodeOutcome:
    """What one dbt node came to.

    Args:
        unique_id: dbt's name for the node.
        resource_type: model, seed, snapshot or test.
        status: success, pass, warn, fail, error or skipped.
        message: dbt's own words.
        seconds: Time it took.
        failing_rows: Rows a test found.
    """

    unique_id: str
    resource_type: str
    status: str
    message: str
    seconds: float
    failing_rows: int | None = None

    @property
    def is_failed(self) -> bool:
        """True for a node that broke or a test that found rows."""
        return self.status in {"error", "fail", "runtime error"}


class DbtError(AssetError):
    """dbt itself failed, before or beside its nodes.

    Args:
        command: What was asked of dbt.
        reason: dbt's own words.
    """

    def __init__(self, *, command: str, reason: str) -> None:
        self.command = command
        self.reason = reason
        super().__init__(
            f"dbt {command} failed: {reason}",
            hint="dbt parse --project-dir transform --profiles-dir transform shows the place",
        )


@dataclass(frozen=True, kw_only=True)
class DbtProject:
    """The dbt project and where it works.

    Args:
        project_dir: Folder of `dbt_project.yml` and `profiles.yml`.
        work_dir: Folder for target, logs and the cached manifest.
        warehouse_path: The DuckDB file.
        threads: Models built side by side.
    """

    project_dir: Path
    work_dir: Path
    warehouse_path: Path
    threads: int = 2

    @cached_property
    def digest(self) -> str:
        """Hash over all files of the project; the cached manifest is named by it."""
        files = sorted(
            path
            for pattern in PROJECT_FILES
            for path in self.project_dir.rglob(pattern)
            if not {"target", "logs"} & set(path.relative_to(self.project_dir).parts)
        )
        parts = [
            part
            for path in files
            for part in (
                str(path.relative_to(self.project_dir)),
                path.read_text(encoding="utf-8"),
            )
        ]
        return digest_of(*parts)[:16]

    @property
    def is_parsed(self) -> bool:
        """True when the manifest of the project's present state is at hand."""
        return self._cached_manifest.exists()

    @property
    def _cached_manifest(self) -> Path:
        return self.work_dir / f"compiled-{self.digest}.json"

    @property
    def columns_path(self) -> Path:
        """File that keeps the column lineage of the models."""
        return self.work_dir / "columns.json"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Dbt's manifest with compiled SQL.

        Made once per state of the project, so a run with nothing to do never imports dbt. Compiling without
        introspection never opens the warehouse and costs a second on top of parsing.
        """
        cached = self._cached_manifest
        if not self.is_parsed:
            self._invoke(list(COMPILE), manifest=self._parsed)
            self.work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            for older in (*self.work_dir.glob("compiled-*.json"), *self.work_dir.glob("manifest-*.json")):
                older.unlink()
            partial = cached.with_suffix(".partial")
            partial.write_bytes((self.work_dir / "target" / "manifest.json").read_bytes())
            partial.replace(cached)
        manifest: dict[str, Any] = json.loads(cached.read_text(encoding="utf-8"))
        return manifest

    def build(
        self,
        node_names: Sequence[str],
        *,
        run_id: UUID,
        on_node: Callable[[NodeOutcome], None] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> tuple[NodeOutcome, ...]:
        """Build exactly these nodes and run exactly these tests, in dbt's order.

        Args:
            node_names: Names of models, seeds, snapshots and tests.
            run_id: Run the ledger entries belong to.
            on_node: Called as each node finishes, from a thread of dbt's.
            variables: dbt variables, already validated: dbt pastes them verbatim into SQL.

        Returns:
            An outcome per node, also for those dbt skipped because something before them failed.

        Raises:
            DbtError: dbt could not do its work at all.
        """
        arguments = [
            "build",
            "--select",
            *node_names,
            "--indirect-selection",
            "empty",
            "--exclude-resource-type",
            "unit_test",
            *(["--vars", json.dumps(variables)] if variables else []),
            "--no-write-json",  # the outcome goes to the ledger; half a second for files nobody reads
        ]
        result = self._invoke(arguments, manifest=self._parsed, run_id=run_id, on_node=on_node)
        hooks = [each for each in result.results if each.node.resource_type == "operation" and each.status == "error"]
        if hooks:  # before or after all nodes; dbt goes on as if it were nothing
            raise DbtError(command="build", reason=f"hook {hooks[0].node.name}: {hooks[0].message}")
        return tuple(_outcome(each) for each in result.results)

    @property
    def _parsed(self) -> Any:  # noqa: ANN401 - dbt is untyped
        """The project as dbt has read it, once per process and state of its files."""
        # each invocation would read it again, and with other variables (the partitions of a batch) or another
        # warehouse every file anew; relations are named after the warehouse's file, not after its folder
        state = (self.project_dir, self.digest, self.warehouse_path.stem)
        with _only_one_reads:
            if state not in _read:
                _read.clear()  # a process works on one project; the last state of it is enough
                _read[state] = self._invoke(["parse", "--no-write-json"], manifest=None)
            return _read[state]

    def _invoke(
        self,
        arguments: list[str],
        *,
        manifest: Any,  # noqa: ANN401 - dbt is untyped
        run_id: UUID | None = None,
        on_node: Callable[[NodeOutcome], None] | None = None,
    ) -> Any:  # noqa: ANN401 - dbt is untyped
        from dbt.cli.main import dbtRunner

        if not (self.project_dir / "dbt_project.yml").exists():
            raise ConfigurationError(
                f"No dbt project in {self.project_dir}.",
                hint="set GRIDWEAVE_TRANSFORM_DIR or run from the checkout",
            )
        places = [
            "--project-dir", str(self.project_dir),
            "--profiles-dir", str(self.project_dir),
            "--target-path", str(self.work_dir / "target"),
            "--log-path", str(self.work_dir / "logs"),
            "--log-level", "none", "--log-level-file", "info", "--no-use-colors",
        ]  # fmt: skip
        callbacks = [_node_callback(on_node)] if on_node else []
        with self._environment(run_id), _only_one_at_a_time:
            answer = dbtRunner(manifest=manifest, callbacks=callbacks).invoke([*arguments, *places])
            _release_connections()
        if answer.exception is not None and not isinstance(answer.exception, Exception):
            raise answer.exception  # Ctrl-C, which dbt takes for an answer
        if answer.result is None:
            raise DbtError(command=arguments[0], reason=str(answer.exception or "no result"))
        return answer.result

    @contextmanager
    def _environment(self, run_id: UUID | None) -> Iterator[None]:
        """Set what profiles.yml and the lineage hooks read; dbt takes these from the environment only."""
        wanted = {
            "GRIDWEAVE_WAREHOUSE": str(self.warehouse_path),
            "GRIDWEAVE_DBT_THREADS": str(self.threads),
            "DO_NOT_TRACK": "1",
        }
        if run_id is not None:
            wanted["GRIDWEAVE_RUN_ID"] = str(run_id)
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


_only_one_at_a_time = threading.Lock()
_only_one_reads = threading.Lock()
_read: dict[tuple[Path, str, str], Any] = {}
"""What dbt made of a project's files, by folder, hash of the files and name of the database."""


def _node_callback(on_node: Callable[[NodeOutcome], None]) -> Callable[[Any], None]:
    """Translate dbt's NodeFinished events."""

    def callback(event: Any) -> None:  # noqa: ANN401 - dbt is untyped
        if event.info.name != "NodeFinished":
            return
        node, run_result = event.data.node_info, event.data.run_result
        on_node(
            NodeOutcome(
                unique_id=node.unique_id,
                resource_type=node.resource_type,
                status=node.node_status,
                message=run_result.message,
                seconds=float(run_result.execution_time),
            )
        )

    return callback


def _outcome(result: Any) -> NodeOutcome:  # noqa: ANN401 - dbt is untyped
    return NodeOutcome(
        unique_id=str(result.node.unique_id),
        resource_type=str(result.node.resource_type.value),
        status=str(result.status.value if hasattr(result.status, "value") else result.status),
        message=str(result.message or ""),
        seconds=float(result.execution_time or 0.0),
        failing_rows=result.failures,
    )


def _release_connections() -> None:
    """Close dbt-duckdb's connection, which otherwise keeps the file open in this process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def told_node_by_node(names: Mapping[str, str], tell: Callable[[str], None]) -> Callable[[NodeOutcome], None]:
    """Return what tells a person of each model as it is built.

    Args:
        names: Asset key by dbt's unique id, of those that are built.
        tell: Told in words.
    """
    done = 0

    def report(outcome: NodeOutcome) -> None:
        nonlocal done
        if outcome.unique_id in names:
            done += 1
            tell(f"dbt {done}/{len(names)} {names[outcome.unique_id]} {outcome.seconds:.1f} s")

    return report
