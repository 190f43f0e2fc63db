"""What is deployed: by module path, with the version of the code, the same here and in prefect.yaml."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint

from flows.lineage.environment import current_environment
from flows.pipelines.deployments import LOOKS, code_version, crons, deployments
from flows.settings import Settings
from tests.conftest import CHECKOUT

PREFECT_FILE = CHECKOUT / "flows" / "pipelines" / "prefect.yaml"


@pytest.fixture(scope="module")
def described() -> dict[str, RunnerDeployment]:
    settings = Settings()
    return deployments(settings, settings.daily_cron)


@pytest.fixture(scope="module")
def pooled() -> dict[str, dict[str, Any]]:
    """What prefect.yaml deploys, by name."""
    document = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))
    return {each["name"]: each for each in document["deployments"]}


def test_every_deployment_is_loaded_by_its_module_path(described: dict[str, RunnerDeployment]) -> None:
    for name, each in described.items():
        assert each.entrypoint is not None
        assert not each.entrypoint.endswith(".py")
        assert load_flow_from_entrypoint(each.entrypoint).name == name


def test_the_version_is_the_commit_and_says_when_files_differ_from_it(described: dict[str, RunnerDeployment]) -> None:
    environment = current_environment()

    assert {each.version for each in described.values()} == {code_version()}
    assert environment.git_commit is None or code_version().startswith(environment.git_commit[:12])
    assert code_version().endswith("+changes") == bool(environment.is_git_dirty)


def test_an_empty_schedule_is_never_due() -> None:
    settings = Settings(hourly_cron="", retrain_cron="")

    found = deployments(settings, settings.daily_cron)

    assert crons(settings, "1 2 * * *") == {"daily": "1 2 * * *", "automation": "* * * * *", "deliver": "* * * * *"}
    assert {name for name, each in found.items() if each.schedules} == {"daily", "automation", "deliver"}


def test_schedules_are_in_the_configured_time_zone() -> None:
    settings = Settings(schedule_time_zone="America/New_York")

    found = deployments(settings, settings.daily_cron)

    zones = {each.schedule.timezone for one in found.values() for each in one.schedules or []}  # type: ignore[union-attr] # crons all
    assert zones == {"America/New_York"}


def test_the_prefect_file_deploys_the_same(
    described: dict[str, RunnerDeployment], pooled: dict[str, dict[str, Any]]
) -> None:
    settings = Settings()

    assert pooled.keys() == described.keys()
    assert {name: each["entrypoint"] for name, each in pooled.items()} == {
        name: each.entrypoint for name, each in described.items()
    }
    assert {name: each["schedules"][0] for name, each in pooled.items() if each["schedules"]} == {
        name: {"cron": cron, "timezone": settings.schedule_time_zone}
        for name, cron in crons(settings, settings.daily_cron).items()
    }
    assert {
        name for name, each in pooled.items() if each["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"
    } == LOOKS
    assert {each["concurrency_limit"]["limit"] for each in pooled.values()} == {1}
