"""While deployments are served, somebody looks after the server and the services, and says how the serving ended."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.errors import GridweaveError
from flows.pipelines import watching
from flows.pipelines.watching import Watch
from flows.services.report import ServiceReport, ServiceRunningError
from flows.services.standing import Standing, standings
from flows.settings import Settings

WAIT_SECONDS = 30.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what a look after the server finds; nothing at first."""
    finding: list[str | GridweaveError] = [""]

    class Keeper:
        def __init__(self, _: object) -> None: ...

        def look(self) -> str:
            if isinstance(finding[0], GridweaveError):
                raise finding[0]
            return finding[0]

    def find(what: str | GridweaveError) -> None:
        finding[0] = what

    monkeypatch.setattr(watching, "ServerKeeper", Keeper)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watching, "PAUSE_SECONDS", 0.05)
    return find


def standing(settings: Settings) -> Standing:
    return next(each for each in standings(settings.services_dir, now=datetime.now(UTC)) if each.service == "schedules")


def await_told(settings: Settings, *expected: tuple[str, str]) -> None:
    path = settings.home / "alerts.jsonl"
    limit = threading.Event()
    for _ in range(int(WAIT_SECONDS / 0.05)):
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        told = [(each["subject"], each["state"]) for each in map(json.loads, lines)]
        if told == [*expected]:
            return
        limit.wait(0.05)
    raise AssertionError(told)


def test_a_server_in_trouble_is_told_and_told_again_when_it_answers(
    settings: Settings, found: Callable[..., None]
) -> None:
    subject = "schedules Prefect server"
    with Watch(settings, give_up=lambda: None):
        found("it is started again")
        await_told(settings, (subject, "OPEN"))
        found("")
        await_told(settings, (subject, "OPEN"), (subject, "RESOLVED"))

    assert standing(settings).condition == "ended"


def test_a_run_that_failed_before_it_was_in_the_ledger_is_told_until_one_completes(
    settings: Settings, found: Callable[..., None]
) -> None:
    found("")
    with Watch(settings, give_up=lambda: None) as watch:
        watch.failed_runs = {"daily": "blue-bat: the warehouse was busy for an hour"}
        await_told(settings, ("schedules daily run", "OPEN"))
        watch.failed_runs = {}
        await_told(settings, ("schedules daily run", "OPEN"), ("schedules daily run", "RESOLVED"))


def test_another_service_that_is_dead_is_told(settings: Settings, found: Callable[..., None]) -> None:
    api = ServiceReport(settings.services_dir, "api-8321", title="scoring API")
    api.begin()
    api._held.close()  # as when its process is killed
    found("")

    with Watch(settings, give_up=lambda: None):
        await_told(settings, ("api-8321", "OPEN"))


def test_a_server_that_cannot_be_had_back_ends_the_serving_with_its_error(
    settings: Settings, found: Callable[..., None]
) -> None:
    given_up = threading.Event()

    def serve() -> None:
        with Watch(settings, give_up=given_up.set):
            found(GridweaveError("it ended again and again", hint="read the log"))
            assert given_up.wait(WAIT_SECONDS)

    with pytest.raises(GridweaveError, match="again and again"):
        serve()

    assert (standing(settings).condition, standing(settings).error) == ("failed", "it ended again and again")


@pytest.mark.parametrize(
    ("error", "condition"), [(None, "ended"), (KeyboardInterrupt(), "ended"), (RuntimeError("lost"), "failed")]
)
def test_what_somebody_ends_has_ended_and_what_an_error_ends_has_failed(
    settings: Settings, found: Callable[..., None], error: BaseException | None, condition: str
) -> None:
    found("")
    with suppress(KeyboardInterrupt, RuntimeError), Watch(settings, give_up=lambda: None):
        if error is not None:
            raise error

    assert standing(settings).condition == condition


def test_a_second_process_is_refused(settings: Settings, found: Callable[..., None]) -> None:
    found("")
    with (
        Watch(settings, give_up=lambda: None),
        pytest.raises(ServiceRunningError),
        Watch(settings, give_up=lambda: None),
    ):
        pass
