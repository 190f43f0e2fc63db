"""A served home, and a real server on a loopback port in a thread of the test process."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import uvicorn

from flows.settings import Settings
from ml.serving.keys import SCOPES, KeyStore
from ml.serving.server import make_config
from tests.conftest import free_port
from tests.ml.outage_risk.conftest import Inputs, make_inputs
from tests.ml.serving.homes import ServedHome, Trained, make_home, train_both

__all__ = ["make_inputs"]

WATCH_SECONDS = 0.2
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class RunningApi:
    """A server that answers.

    Args:
        home: What it serves.
        port: Where.
        key: A key with all scopes.
    """

    home: ServedHome
    port: int
    key: str
    settings: Settings = field(repr=False)

    def client(self, key: str | None = None, **named: Any) -> httpx.Client:
        headers = {} if key == "" else {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=60, **named)

    def wait_until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask /ready until it is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        with self.client("") as client:
            while time.monotonic() < end:
                state: dict[str, Any] = client.get("/ready").json()
                if is_so(state):
                    return state
                time.sleep(WATCH_SECONDS / 2)
        raise AssertionError(f"it never came about; last: {state}")

    def events(self) -> str:
        path = self.settings.serving_dir / "events.jsonl"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@contextmanager
def running(home: Path, **settings: Any) -> Iterator[RunningApi]:
    """Serve a home in a thread, on a real socket."""
    limits = {"api_watch_seconds": WATCH_SECONDS, "api_requests_per_second": 100_000, **settings}
    chosen = Settings(home=home, api_port=free_port(), **limits)
    key = KeyStore(chosen.serving_dir).add(f"test {time.time_ns()}", scopes=SCOPES, expires_days=1)
    server = uvicorn.Server(make_config(chosen))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while not server.started and time.monotonic() < end and thread.is_alive():
            time.sleep(0.02)
        assert server.started
        yield RunningApi(ServedHome(home), chosen.api_port, key, chosen)
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)


@pytest.hookimpl(wrapper=True)  # a wrapper comes before that of tests/conftest.py, which puts each file into a group
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Keep these tests in one process: they share models that take a while to train.

    Third-party code may warn, as in end-to-end tests: MLflow, Schemathesis, and sockets that are cut on purpose.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("serving"))
            item.add_marker(pytest.mark.filterwarnings("default"))
    yield


@pytest.fixture(scope="session")
def trained(make_fleet: Callable[..., pd.DataFrame], make_inputs: Callable[..., Inputs]) -> Trained:
    """Two trained models and the frames behind them."""
    return train_both(make_fleet(60, 16, 20), make_inputs(6, 120, 0.05))


@pytest.fixture(scope="session")
def made_home(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home; tests copy it."""
    folder = tmp_path_factory.mktemp("made")
    make_home(folder, trained)
    return folder


@pytest.fixture(scope="session")
def api(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """The session's server; its home does not change."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(made_home, home)
    with running(home) as served:
        yield served


@pytest.fixture
def serve(made_home: Path, tmp_path: Path) -> Iterator[Callable[..., RunningApi]]:
    """Start a server on a copy of the home that a test may change."""
    with ExitStack() as servers:

        def start(change: Callable[[ServedHome], None] = lambda _: None, **settings: Any) -> RunningApi:
            home = tmp_path / "home"
            if not home.exists():
                shutil.copytree(made_home, home)
            change(ServedHome(home))
            return servers.enter_context(running(home, **settings))

        yield start
