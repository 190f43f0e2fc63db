"""The champion goes on when a training fails, and a person may choose another one (RELIABILITY M5, M7)."""

from __future__ import annotations

import os
import pwd
from functools import partial

import pytest

from flows.sources.simulator.storm import deliver_storm_forecast
from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.train import train
from tests.e2e.conftest import complete
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

MODEL, SCORES = "ml/outage_risk_model", "ml/outage_risk_scores"


def champion(home: Home) -> str:
    (version,) = [each["model_version"] for each in home.json("models", "outage_risk") if each["is_champion"]]
    return str(version)


def scored_with(home: Home) -> set[str]:
    return {row["model_version"] for row in home.query("select distinct model_version from ml.outage_risk_scores")}


def test_a_training_that_fails_keeps_the_champion_and_scores_are_published(
    tiny_copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = tiny_copy, champion(tiny_copy)

    def fail(*_: object, **__: object) -> None:
        raise KeyError("a column nobody foresaw")

    monkeypatch.setattr("ml.outage_risk.train.train", fail)
    summary = complete(home.json("run", "--force", MODEL, SCORES))

    assert SCORES in summary["materialized"]
    assert champion(home) == before
    assert scored_with(home) == {before}
    kept = [each for each in home.json("alerts", "list") if each["kind"] == "model_kept"]
    assert [each["subject"] for each in kept if each["subject"].startswith(MODEL)] == [f"{MODEL} training"]
    assert any("KeyError" in each["message"] for each in kept)


def test_a_rollback_is_one_command_that_says_who_and_why(tiny_copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home, first = tiny_copy, champion(tiny_copy)
    patient = partial(train, config=OutageRiskConfig(prior_days=300.0))
    monkeypatch.setattr("ml.outage_risk.train.train", patient)
    deliver_storm_forecast(home.path / "inbox")  # a training on the same would be the same training
    complete(home.json("run", f"+{MODEL}"))
    second = next(each for each in home.json("models", "outage_risk") if each["model_version"] != first)
    promoted, said = home.call("promote", "outage_risk", str(second["version"]), "--reason", "tried by hand")
    assert promoted == 0, said
    complete(home.json("run", SCORES))
    with_second = scored_with(home)

    code, printed = home.call("rollback", "outage_risk", "--reason", "storm list looked wrong")
    complete(home.json("run", SCORES))

    assert code == 0, printed
    assert with_second == {second["model_version"]}
    assert scored_with(home) == {first} == {champion(home)}
    entries = home.query(
        "select canonical::json->>'actor' as actor, canonical::json->'payload'->>'reason' as reason,"
        " canonical::json->'payload'->>'model_version' as model_version from lineage.audit_log"
        " where canonical::json->>'action' = 'model.promoted' order by seq desc limit 1"
    )
    who = pwd.getpwuid(os.getuid()).pw_name
    assert entries == [{"actor": who, "reason": "storm list looked wrong", "model_version": first}]
    assert home.call("audit", "verify")[0] == 0
