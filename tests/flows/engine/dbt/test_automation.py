from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flows.engine.dbt.automation import NAMED, automation_of, freshness_of
from flows.errors import ConfigurationError


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_condition_has_its_name(name: str) -> None:
    condition = automation_of({"automation": name}, place="m.yml")

    assert condition is not None
    assert condition.name == name


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ({"cron": "0 3 1 * *"}, "cron 0 3 1 * *"),
        ({"not": "on_missing"}, "not on_missing"),
        ({"any": ["on_missing", {"cron": "0 3 * * *"}]}, "(on_missing or cron 0 3 * * *)"),
        ({"all": ["eager", {"not": {"any": ["on_missing"]}}]}, "(eager and not on_missing)"),
    ],
)
def test_conditions_combine(declared: object, name: str) -> None:
    condition = automation_of({"automation": declared}, place="m.yml")

    assert condition is not None
    assert condition.name == name


@pytest.mark.parametrize("meta", [{}, {"automation": "none"}, {"automation": None}])
def test_a_model_may_have_none(meta: dict[str, Any]) -> None:
    assert automation_of(meta, place="m.yml") is None
    assert freshness_of(meta, place="m.yml") is None


@pytest.mark.parametrize(
    "declared", ["eagre", {"any": []}, {"cron": 5}, {"cron": "5"}, {"any": ["eager"], "all": ["eager"]}, 3, ["eager"]]
)
def test_what_cannot_be_read_is_refused(declared: object) -> None:
    with pytest.raises(ConfigurationError):
        automation_of({"automation": declared}, place="m.yml")


def test_freshness_is_in_hours() -> None:
    assert freshness_of({"freshness_hours": 1.5}, place="m.yml") == timedelta(minutes=90)


@pytest.mark.parametrize("hours", [0, -1, "26", True])
def test_freshness_that_is_no_number_of_hours_is_refused(hours: object) -> None:
    with pytest.raises(ConfigurationError, match=r"m\.yml"):
        freshness_of({"freshness_hours": hours}, place="m.yml")
