"""A supply check that cannot ask fails; advisories and licences are told by package."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT, free_port
from tests.supply.checking import Component, audit, incompatible, locked_names, read_components

ADVISORY = {
    "id": "GHSA-xxxx",
    "summary": "it is broken",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "six", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.0"}]}],
        }
    ],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """One package as it is locked."""
    text = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8")
    start = text.index("\nsix==") + 1
    path = tmp_path / "requirements.lock"
    path.write_text(text[start : text.index("    # via", start)].rstrip().rstrip("\\") + "\n", encoding="utf-8")
    return path


@contextmanager
def service(answer: dict[str, Any]) -> Iterator[str]:
    """An advisory service that says the same about every package."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def test_a_service_that_does_not_answer_is_a_problem(lock: Path, tmp_path: Path) -> None:
    (problem,) = audit(lock, tmp_path / "advisories.json", osv_url=f"http://127.0.0.1:{free_port()}/v1/query")

    assert "no advisory was looked up" in problem
    assert "Connection refused" in problem


def test_an_advisory_is_told_with_the_version_that_mends_it(lock: Path, tmp_path: Path) -> None:
    with service({"vulns": [ADVISORY]}) as url:
        (problem,) = audit(lock, tmp_path / "advisories.json", osv_url=url)

    assert problem.startswith("six ")
    assert problem.endswith("GHSA-xxxx, mended in 9.0")


def test_no_advisory_is_no_problem(lock: Path, tmp_path: Path) -> None:
    with service({}) as url:
        assert audit(lock, tmp_path / "advisories.json", osv_url=url) == []


def test_every_locked_package_is_counted() -> None:
    names = locked_names(CHECKOUT / "requirements.lock")

    assert {"duckdb", "jsonschema", "prefect", "psycopg-binary"} <= names


@pytest.mark.parametrize(
    ("licences", "is_compatible"),
    [
        (["MIT"], True),
        (["License :: OSI Approved :: BSD License"], True),
        (["MPL-2.0 AND (Apache-2.0 OR MIT)"], True),
        (["LGPL-3.0-only"], True),
        (["GPL-3.0-only"], False),
        (["AGPL-3.0-or-later"], False),
        (["MIT AND GPL-2.0-only"], False),
        (["Proprietary"], False),
        ([], False),
    ],
)
def test_a_licence_that_is_unknown_or_binds_the_whole_work_is_told(licences: list[str], is_compatible: bool) -> None:
    found = incompatible([Component(name="p", version="1", licences=tuple(licences))])

    assert (found == []) == is_compatible
    assert all("p 1: licence" in each for each in found)


def test_licences_are_read_from_the_bill_of_materials() -> None:
    document = {
        "components": [
            {"name": "a", "version": "1", "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "BSD"}}]},
            {"name": "b", "version": "2", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
            {"name": "c", "version": "3"},
        ]
    }

    assert [each.licences for each in read_components(document)] == [("MIT", "BSD"), ("MIT OR Apache-2.0",), ()]
