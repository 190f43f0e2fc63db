"""A benchmark that was stopped goes on, and never mixes results of different code, data, packages or settings."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.kept_results import Side, Task, code_version, installed, run_tasks
from tests.benchmarks.stopwatch import Stopwatch

SIDE = """
import json, sys
from pathlib import Path
folder, name = Path(sys.argv[1]), sys.argv[2]
number = int((folder / "numbers.txt").read_text())
if name == "broken":
    sys.exit("no such model")
(folder / f"{name}.csv").write_text(str(number))
with (folder / "asked.txt").open("a") as asked:
    asked.write(name + "\\n")
print(json.dumps({"seconds": 1.0, "cpu_seconds": 0.5, "number": number}))
"""


@pytest.fixture
def side(tmp_path: Path) -> Side:
    script = tmp_path / "side.py"
    script.write_text(SIDE)
    (tmp_path / "numbers.txt").write_text("7")
    command = (sys.executable, str(script))
    return Side(name="side", command=command, code=code_version([script]), packages=("thing==1.0",))


def task(side: Side, name: str) -> Task:
    return Task(side=side, arguments=(name,), inputs=("numbers.txt",), output=f"{name}.csv")


def run(
    folder: Path, *tasks: Task, is_resumed: bool = True, environment: dict[str, str] | None = None
) -> dict[str, dict[str, object]]:
    return run_tasks(tasks, folder, environment=environment or {}, is_resumed=is_resumed)


def asked(folder: Path) -> list[str]:
    return (folder / "asked.txt").read_text().split()


def test_what_was_measured_before_a_failure_is_not_measured_again(tmp_path: Path, side: Side) -> None:
    with pytest.raises(RuntimeError, match="no such model"):
        run(tmp_path, task(side, "first"), task(side, "broken"), task(side, "last"))

    found = run(tmp_path, task(side, "first"), task(side, "last"))

    assert found == {f"side {name}": {"seconds": 1.0, "cpu_seconds": 0.5, "number": 7} for name in ("first", "last")}
    assert asked(tmp_path) == ["first", "last"]


@pytest.mark.parametrize("change", ["code", "packages", "data", "settings", "output", "afresh"])
def test_a_result_is_measured_again_when_anything_it_comes_from_changed(
    tmp_path: Path, side: Side, change: str
) -> None:
    run(tmp_path, task(side, "first"))
    environment: dict[str, str] = {}
    if change == "code":
        side = replace(side, code="other")
    elif change == "packages":
        side = replace(side, packages=("thing==1.1",))
    elif change == "data":
        (tmp_path / "numbers.txt").write_text("8")
    elif change == "settings":
        environment = {"OMP_NUM_THREADS": "1"}
    elif change == "output":
        (tmp_path / "first.csv").unlink()

    run(tmp_path, task(side, "first"), is_resumed=change != "afresh", environment=environment)

    assert asked(tmp_path) == ["first", "first"]


def test_a_kept_result_names_what_it_was_made_from(tmp_path: Path, side: Side) -> None:
    run(tmp_path, task(side, "first"))

    kept = json.loads((tmp_path / "side_first.json").read_text())

    assert kept["identity"]["code"] == side.code
    assert kept["identity"]["packages"] == ["thing==1.0"]
    assert kept["identity"]["command"][-1] == "first"
    assert kept["measured"]["number"] == 7


def test_code_is_told_by_the_text_of_all_its_files(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "model.py").write_text("A = 1\n")
    before = code_version([package])
    (package / "model.py").write_text("A = 2\n")

    assert code_version([package]) != before
    assert code_version([package]) == code_version([package])


def test_versions_are_asked_of_the_interpreter_that_has_them() -> None:
    (pytest_version,) = installed(sys.executable, "pytest")

    assert pytest_version == f"pytest=={pytest.__version__}"
    assert pytest_version in installed(sys.executable)


def test_the_stopwatch_counts_processor_time_of_this_process() -> None:
    stopwatch = Stopwatch()
    sum(number * number for number in range(300_000))

    spent = stopwatch.read()

    assert 0 < spent["cpu_seconds"] <= spent["seconds"] + 1
