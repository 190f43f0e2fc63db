"""A PostgreSQL server of the test session, from the Debian package, on a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.conftest import free_port

PROGRAMS = Path("/usr/lib/postgresql")
PASSWORD = "canary-secret"  # noqa: S105 - what must never be seen anywhere
ACCOUNT = "postgres"
"""Unprivileged account the package makes; the server refuses to run as root."""


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server.

    Args:
        folder: Its data.
        programs: Folder of its programs.
        port: Its port.
    """

    folder: Path
    programs: Path
    port: int

    def connect(self) -> psycopg.Connection:
        """Connect as its administrator."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=ACCOUNT, password=PASSWORD, dbname="postgres", autocommit=True
        )

    def control(self, *arguments: str) -> None:
        """Start or stop it."""
        log = str(self.folder / "log")
        command = [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-l", log, "-w", *arguments]
        _call(command, self.folder)

    def start(self) -> None:
        """Start it."""
        self.control("-o", f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}", "start")

    def stop(self) -> None:
        """Stop it at once."""
        self.control("-m", "immediate", "stop")


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Start a server with data of its own, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="gridweave-postgresql-"))
    if os.getuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        server = PostgresqlServer(folder, _programs(), free_port())
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        _call(
            [str(server.programs / "initdb"), "-D", str(folder / "data"), "-U", ACCOUNT, "-E", "UTF8", "--no-sync",
             "--auth=scram-sha-256", f"--pwfile={secret}"],
            folder,
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """Find the server's programs; install the package where they are missing and we may."""
    found = sorted(PROGRAMS.glob("*/bin/pg_ctl"))
    if not found and os.getuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-q", "postgresql"], check=True, capture_output=True)
        found = sorted(PROGRAMS.glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


def _call(command: list[str], folder: Path) -> None:
    """Run one of its programs, as an unprivileged account."""
    account = ACCOUNT if os.getuid() == 0 else None
    done = subprocess.run(
        command, check=False, user=account, group=account, extra_groups=[] if account else None, cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
