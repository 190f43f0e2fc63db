"""`gridweave doctor`: each thing that keeps runs from working is named, with what to do, and hides no other."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.lineage.audit.keys import open_signer
from flows.pipelines import doctor
from flows.pipelines.doctor import Finding, examine
from flows.settings import Settings, get_settings
from flows.warehouse.lock import owner_lock
from flows.warehouse.publish import publish_ledger
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import free_port

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Settings(home=home, prefect_port=free_port())


def found(settings: Settings, *, now: datetime = NOW) -> dict[str, Finding]:
    return {each.subject: each for each in examine(settings, now=now)}


def wrong(findings: dict[str, Finding]) -> set[str]:
    return {subject for subject, each in findings.items() if each.verdict == "wrong"}


def test_a_new_installation_is_sound_and_says_what_comes_first(settings: Settings) -> None:
    findings = found(settings)

    assert wrong(findings) == set()
    assert findings["warehouse"].hint == "gridweave run makes it"
    assert findings["packages"].verdict == "ok"


def test_what_a_run_made_is_opened(settings: Settings) -> None:
    with open_warehouse(settings.warehouse_path) as warehouse:
        publish_ledger(warehouse.cursor(), folder=settings.published_dir)
    open_signer(settings.audit_dir)

    findings = found(settings)

    assert [findings[each].verdict for each in ("warehouse", "published state", "audit key")] == ["ok"] * 3
    assert "nobody works with it" in findings["warehouse"].found


def test_a_warehouse_somebody_works_with_is_left_alone(settings: Settings) -> None:
    settings.warehouse_path.write_bytes(b"not looked at")

    with owner_lock(settings.warehouse_path):
        findings = found(settings)

    assert findings["warehouse"].verdict == "ok"
    assert "works with it" in findings["warehouse"].found


def test_several_things_that_are_wrong_are_all_named(settings: Settings, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(settings.sources_dir, sources)
    next(iter(sorted(sources.glob("*.yml")))).write_text("tables: [", encoding="utf-8")
    settings.warehouse_path.write_bytes(b"no database" * 1000)
    (settings.home / "lake").mkdir()
    (settings.home / "lake").chmod(0o777)

    findings = found(settings.model_copy(update={"sources_dir": sources}))

    assert wrong(findings) == {"home", "warehouse", "sources"}
    assert "lake" in findings["home"].found
    assert "gridweave rebuild" in findings["warehouse"].hint
    assert all(findings[each].hint for each in wrong(findings))


def test_a_clock_that_went_back_is_named(settings: Settings) -> None:
    with open_warehouse(settings.warehouse_path) as warehouse:
        warehouse.cursor().execute(
            "insert into lineage.run (run_id, root_run_id, job_namespace, job_name, run_kind, trigger, started_at,"
            " status, parameters, parameters_hash, environment_id)"
            " values (md5('1'), md5('1'), 'gridweave', 'run', 'flow', 'manual', ?, 'COMPLETE', '{}', '', '')",
            [NOW + timedelta(hours=1)],
        )
        publish_ledger(warehouse.cursor(), folder=settings.published_dir)

    findings = found(settings)

    assert wrong(findings) == {"published state"}
    assert "2026-03-01 07:00" in findings["published state"].found
    assert wrong(found(settings, now=NOW + timedelta(hours=2))) == set()


def test_packages_other_than_locked_are_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("duckdb==0.0.1 \\\n    --hash=sha256:00\nno-such-package==2.0\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "LOCK_FILE", lock)

    packages = found(settings)["packages"]

    assert packages.verdict == "wrong"
    assert "2 of 2 differ" in packages.found
    assert "no-such-package missing, not 2.0" in packages.found


@pytest.mark.parametrize("pid", [4_194_305, os.getpid()], ids=["above the largest pid Linux gives", "another's now"])
def test_a_process_that_started_runs_and_is_gone_is_named(settings: Settings, pid: int) -> None:
    ready = settings.home / "prefect" / "schedules.ready"
    ready.parent.mkdir()
    ready.write_text(f"{pid}\n", encoding="utf-8")

    schedules = found(settings)["schedules"]

    assert (schedules.verdict, schedules.hint) == ("wrong", "gridweave up")


def test_the_command_ends_with_1_when_something_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWEAVE_HOME", str(settings.home))
    monkeypatch.setenv("GRIDWEAVE_PREFECT_PORT", str(settings.prefect_port))
    get_settings.cache_clear()
    sound = CliRunner().invoke(app, ["doctor"])
    settings.home.chmod(0o777)
    unsound = CliRunner().invoke(app, ["doctor"])
    get_settings.cache_clear()
    monkeypatch.setenv("GRIDWEAVE_DBT_THREADS", "many")
    without_settings = CliRunner().invoke(app, ["doctor", "--json"])
    get_settings.cache_clear()

    assert [each.exit_code for each in (sound, unsound, without_settings)] == [0, 1, 1]
    assert "chmod -R go-rwx" in unsound.output
    assert "dbt_threads" in without_settings.output
