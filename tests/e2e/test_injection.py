"""Text from the command line stays text (RELIABILITY S2): SQL, paths and YAML in every argument change nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli.main import app
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

TEXTS = (
    "marts/dim_feeders'; drop table marts.dim_feeders; --",
    "1) or 1=1; attach '/tmp/canary.duckdb' as canary; --",
    "../../../../tmp/canary",
)
COMMANDS: dict[str, tuple[str, ...]] = {
    "plan": ("plan", "{}"),
    "plan partition": ("plan", "marts/dim_feeders", "--partition", "{}"),
    "run": ("run", "{}"),
    "run partition": ("run", "marts/dim_feeders", "--partition", "{}"),
    "run resume": ("run", "--resume", "{}"),
    "backfill": ("backfill", "{}", "--from", "2026-01-01", "--to", "2026-01-02"),
    "backfill from": ("backfill", "marts/dim_feeders", "--from", "{}", "--to", "2026-01-02"),
    "assets": ("assets", "{}"),
    "lineage": ("lineage", "{}"),
    "lineage as of": ("lineage", "marts/dim_feeders", "--as-of", "{}"),
    "why": ("why", "marts/dim_feeders", "--where", "{}"),
    "why key": ("why", "{}", "--where", "true"),
    "reproduce": ("reproduce", "{}"),
    "evaluate": ("evaluate", "{}"),
    "evaluate from": ("evaluate", "load_forecast", "--from", "{}"),
    "models": ("models", "{}"),
    "promote": ("promote", "{}", "1", "--reason", "x"),
    "rollback": ("rollback", "{}", "--reason", "a test"),
    "ingest": ("ingest", "--source", "{}"),
    "loads": ("loads", "--accept", "{}", "--reason", "x"),
    "audit query": ("audit", "query", "{}"),
    "audit parameter": ("audit", "query", "upstream", "materialization_id={}"),
    "audit sql": ("audit", "sql", "{}"),
    "outbox show": ("outbox", "show", "{}"),
    "outbox list": ("outbox", "list", "--target", "{}"),
    "outbox approve": ("outbox", "approve", "{}"),
    "outbox drop": ("outbox", "drop", "{}", "--reason", "x"),
    "outbox retry": ("outbox", "retry", "{}"),
    "alerts": ("alerts", "resolve", "{}", "--note", "x"),
    "alerts acknowledge": ("alerts", "acknowledge", "{}", "--note", "x"),
    "audit export": ("audit", "export", "--period", "{}", "--out", "never-written"),
    "keys add": ("keys", "add", "name", "--scope", "{}"),
    "keys revoke": ("keys", "revoke", "{}"),
    "quality propose": ("quality", "propose", "{}"),
}


ELSEWHERE = {
    "backup": "the folder is the operator's to choose: test_backup.py",
    "restore": "as backup",
    "rebuild": "as backup",
    "deploy": "starts a process: tests/flows/pipelines",
    "api": "starts a process: tests/ml/serving/test_server.py",
    "stream": "starts a process: tests/ml/streaming",
}


def texts_of(group: typer.Typer, *names: str) -> Iterator[str]:
    """Commands that take text."""
    for command in group.registered_commands:
        callback = command.callback
        assert callback is not None
        name = command.name or callback.__name__.replace("_", "-")
        annotations = (str(each.annotation) for each in inspect.signature(callback).parameters.values())
        if any("str" in each or "Path" in each for each in annotations):
            yield " ".join((*names, name))
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from texts_of(below.typer_instance, *names, str(below.name or below.typer_instance.info.name))


def test_no_command_that_takes_text_is_forgotten() -> None:
    taking = set(texts_of(app))
    tried = {name for name in taking for words in COMMANDS.values() if " ".join(words).startswith(name)}

    assert taking - tried == ELSEWHERE.keys()


@pytest.fixture(scope="module")
def untouched(tiny: tuple[Home, dict[str, Any]]) -> Iterator[Home]:
    """The tiny utility, whose tables are the same after all commands; hashing them for each would take minutes."""
    home, _ = tiny
    before = home.table_hashes()
    yield home
    assert home.table_hashes() == before
    assert home.json("audit", "verify", "--data")["data_ok"]


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_typed_is_no_statement_and_no_path(name: str, untouched: Home) -> None:
    before = files(untouched.path)

    answers = {text: untouched.call(*(part.format(text) for part in COMMANDS[name])) for text in TEXTS}

    assert files(untouched.path) == before
    assert not list(Path("/tmp").glob("canary*"))  # noqa: S108 - the place the texts name
    assert {code for code, _ in answers.values()} <= ({0} if name == "outbox list" else {1, 2}), answers


def files(folder: Path) -> set[str]:
    """Names below a home, without what reading the project, a failed flow run and a look at the keys leave."""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    locks = {"lake/.staging", "serving", "serving/keys.json.lock"}
    return {name for name in names - locks if not name.startswith(("dbt/", "prefect/"))}
