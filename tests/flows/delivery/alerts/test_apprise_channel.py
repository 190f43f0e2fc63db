"""What reaches a real web hook, and a URL that is none."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from flows.delivery.alerts.channels import AppriseChannel
from flows.errors import ConfigurationError

ALERT = {
    "alert_id": "a",
    "kind": "run_failed",
    "subject": "daily",
    "severity": "ERROR",
    "message": "disk full",
    "hint": "make room",
    "state": "OPEN",
}


def test_a_web_hook_gets_one_message_about_all_of_them() -> None:
    received: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        channel = AppriseChannel(1, SecretStr(f"json://user:secret@127.0.0.1:{server.server_port}/hook"))
        assert channel.tell([ALERT, {**ALERT, "subject": "storm", "state": "RESOLVED"}])
    finally:
        server.shutdown()
        server.server_close()

    assert channel.name == "1:json"
    (message,) = received
    assert message["title"] == "gridweave alerts: 1 new, 1 over, worst ERROR"
    assert message["message"].splitlines() == [
        "ERROR: run_failed daily",
        "  disk full",
        "  make room",
        "over: run_failed storm",
        "  disk full",
    ]


def test_a_hook_that_is_not_there_takes_nothing() -> None:
    assert not AppriseChannel(1, SecretStr("json://127.0.0.1:9/hook")).tell([ALERT])


def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as refused:
        AppriseChannel(3, SecretStr("carrier-pigeon://user:secret@roof")).tell([ALERT])

    assert "number 3" in refused.value.message
    assert "secret" not in refused.value.message
