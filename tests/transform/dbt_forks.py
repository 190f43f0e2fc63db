"""dbt in forks of one process that has imported it, because its imports cost five seconds in every process anew.

What lives here: that process (`python -m tests.transform.dbt_forks`) and how to ask it. What does not: which projects
are built (conftest.py). A fork is a process of its own, as dbt's adapter registry wants for each invocation; the
process it is forked from opens no project, no warehouse and no thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class DbtForks:
    """Runs dbt, one invocation after the other."""

    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def run(self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
        """Run dbt in a folder; return exit code and what it printed."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[2],
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        printed = folder / "dbt_printed"
        order = {"arguments": arguments, "folder": str(folder), "environment": environment, "printed": str(printed)}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()), printed.read_text(encoding="utf-8")

    def end(self) -> None:
        """Stop the process, if there is one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


FORKS = DbtForks()
"""Of this test process."""


def _serve() -> None:
    """Fork for each order that comes; answer with its exit code."""
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401 - imported to be there

    assert threading.active_count() == 1, f"threads do not live on in a fork: {threading.enumerate()}"
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _be_dbt(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_dbt(*, arguments: list[str], folder: str, environment: dict[str, str], printed: str) -> None:
    """Be the dbt command line; no return."""
    from dbt.cli.main import cli

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with Path(printed).open("w", encoding="utf-8") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    sys.argv = ["dbt", *arguments]
    cli()


if __name__ == "__main__":
    _serve()
