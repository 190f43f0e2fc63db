"""What reaches a real web hook, and a URL that is none."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest.mock import MagicMock

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


def _hook(received: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Hook


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_a_web_hook_gets_one_message_about_all_of_them() -> None:
    received: list[dict[str, Any]] = []

    with _serving(_hook(received)) as port:
        channel = AppriseChannel(1, SecretStr(f"json://user:secret@127.0.0.1:{port}/hook"))
        assert channel.tell([ALERT, {**ALERT, "subject": "storm", "state": "RESOLVED"}])

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


def test_a_redirect_is_no_alert_told() -> None:
    methods: list[str] = []

    class Moved(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            methods.append("POST")
            self.send_response(302)
            self.send_header("Location", "/sign-in")
            self.end_headers()

        def do_GET(self) -> None:
            methods.append("GET")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with _serving(Moved) as port:
        assert not AppriseChannel(1, SecretStr(f"json://127.0.0.1:{port}/hook")).tell([ALERT])

    assert set(methods) == {"POST"}


@pytest.mark.parametrize("chosen", ["", "?overflow=truncate"])
def test_more_than_a_service_takes_goes_in_parts_unless_the_url_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    received: list[dict[str, Any]] = []
    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.body_maxlen", 400)

    with _serving(_hook(received)) as port:
        channel = AppriseChannel(1, SecretStr(f"json://127.0.0.1:{port}/hook{chosen}"))
        assert channel.tell([{**ALERT, "subject": f"run {number}"} for number in range(20)])

    told = "\n".join(each["message"] for each in received)
    assert all(len(each["message"]) <= 400 for each in received)
    assert [number for number in range(20) if f"run {number}" not in told] == ([] if not chosen else [*range(8, 20)])


def test_a_mail_has_its_lines_and_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MagicMock()
    monkeypatch.setattr("smtplib.SMTP", MagicMock(return_value=server))
    alert = {**ALERT, "hint": "run gridweave check <source> & look"}

    assert AppriseChannel(1, SecretStr("mailto://user:secret@example.org?smtp=127.0.0.1&to=a@example.org")).tell(
        [alert, ALERT]
    )

    sent = email.message_from_string(server.sendmail.call_args.args[2])
    parts = {each.get_content_type(): each.get_payload(decode=True) for each in sent.walk() if not each.is_multipart()}
    plain, html = (bytes(parts[f"text/{kind}"]).decode() for kind in ("plain", "html"))
    assert "run gridweave check <source> & look" in plain
    assert "run&nbsp;gridweave" in html or "run gridweave" in html
    assert "<source>" not in html
    assert len(plain.splitlines()) >= 6


def test_a_hook_that_is_not_there_takes_nothing() -> None:
    assert not AppriseChannel(1, SecretStr("json://127.0.0.1:9/hook")).tell([ALERT])


def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as refused:
        AppriseChannel(3, SecretStr("carrier-pigeon://user:secret@roof")).tell([ALERT])

    assert "number 3" in refused.value.message
    assert "secret" not in refused.value.message
