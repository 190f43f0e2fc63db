"""The server on the port is this home's, or it is named and refused."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from flows.engine.prefect.occupant import PortTakenError
from flows.engine.prefect.processes import is_our_process, start_detached
from flows.engine.prefect.server import PrefectServer
from tests.conftest import free_port
from tests.flows.engine.prefect.answering import answering, says_home


def test_a_server_of_this_home_is_used(tmp_path: Path) -> None:
    with answering(200, says_home(tmp_path / "prefect")) as port:
        server = PrefectServer(home=tmp_path, port=port)
        server.begin()

        assert server.is_healthy()
        assert not (tmp_path / "prefect" / "server.pid").exists()


def test_a_server_of_another_home_is_named_and_refused(tmp_path: Path) -> None:
    other = tmp_path / "other" / "prefect"
    with answering(200, says_home(other)) as port:
        server = PrefectServer(home=tmp_path / "ours", port=port)
        for ask in (server.begin, server.wait):
            with pytest.raises(PortTakenError) as refused:
                ask()

            assert f"the Prefect server of {other}" in refused.value.message
            assert str(tmp_path / "ours" / "prefect") in refused.value.message
            assert "GRIDWEAVE_PREFECT_PORT" in refused.value.hint
            assert "GRIDWEAVE_PREFECT_SHARED" in refused.value.hint

        assert PrefectServer(home=tmp_path / "ours", port=port, is_shared=True).is_healthy()


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b""), (401, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}")],
    ids=["unknown path", "password", "a page", "a list", "no home"],
)
def test_a_program_that_is_no_prefect_server_is_refused_even_when_shared(
    tmp_path: Path, status: int, body: bytes
) -> None:
    with answering(status, body) as port:
        for is_shared in (False, True):
            with pytest.raises(PortTakenError, match="does not say it is a Prefect server"):
                PrefectServer(home=tmp_path, port=port, is_shared=is_shared).begin()


def test_a_program_that_speaks_no_http_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            caller, _ = listener.accept()
            with caller:
                caller.recv(1000)
                caller.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(PortTakenError, match="does not say"):
            PrefectServer(home=tmp_path, port=listener.getsockname()[1]).begin()
        thread.join()


@pytest.mark.slow
def test_pages_of_others_are_not_answered(prefect_server: PrefectServer) -> None:
    origin = prefect_server.url.removesuffix("/api")
    asked = {"Access-Control-Request-Method": "POST"}
    path = f"{prefect_server.url}/flow_runs/filter"

    with httpx.Client() as client:
        called_otherwise = client.get(f"{prefect_server.url}/health", headers={"Host": "evil.example"})
        evil = client.options(path, headers={"Origin": "https://evil.example", **asked})
        ours = client.options(path, headers={"Origin": origin, **asked})
        # what a page may send without being allowed to by an answer
        unasked = [
            client.post(path, content="{}", headers={"Content-Type": "text/plain", "Origin": page}).status_code
            for page in ("https://evil.example", "null", "http://localhost:1", "http://127.0.0.1:99999", origin)
        ]
        through_a_tunnel = client.post(
            path, json={}, headers={"Host": "localhost:8080", "Origin": "http://localhost:8080"}
        )

    assert called_otherwise.status_code == 400
    assert "access-control-allow-origin" not in evil.headers
    assert ours.headers["access-control-allow-origin"] == origin
    assert unasked == [403, 403, 403, 403, 200]
    assert through_a_tunnel.status_code == 200


def test_nobody_is_not_a_stranger(tmp_path: Path) -> None:
    assert not PrefectServer(home=tmp_path, port=free_port()).is_healthy()


@pytest.mark.slow
def test_a_real_server_of_another_home_is_refused(prefect_server: PrefectServer, tmp_path: Path) -> None:
    stranger = PrefectServer(home=tmp_path, port=prefect_server.port)

    with pytest.raises(PortTakenError) as refused:
        stranger.is_healthy()

    assert str(prefect_server.folder) in refused.value.message
    assert prefect_server.is_healthy()


def test_a_copied_home_does_not_stop_the_server_of_the_first(tmp_path: Path) -> None:
    first = PrefectServer(home=tmp_path / "first", port=free_port())
    pid = start_detached(
        [sys.executable, "-S", "-c", "import time; time.sleep(60)", "--port", str(first.port)],
        log_path=first.folder / "server.log",
        pid_path=first.folder / "server.pid",
        environment={"PREFECT_HOME": str(first.folder)},
    )
    shutil.copytree(first.home, tmp_path / "second")

    was_running = PrefectServer(home=tmp_path / "second", port=first.port).stop()

    mark = f"--port\0{first.port}"
    assert not was_running
    assert is_our_process(pid, mark)
    assert first.stop()
    assert not is_our_process(pid, mark)


USED_LATE = """
import sys, threading
from pathlib import Path
from prefect.settings import get_current_settings
from flows.engine.prefect.server import PrefectServer

PrefectServer(home=Path(sys.argv[1]), port=int(sys.argv[2])).use()
said = []
threading.Thread(target=lambda: said.append(get_current_settings().api.url)).start()
while not said:
    pass
print(said[0], get_current_settings().api.url)
"""


@pytest.mark.slow
def test_a_process_that_imported_prefect_before_uses_the_server_in_every_thread(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}

    said = subprocess.run(
        [sys.executable, "-c", USED_LATE, str(tmp_path), "4999"],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert said.split() == ["http://127.0.0.1:4999/api"] * 2
