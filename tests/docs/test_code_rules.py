"""Rules of the code that no linter knows, or that a linter lets pass with a remark (RELIABILITY S15)."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

MODULES = sorted(path for package in ("flows", "ml", "expectations") for path in (CHECKOUT / package).rglob("*.py"))
RUNS_WHAT_IT_READS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
PICKLES = {"flows/engine/steps/process.py"}
"""Looks whether an error survives the pipe to its own parent process; reads nothing but what it wrote itself."""
CALLS = {"eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}
FOLDERS = {".ci", "data", "expectations", "flows", "ml", "tests", "transform"}
SQL_REMARK = re.compile(r"#\s*noqa:[^#]*\bS608\b(?P<reason>[^#\n]*)")


def found_in(path: Path) -> set[str]:
    """Modules and calls that run what they are given."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} & RUNS_WHAT_IT_READS
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.partition(".")[0]} & RUNS_WHAT_IT_READS
        elif isinstance(node, ast.Call):
            found |= {ast.unparse(node.func)} & CALLS
            found |= {
                f"{each.arg}=True"
                for each in node.keywords
                if each.arg in {"allow_pickle", "shell"} and ast.unparse(each.value) != "False"
            }
    return found


def test_nothing_that_is_read_is_run() -> None:
    found = {str(path.relative_to(CHECKOUT)): found_in(path) for path in MODULES}

    assert {name: calls for name, calls in found.items() if calls} == {name: {"pickle"} for name in PICKLES}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from joblib import load", "import numpy as np\nnp.load(f, allow_pickle=True)", "eval(text)",
        "import yaml\nyaml.load(text)", "import subprocess\nsubprocess.run(text, shell=True)",
    ],
)  # fmt: skip
def test_the_rule_sees_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(text, encoding="utf-8")

    assert found_in(path)


def test_each_composed_statement_says_why_it_is_safe() -> None:
    silent = [
        f"{path.relative_to(CHECKOUT)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (remark := SQL_REMARK.search(line)) and len(remark["reason"].strip(" -")) < len("checked")
    ]

    assert silent == []


def test_nothing_but_the_seven_folders_is_committed() -> None:
    """What a test or command left in the folder it was started in is easily committed with the rest."""
    git = ["git", "-C", str(CHECKOUT), "ls-files", "--cached", "-z"]
    tracked = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split("\0")

    assert {name.partition("/")[0] for name in tracked if "/" in name} == FOLDERS
