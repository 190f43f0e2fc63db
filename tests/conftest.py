"""What all tests share: one Prefect server per session, gridweave homes, the shared real data."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from flows.engine.prefect.server import PrefectServer

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("GRIDWEAVE_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))


@pytest.hookimpl(wrapper=True)  # a wrapper comes before xdist's own hook, which writes the group into each test's name
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Keep the tests of a file in one process, whose fixtures they share, unless they name a group of their own."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(CHECKOUT))))
    yield
    if config.getoption("loadgroup", default=False):
        assert all("@" in item.nodeid for item in items), "xdist ignores groups: each process makes every shared home"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets; tests that need it say so with `real_data`."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets are not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The session's Prefect server, on a free loopback port; every home of the session uses it."""
    server = PrefectServer(home=tmp_path_factory.mktemp("prefect"), port=free_port())
    server.begin()
    server.wait()
    yield server
    server.stop()


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def repeated(times: int) -> list[object]:
    """Turns of a test that is about chance: one in `make test`, all of them in `make test-full`."""
    return [0, *(pytest.param(turn, marks=pytest.mark.full) for turn in range(1, times))]
