"""A service in trouble is an alert within a minute and an event of the ledger, over when it is over (M1, M2, M3)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from flows.assets.graph import AssetGraph
from flows.delivery.alerts.raising import raise_alerts
from flows.services.report import Trouble
from flows.services.standing import Standing, standings
from flows.settings import Settings
from flows.warehouse.warehouse import open_warehouse
from ml.serving.circuit import Circuit
from ml.serving.metrics import Metrics
from ml.serving.reporter import STAND_IN_SECONDS, Reporter
from ml.serving.served import Holder, ServedModel
from tests.ml.serving.conftest import RunningApi, running
from tests.ml.serving.homes import FAILURE, Trained

Serve = Callable[..., RunningApi]
ALERT_WITHIN_SECONDS = 60.0


def alerts_of(api: RunningApi) -> list[tuple[str, str]]:
    path = api.home.path / "alerts.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(each["subject"], each["state"]) for each in map(json.loads, lines)]


def standing(api: RunningApi) -> Standing:
    (found,) = standings(api.settings.services_dir, now=datetime.now(UTC))
    return found


def await_alert(api: RunningApi, subject: str, state: str) -> float:
    """Wait until people were told; return how long that took, s."""
    begun = time.monotonic()
    while (subject, state) not in alerts_of(api):
        assert time.monotonic() - begun < ALERT_WITHIN_SECONDS, (alerts_of(api), standing(api))
        time.sleep(0.1)
    return time.monotonic() - begun


def ledger_of(api: RunningApi) -> list[tuple[str, str, str]]:
    """Own the warehouse as the next run does; return what it has of troubles then."""
    settings = api.settings
    with open_warehouse(settings.warehouse_path) as warehouse:
        raise_alerts(warehouse, settings, AssetGraph([]), run_id=uuid4(), clock=lambda: datetime.now(UTC))
        rows = warehouse.cursor().execute(
            "select event, facts->>'what', coalesce(facts->>'why', '') from lineage.service_event"
            " where event in ('trouble', 'over') order by occurred_at"
        )
        return [(str(event), str(what), str(why)) for event, what, why in rows.fetchall()]


@pytest.mark.slow
def test_a_registry_that_is_away_is_alerted_within_a_minute_and_in_the_ledger(serve: Serve) -> None:
    api = serve()
    subject = f"api-{api.port} registry"
    database = api.home.path / "mlflow" / "mlflow.db"
    away = database.with_suffix(".away")

    database.rename(away)
    seconds = await_alert(api, subject, "OPEN")
    in_trouble = standing(api)
    away.rename(database)
    await_alert(api, subject, "RESOLVED")

    print(f"alert {seconds:.1f} s after the registry was gone")
    assert in_trouble.condition == "running"
    assert in_trouble.troubles["registry"]["severity"] == "ERROR"
    assert [(event, what) for event, what, _ in ledger_of(api)] == [("trouble", "registry"), ("over", "registry")]


@pytest.mark.slow
def test_a_refused_champion_is_an_event_of_the_audit_chain(serve: Serve, trained: Trained) -> None:
    api = serve()
    second = api.home.register(
        replace(trained.failure, hyperparameters={"a": 1}), logical_version="second", is_champion=False
    )
    path = api.home.artifact(second)
    path.write_bytes(path.read_bytes()[:-100])
    api.home.registry()._client.set_registered_model_alias(FAILURE, "champion", str(second.version))

    api.wait_until(lambda state: bool(state["degraded"]))
    await_alert(api, f"api-{api.port} champion {FAILURE}", "OPEN")
    ((event, what, why),) = ledger_of(api)

    assert (event, what) == ("trouble", f"champion {FAILURE}")
    assert "it was not loaded" in why


@pytest.mark.slow
def test_an_api_that_was_stopped_has_ended_and_is_no_alert(made_home: Path, tmp_path: Path) -> None:
    shutil.copytree(made_home, tmp_path / "home")
    with running(tmp_path / "home") as api:
        condition = standing(api).condition

    assert (condition, standing(api).condition) == ("running", "ended")
    assert alerts_of(api) == []


@pytest.fixture
def watched(tmp_path: Path) -> tuple[Reporter, Metrics, Circuit, list[float]]:
    """A reporter of a service whose model has a circuit, and the clock, which a test moves."""
    metrics, holder, now = Metrics(), Holder(), [0.0]
    circuit = Circuit(now=lambda: now[0])
    model = ServedModel(champion=cast("Any", None), process=cast("Any", SimpleNamespace()), circuit=circuit)
    holder.change(models={FAILURE: model})
    reporter = Reporter(
        Settings(home=tmp_path), holder, metrics, clock=lambda: datetime.now(UTC), monotonic=lambda: now[0]
    )
    return reporter, metrics, circuit, now


def stood_in(metrics: Metrics, now: list[float]) -> None:
    metrics.stood_in(FAILURE, "nan")
    metrics.stood_in_at[FAILURE] = (now[0], "nan")  # the test's clock


def severities(troubles: dict[str, Trouble]) -> dict[str, str]:
    return {name: each.severity for name, each in troubles.items()}


def test_an_answer_by_the_baseline_is_a_trouble_for_a_minute(watched: Any) -> None:
    reporter, metrics, _, now = watched

    before = severities(reporter.troubles())
    stood_in(metrics, now)
    then = severities(reporter.troubles())
    now[0] += STAND_IN_SECONDS

    assert (before, then) == ({}, {f"scoring {FAILURE}": "WARNING"})
    assert reporter.troubles() == {}


def test_an_open_circuit_is_a_trouble_until_the_model_answers(watched: Any) -> None:
    reporter, metrics, circuit, now = watched

    for _ in range(3):
        stood_in(metrics, now)
        circuit.failed()
    opened = severities(reporter.troubles())
    now[0] += 10 * STAND_IN_SECONDS
    still = severities(reporter.troubles())
    circuit.succeeded()

    assert opened == still == {f"scoring {FAILURE}": "ERROR"}
    assert reporter.troubles() == {}
