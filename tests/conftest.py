"""What all tests share: one Prefect server per session, what is made once for all processes, the shared real data."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from flows.engine.prefect.server import PrefectServer

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("GRIDWEAVE_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
settings.register_profile("no deadline", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("no deadline")
os.environ["GRIDWEAVE_SETTLE_SECONDS"] = "0"  # what a test delivers is whole; those about files being written say so

LONGEST_FIRST = (
    "crash 0",  # makes the tiny utility, which no other process waits for meanwhile
    "tests/e2e/test_real_data.py",
    "demo",
    "crash 1",
    "serving",
    "transform",
    "tests/e2e/test_storm_demo.py",
    "tests/e2e/test_services.py",
    "tests/e2e/test_rule_checks.py",
    "tests/e2e/test_recovery.py",
    "tests/e2e/test_event_triggers.py",
    "tests/e2e/test_days.py",
    "tests/e2e/test_refused_deliveries.py",
    "tests/e2e/test_reproduce_scores.py",
    "tests/ml/streaming/test_brokers.py",
    "tests/e2e/test_mini.py",
    "tests/e2e/test_reproduce.py",
    "tests/e2e/test_mini_kills.py",
    "tests/e2e/test_column_changes.py",
    "tests/e2e/test_operating.py",
    "tests/ml/outage_risk/test_train.py",
)
"""Groups of tests that take longest, in the order they are handed out; the others follow file by file."""


@pytest.hookimpl(wrapper=True)  # a wrapper comes before xdist's own hook, which writes the group into each test's name
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Keep the tests of a file in one process, whose fixtures they share, unless they name a group of their own."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(CHECKOUT))))
    turn = {group: number for number, group in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: turn.get(_group(item), len(turn)))
    yield
    if config.getoption("loadgroup", default=False):
        assert all("@" in item.nodeid for item in items), "xdist ignores groups: each process makes every shared home"


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    assert marker is not None
    return str(marker.args[0])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets; tests that need it say so with `real_data`."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets are not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of the session see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def made_once(session_folder: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder that all test processes share: the first makes it, the others wait. Nobody may change it."""

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = session_folder / name, session_folder / f"{name}.done"
        with _alone(session_folder / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # what one that failed left
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def prefect_server(session_folder: Path) -> Iterator[PrefectServer]:
    """The session's Prefect server, on a free loopback port; every home of every test process uses it."""
    folder = session_folder / "prefect_server"
    user = folder / "users" / str(os.getpid())
    with _alone(session_folder / "prefect_server.lock"):
        user.parent.mkdir(parents=True, exist_ok=True)
        port = folder / "port"
        if not port.exists():
            port.write_text(str(free_port()), encoding="utf-8")
        server = PrefectServer(home=folder, port=int(port.read_text(encoding="utf-8")))
        server.begin()
        server.wait()
        user.touch()
    yield server
    with _alone(session_folder / "prefect_server.lock"):
        user.unlink()
        if not any(user.parent.iterdir()):
            server.stop()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep the session's other test processes out."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def repeated(times: int) -> list[object]:
    """Turns of a test that is about chance: one in `make test`, all of them in `make test-full`."""
    return [0, *(pytest.param(turn, marks=pytest.mark.full) for turn in range(1, times))]
