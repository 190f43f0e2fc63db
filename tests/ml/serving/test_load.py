"""A server under load: an API in a process of its own, asked at a rate, whether it keeps up or not (L1, L2, L4).

`make test-full` only: these are times, which need a machine with nothing else to do. `make test` shows the same limits
without times (test_limits.py).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from ml.serving.keys import SCOPES, KeyStore
from tests.benchmarks.serving_load import ask, request_bytes
from tests.conftest import free_port
from tests.ml.serving.processes import nurseries, resident_bytes

pytestmark = [pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(3600)]

PATH = "/v1/transformer-failure/score"
BODY = b'{"rows": [{"age_years": 30, "mean_hydrogen_ppm_28d": 120}]}'
RATED_PER_SECOND = 100
"""A fifth of what one key may send."""
CONNECTIONS = 16
MINUTES = 30
BURST_SECONDS = 60
WARM_SECONDS = 20
SLOW_CLIENTS = 1_000
START_SECONDS = 120


@dataclass(frozen=True)
class Api:
    """An API in a process of its own.

    Args:
        process: Its process.
        port: Where it listens.
        key: A key with all scopes.
    """

    process: subprocess.Popen[bytes]
    port: int
    key: str

    def request(self) -> bytes:
        return request_bytes(PATH, BODY, f"Authorization: Bearer {self.key}")

    def resident_bytes(self) -> int:
        """Memory of the server and of all it started."""
        started = [
            *nurseries(self.process.pid),
            *(each for of in nurseries(self.process.pid) for each in nurseries(of)),
        ]
        return sum(resident_bytes(each) for each in (self.process.pid, *started))


@dataclass(frozen=True)
class Answers:
    """What became of requests that were due at a rate.

    Args:
        statuses: One each.
        seconds: From when each was due to its answer: one that had to wait for a connection waited.
    """

    statuses: np.ndarray[tuple[int], np.dtype[np.int64]]
    seconds: np.ndarray[tuple[int], np.dtype[np.float64]]

    def quantile(self, share: float, *, status: int = 200) -> float:
        return float(np.quantile(self.seconds[self.statuses == status], share))


@pytest.fixture
def api(made_home: Path, tmp_path: Path) -> Iterator[Api]:
    shutil.copytree(made_home, tmp_path / "home")
    with started(tmp_path / "home") as running:
        yield running


@contextmanager
def started(home: Path) -> Iterator[Api]:
    """Start an API as an operator does, with the limits it comes with."""
    port = free_port()
    key = KeyStore(home / "serving").add("load", scopes=SCOPES, expires_days=1)
    command = [sys.executable, "-m", "flows.cli.main", "api", "--port", str(port)]
    environment = {**os.environ, "GRIDWEAVE_HOME": str(home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            limit = time.monotonic() + START_SECONDS
            while not is_ready(port):
                assert process.poll() is None
                assert time.monotonic() < limit
                time.sleep(0.2)
            yield Api(process, port, key)
        finally:
            process.terminate()
            process.wait(30)


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
    except httpx.TransportError:
        return False


def load(api: Api, *, per_second: float, seconds: float) -> Answers:
    """Ask at a rate, however long answers take."""
    return asyncio.run(_load(api, per_second, round(per_second * seconds)))


async def _load(api: Api, per_second: float, count: int) -> Answers:
    due: asyncio.Queue[float] = asyncio.Queue()
    answers: list[tuple[int, float]] = []
    request = api.request()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        while (due_at := await due.get()) > 0:
            status, _ = await ask(reader, writer, request)
            answers.append((status, time.monotonic() - due_at))
        writer.close()

    connections = [asyncio.create_task(one_connection()) for _ in range(CONNECTIONS)]
    begin = time.monotonic()
    for number in range(count):
        due_at = begin + number / per_second
        if (ahead := due_at - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        due.put_nowait(due_at)
    for _ in connections:
        due.put_nowait(0)
    await asyncio.gather(*connections)
    statuses, seconds = zip(*answers, strict=True)
    return Answers(np.array(statuses), np.array(seconds))


def test_twice_the_rated_load_is_answered_in_time_for_half_an_hour(api: Api) -> None:
    load(api, per_second=2 * RATED_PER_SECOND, seconds=WARM_SECONDS)
    before = api.resident_bytes()

    answers = load(api, per_second=2 * RATED_PER_SECOND, seconds=60 * MINUTES)

    growth = api.resident_bytes() / before - 1
    print(f"\nL1: {len(answers.statuses):,} requests, p99 {1e3 * answers.quantile(0.99):.1f} ms, memory {growth:+.1%}")
    assert set(answers.statuses) == {200}
    assert answers.quantile(0.99) <= 0.25
    assert growth < 0.05


def test_a_burst_of_ten_times_the_load_is_sent_away_quickly_and_is_over_when_it_is_over(api: Api) -> None:
    load(api, per_second=RATED_PER_SECOND, seconds=WARM_SECONDS)

    burst = load(api, per_second=10 * RATED_PER_SECOND, seconds=BURST_SECONDS)
    recovering = load(api, per_second=RATED_PER_SECOND, seconds=10)
    after = load(api, per_second=RATED_PER_SECOND, seconds=10)
    with httpx.Client(headers={"Authorization": f"Bearer {api.key}"}) as client:
        asked = [client.get(f"http://127.0.0.1:{api.port}/v1/storm-priority") for _ in range(1_500)]
    refused = [answer for answer in asked if answer.status_code == 429]

    away = burst.quantile(0.99, status=429)
    print(f"\nL2: {(burst.statuses == 429).sum():,} of {len(burst.statuses):,} sent away, p99 {1e3 * away:.1f} ms")
    assert set(burst.statuses) == {200, 429}
    assert away <= 0.05
    assert set(after.statuses) == {200}
    assert after.quantile(0.99) <= 0.25, f"recovering took more than 10 s: {np.unique(recovering.statuses)}"
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


def test_a_thousand_slow_clients_make_others_wait_less_than_twice_as_long(api: Api) -> None:
    load(api, per_second=RATED_PER_SECOND, seconds=WARM_SECONDS)
    baseline = [load(api, per_second=RATED_PER_SECOND, seconds=5).quantile(0.99) for _ in range(3)]
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {api.key}\r\n".encode()
    body = b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", api.port)) for _ in range(SLOW_CLIENTS)]
    connected_at = time.monotonic()
    for number, each in enumerate(slow):
        each.sendall((b"", b"POST /v1/transf", head, head + body)[number % 4])

    meanwhile = [load(api, per_second=RATED_PER_SECOND, seconds=3) for _ in range(3)]
    ends = [_ends_after(each, connected_at) for each in slow]

    ratio = float(np.median([each.quantile(0.99) for each in meanwhile]) / np.median(baseline))
    print(f"\nL4: p99 {ratio:.2f} of the baseline, the last slow client is cut after {max(ends):.1f} s")
    assert {status for each in meanwhile for status in each.statuses} == {200}
    assert ratio < 2
    assert max(ends) <= 16, "15 s, and a moment to look"


def _ends_after(connection: socket.socket, connected_at: float) -> float:
    """Return how long a server lets a connection live that says no more."""
    connection.settimeout(30)
    with connection:
        try:
            while connection.recv(65_536):
                pass
        except ConnectionResetError:
            pass
    return time.monotonic() - connected_at
