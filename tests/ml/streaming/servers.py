"""Brokers of the test session, from the Debian packages, on free loopback ports."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from tests.conftest import free_port

START_SECONDS = 60


def _program(name: str) -> str:
    """Find a server; install its package where it is missing and we may."""
    anywhere = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    if shutil.which(name, path=anywhere) is None and os.getuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-q", name], check=True, capture_output=True)
    found = shutil.which(name, path=anywhere)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    return found


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends_at = time.monotonic() + START_SECONDS
        while not _listens(port):
            assert process.poll() is None, f"{command[0]} ended by itself"
            assert time.monotonic() < ends_at, f"{command[0]} does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextmanager
def nats_server() -> Iterator[str]:
    """Start NATS with JetStream; yield its URL."""
    with tempfile.TemporaryDirectory(prefix="gridweave-nats-") as folder, nats_at(free_port(), folder) as url:
        yield url


@contextmanager
def nats_at(port: int, folder: str) -> Iterator[str]:
    """Start NATS with what it left in a folder when it was stopped."""
    command = [_program("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder]
    with _running(command, port):
        yield f"nats://127.0.0.1:{port}"


@contextmanager
def redis_server() -> Iterator[str]:
    """Start Redis without persistence; yield its URL."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="gridweave-redis-") as folder:
        command = [_program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", ""]
        with _running(command, port):
            yield f"redis://127.0.0.1:{port}"
