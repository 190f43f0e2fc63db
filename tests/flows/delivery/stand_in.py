"""A stand-in for a system downstream: takes messages over HTTP, acts once per key, and misbehaves on request."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Request"], "Answer"]
Answer = int | str | tuple[int, dict[str, str], str]
"""A status; a status with headers and words; "lost": acts and says nothing; "silent": does nothing and says nothing;
"late": acts when nobody waits any more."""
LATE_SECONDS = 0.8


class Request:
    """What arrived: key, message, and how many requests had arrived with it."""

    def __init__(self, headers: dict[str, str], body: bytes, number: int) -> None:
        self.headers = headers
        self.key = headers["Idempotency-Key"]
        self.body: dict[str, Any] = json.loads(body)
        self.number = number


class Downstream(ThreadingHTTPServer):
    """The stand-in. `effects` counts what it did by key, `live` is the last order of each key it acts on."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: Behaviour = lambda _: 200
        self.requests: list[Request] = []
        self.effects: Counter[str] = Counter()
        self.live: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[str, int, str]] = []
        self.lock = threading.Lock()
        self.acted_late = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/orders"

    def act(self, request: Request) -> None:
        """Do what a message says, once; an older word on a key never undoes a newer one."""
        with self.lock:
            if request.key in self.effects:
                return
            self.effects[request.key] += 1
            header = request.body["Header"]
            key = next(iter(request.body["Payload"].values()))["mRID"]
            self.history.append((key, header["Revision"], header["Verb"]))
            if header["Verb"] == "cancel":
                self.live.pop(key, None)
            else:
                self.live[key] = request.body

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Downstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            request = Request(dict(self.headers), body, len(self.server.requests) + 1)
            self.server.requests.append(request)
        answer = self.server.behaviour(request)
        if answer == "late":
            time.sleep(LATE_SECONDS)
        if answer in (200, "lost", "late"):
            self.server.act(request)
        if answer == "late":
            self.server.acted_late.release()
        if isinstance(answer, str):
            self.close_connection = True
            with suppress(OSError):  # who asked has gone
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, words = answer if isinstance(answer, tuple) else (answer, {}, "")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(words.encode())))
        self.end_headers()
        self.wfile.write(words.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def downstream() -> Iterator[Downstream]:
    """Serve until the block ends."""
    server = Downstream()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
