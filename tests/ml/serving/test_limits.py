"""Size, rate, room and time: what is too much is refused or cut, and the rest goes on (L1-L4)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from ml.serving.body import read_json
from ml.serving.problems import Problem
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.processes import resident_bytes, scorers

pytestmark = pytest.mark.slow

PATH = "/v1/transformer-failure/score"
LIMIT = 1_000_000
CHUNK = 64_000
SLACK = 64 * 1_024
MEGABYTE = 1 << 20
Serve = Callable[..., RunningApi]


def test_a_body_too_large_is_refused_before_more_of_it_is_read_than_the_limit_and_a_chunk() -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += CHUNK
        return {"type": "http.request", "body": b"x" * CHUNK, "more_body": True}

    async def refused(headers: list[tuple[bytes, bytes]]) -> int:
        request = Request({"type": "http", "headers": [(b"content-type", b"application/json"), *headers]}, receive)
        with pytest.raises(Problem) as problem:
            await read_json(request, at_most_bytes=LIMIT, within_seconds=5)
        return int(problem.value.status)

    declared = asyncio.run(refused([(b"content-length", str(LIMIT + 1).encode())]))
    read_of_declared = read
    chunked = asyncio.run(refused([]))

    assert (declared, chunked) == (413, 413)
    assert read_of_declared == 0
    assert read <= LIMIT + SLACK


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "chunked"])
def test_large_bodies_leave_no_memory_behind(api: RunningApi, is_declared: bool) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 100_000

    declared = {"Content-Length": "20000000"} if is_declared else {}
    statuses = []
    before = 0
    for turn in range(12):
        with api.client() as client:
            headers = {"Content-Type": "application/json", **declared}
            statuses.append(client.post(PATH, content=parts(), headers=headers).status_code)
        if turn == 1:
            before = resident_bytes(os.getpid())

    assert set(statuses) == {413}
    assert resident_bytes(os.getpid()) - before < 20 * MEGABYTE


def test_a_key_that_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    api = serve(api_requests_per_second=5)

    with api.client() as client:
        answers = [client.get("/v1/storm-priority") for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        time.sleep(float(refused[-1].headers["retry-after"]))
        after = client.get("/v1/storm-priority")

    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert after.status_code == 200


def test_a_burst_beyond_the_room_is_sent_away_at_once_and_the_rest_is_answered(serve: Serve) -> None:
    room = 4
    api = serve(api_concurrent_requests=room, api_score_seconds=60, api_request_seconds=60)
    held: list[int] = []
    for process in scorers(api):
        os.kill(process, signal.SIGSTOP)

    def hold() -> None:
        with api.client() as client:
            # the look whether the room is full takes room itself, and may send one of these away
            while (status := client.post(PATH, json={"rows": [{}]}).status_code) == 429:
                time.sleep(0.01)
            held.append(status)

    holding = [threading.Thread(target=hold) for _ in range(room)]
    for each in holding:
        each.start()
    with api.client() as client:
        while not _is_full(client):
            time.sleep(0.01)
        burst = [client.post(PATH, json={"rows": [{}]}) for _ in range(10 * room)]
    answered_meanwhile = len(held)
    for process in scorers(api):
        os.kill(process, signal.SIGCONT)
    for each in holding:
        each.join()
    with api.client() as client:
        after = client.post(PATH, json={"rows": [{}]})

    assert {answer.status_code for answer in burst} == {429}
    assert all(answer.headers["retry-after"] for answer in burst)
    assert answered_meanwhile == 0  # those sent away did not wait for those who were let in
    assert held == [200] * room
    assert after.status_code == 200


def _is_full(client: httpx.Client) -> bool:
    """Return whether three looks in a row find no room: nobody of those who hold it was sent away."""
    return all(client.get("/v1/storm-priority").status_code == 429 for _ in range(3))


@pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.full)])
def test_slow_clients_are_cut_and_slow_nobody_down(serve: Serve, count: int) -> None:
    api = serve(api_slow_client_seconds=2)
    good = f"Host: 127.0.0.1\r\nAuthorization: Bearer {api.key}\r\nContent-Type: application/json\r\n"
    beginnings = (
        b"",
        b"POST /v1/transf",
        f"POST {PATH} HTTP/1.1\r\n{good}Content-Length: 100\r\n\r\n{{".encode(),
        f"POST {PATH} HTTP/1.1\r\n{good}Transfer-Encoding: chunked\r\n\r\n5\r\n".encode(),
    )
    slow = [socket.create_connection(("127.0.0.1", api.port)) for _ in range(count)]
    for number, each in enumerate(slow):
        each.sendall(beginnings[number % len(beginnings)])

    with api.client() as client:
        statuses = {client.post(PATH, json={"rows": [{}]}).status_code for _ in range(50)}
    for each in slow:
        each.settimeout(15)
    ends = [_read_to_end(each) for each in slow]

    assert statuses == {200}
    assert all(end == b"" or b" 408 " in end.splitlines()[0] for end in ends)


def test_a_body_that_goes_on_after_its_answer_has_an_end(serve: Serve) -> None:
    api = serve(api_slow_client_seconds=2)
    with socket.create_connection(("127.0.0.1", api.port)) as connection:
        connection.settimeout(15)
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n".encode())
        answer = connection.recv(65_536)
        connection.sendall(b"{")
        begun = time.monotonic()
        with suppress(ConnectionResetError):
            while connection.recv(65_536):
                pass

    assert b" 401 " in answer.splitlines()[0]
    assert time.monotonic() - begun < 10, "cut, though nobody without a key ever comes to an end"


def _read_to_end(connection: socket.socket) -> bytes:
    """Return what a server says before it closes; a time-out means that it did not close."""
    said = b""
    with connection:
        try:
            while part := connection.recv(65_536):
                said += part
        except ConnectionResetError:
            pass
    return said


def test_a_head_without_an_end_is_cut(api: RunningApi) -> None:
    connection = socket.create_connection(("127.0.0.1", api.port))
    connection.settimeout(15)
    connection.sendall(b"GET /health HTTP/1.1\r\n")
    sent, is_cut = 0, False
    with connection:
        while sent < 50 * MEGABYTE and not is_cut:
            try:
                connection.sendall(b"X-Filler: " + b"x" * 10_000 + b"\r\n")
                sent += 10_000
            except ConnectionError:
                is_cut = True

    assert is_cut


@pytest.mark.parametrize("count", [600, pytest.param(60_000, marks=pytest.mark.full)])
def test_many_requests_leave_no_memory_behind_and_are_all_answered(api: RunningApi, count: int) -> None:
    rows = {"rows": [{"age_years": 30}] * 20}

    def memory() -> int:
        return sum(resident_bytes(each) for each in (os.getpid(), *scorers(api)))

    def ask(client: httpx.Client, times: int) -> set[int]:
        return {client.post(PATH, json=rows).status_code for _ in range(times)}

    with api.client() as client:
        ask(client, 200)
        before = memory()
        statuses = ask(client, count)

    assert statuses == {200}
    assert memory() < 1.05 * before
