"""The local Prefect server: one, real, on loopback, kept between runs.

What lives here: starting, finding and stopping exactly the server gridweave started. What does not: deployments
(flows.pipelines.deployments).

Decision: never Prefect's ephemeral server: it needs 19-29 s here against its own limit of 20 s, and loses the last
events at shutdown. A real server starts in 10-15 s, in the background, while other work goes on.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.engine.prefect.application import NAMES
from flows.engine.prefect.occupant import PortTakenError, find_occupant
from flows.engine.prefect.processes import has_variable, is_our_process, read_pid, start_detached, stop_group
from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.settings import Settings

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
APPLICATION = "flows.engine.prefect.application:create"
"""Started directly and not by `prefect server start`, it answers in two thirds of the time."""
START_LIMIT_SECONDS = 120.0
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
}


class PrefectServerError(GridweaveError):
    """The local Prefect server did not start.

    Args:
        url: Where it should answer.
        log_path: What it printed.
    """

    def __init__(self, *, url: str, log_path: Path) -> None:
        self.url = url
        self.log_path = log_path
        super().__init__(
            f"The local Prefect server at {url} did not answer within {START_LIMIT_SECONDS:g} s.",
            hint=f"read {log_path}; another program may use the port (GRIDWEAVE_PREFECT_PORT)",
            is_retryable=True,
        )


@dataclass(frozen=True, kw_only=True)
class PrefectServer:
    """A server below gridweave's home.

    Args:
        home: `$GRIDWEAVE_HOME`.
        port: Loopback port.
        is_shared: Use the Prefect server that answers there, also when another home started it.
    """

    home: Path
    port: int
    is_shared: bool = False

    @property
    def url(self) -> str:
        """Address of its API."""
        return f"http://{HOST}:{self.port}/api"

    @property
    def folder(self) -> Path:
        """Its database, log and pid file."""
        return self.home / "prefect"

    @property
    def pid(self) -> int | None:
        """Process that was started last; it may have ended."""
        return read_pid(self._pid_path)

    def is_healthy(self) -> bool:
        """Ask it.

        Raises:
            PortTakenError: Somebody else answers.
        """
        occupant = find_occupant(self.url)
        if occupant is None:
            return False
        home = occupant.prefect_home
        if home is None and not self.is_alive():  # ours says nothing when it is told to ask for a password
            raise PortTakenError(port=self.port, folder=self.folder, occupant=occupant)
        if home is not None and home.resolve() != self.folder.resolve() and not self.is_shared:
            raise PortTakenError(port=self.port, folder=self.folder, occupant=occupant)
        return True

    def begin(self) -> None:
        """Start it in the background unless it answers already; returns at once.

        Raises:
            PortTakenError: Somebody else answers on its port.
        """
        self.use()
        with self._alone():  # `up` and the process that serves may both find it gone
            if self.is_healthy() or self.is_alive():
                return
            start_detached(
                [sys.executable, "-m", "uvicorn", "--factory", APPLICATION, "--host", HOST, "--port", str(self.port)],
                log_path=self.folder / "server.log",
                pid_path=self._pid_path,
                environment=self._server_environment(),
            )

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            PrefectServerError: It does not.
            PortTakenError: Somebody else does.
        """
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not self.is_healthy():
            if time.monotonic() > limit:
                raise PrefectServerError(url=self.url, log_path=self.folder / "server.log")
            time.sleep(0.2)

    def stop(self) -> bool:
        """Stop the server gridweave started; a foreign one is left alone.

        Returns:
            False when there was none.
        """
        pid = self.pid
        is_running = pid is not None and self.is_alive()
        if pid is not None and is_running:
            stop_group(pid, self._mark)
        self._pid_path.unlink(missing_ok=True)
        return is_running

    def use(self) -> None:
        """Point this process's Prefect at the server, in all threads, also when it was imported before."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.environ.update({**QUIET, **self._client_environment()})
        if "prefect.context" in sys.modules:  # it read the environment once, and threads it starts have that
            from prefect.context import refresh_global_settings_context

            refresh_global_settings_context()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from starting it meanwhile."""
        lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @property
    def _pid_path(self) -> Path:
        return self.folder / "server.pid"

    @property
    def _mark(self) -> str:
        """What the command line of our server holds and that of no other."""
        return f"--port\0{self.port}"

    def is_alive(self) -> bool:
        """Tell whether the recorded process is this home's server: a copied home brings a pid file along."""
        pid = self.pid
        return (
            pid is not None and is_our_process(pid, self._mark) and has_variable(pid, "PREFECT_HOME", str(self.folder))
        )

    def _client_environment(self) -> dict[str, str]:
        return {
            "PREFECT_API_URL": self.url,
            "PREFECT_HOME": str(self.folder),
        }

    def _server_environment(self) -> dict[str, str]:
        return {
            **QUIET,
            **self._client_environment(),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.folder / 'prefect.db'}",
            # by default any page that a browser on this machine shows may start runs
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{self.port}" for name in NAMES),
            # a client registers the block types it uses; all of them at every start cost ten seconds the first time
            "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
            # in memory, a restart would forget who holds a deployment's only slot, and it would stay taken for ever
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        }


def local_server(settings: Settings) -> PrefectServer:
    """The server of an installation."""
    return PrefectServer(home=settings.home, port=settings.prefect_port, is_shared=settings.prefect_shared)
