from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import duckdb
import pytest

from flows.lineage.audit.sealing import seal
from flows.lineage.openlineage import queue_work, waiting_count
from flows.lineage.openlineage_delivery import KEPT_DAYS, deliver
from flows.lineage.openlineage_refusals import take_back
from flows.lineage.recorder import abort_dead_runs, record_run
from flows.lineage.records import RunRecord
from flows.lineage.status import current_status
from flows.settings import Settings
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.flows.lineage.audit.ledgers import NOW, end_run, record_work, start_run
from tests.flows.lineage.audit.test_sealing import dbt_builds

pytestmark = pytest.mark.slow


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


@pytest.fixture
def run_id(warehouse: Warehouse, tmp_path: Path) -> UUID:
    """One run with a raw table, a mart made from it and a check."""
    identifier = uuid4()
    start_run(warehouse, identifier, NOW)
    record_work(warehouse, identifier, NOW)
    end_run(warehouse, tmp_path, identifier, NOW + timedelta(minutes=5))
    return identifier


def events(warehouse: Warehouse) -> list[dict[str, Any]]:
    rows = warehouse.cursor().execute("select body::varchar from lineage.openlineage_event order by seq").fetchall()
    return [json.loads(body) for (body,) in rows]


@pytest.mark.usefixtures("run_id")
def test_a_run_and_what_it_made_are_told_in_order(warehouse: Warehouse) -> None:
    told = [(event["eventType"], event["job"]["name"]) for event in events(warehouse)]

    assert told == [
        ("START", "run"),
        ("START", "raw/a"),
        ("COMPLETE", "raw/a"),
        ("START", "marts/c"),
        ("COMPLETE", "marts/c"),
        ("COMPLETE", "marts/c.checks"),
        ("COMPLETE", "run"),
    ]


def test_a_materialization_is_told_with_schema_source_inputs_and_parent(warehouse: Warehouse, run_id: UUID) -> None:
    event = next(
        each for each in events(warehouse) if (each["eventType"], each["job"]["name"]) == ("COMPLETE", "marts/c")
    )

    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == ("gridweave", "marts/c")
    assert [(field["name"], field["type"]) for field in output["facets"]["schema"]["fields"]] == [("a", "INTEGER")]
    assert output["facets"]["dataSource"]["name"] == "gridweave"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert [each["name"] for each in event["inputs"]] == ["raw/a"]
    assert event["run"]["facets"]["parent"]["run"]["runId"] == str(run_id)
    assert event["run"]["facets"]["parent"]["job"]["name"] == "run"


def test_work_of_a_run_that_died_is_told_by_the_next_and_once(warehouse: Warehouse, tmp_path: Path) -> None:
    dead, after = uuid4(), uuid4()
    start_run(warehouse, dead, NOW)
    record_work(warehouse, dead, NOW)
    assert [each["job"]["name"] for each in events(warehouse)] == ["run"]

    with warehouse.transaction() as cursor:
        abort_dead_runs(cursor, ended_at=NOW)
    start_run(warehouse, after, NOW)
    end_run(warehouse, tmp_path, after, NOW)
    with warehouse.transaction() as cursor:
        queue_work(cursor, [dead, after])

    told = [(each["eventType"], each["job"]["name"]) for each in events(warehouse)]
    assert told.count(("COMPLETE", "marts/c")) == 1
    assert told.count(("COMPLETE", "marts/c.checks")) == 1
    assert told.index(("COMPLETE", "marts/c")) < told.index(("ABORT", "run"))


@pytest.mark.usefixtures("run_id")
def test_check_results_are_told_as_assertions(warehouse: Warehouse) -> None:
    event = next(each for each in events(warehouse) if each["job"]["name"] == "marts/c.checks")

    (assertion,) = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert assertion["assertion"] == "gate"
    assert assertion["success"] is True
    assert assertion["expected"] == "x > 0"


def test_column_lineage_is_told_where_the_ledger_has_it(warehouse: Warehouse, tmp_path: Path) -> None:
    cursor = warehouse.cursor()
    cursor.execute(
        "create table if not exists lineage.column_dep (asset_key varchar, code_version varchar, column_name varchar,"
        " upstream_key varchar, upstream_column varchar, transform_type varchar, transform_subtype varchar,"
        " expression varchar, method varchar)"
    )
    cursor.execute(
        "insert into lineage.column_dep values"
        " ('marts/c', 'code of marts/c', 'a', 'raw/a', 'b', 'DIRECT', 'IDENTITY', null, 'sqlglot')"
    )
    identifier = uuid4()
    start_run(warehouse, identifier, NOW)
    record_work(warehouse, identifier, NOW)
    end_run(warehouse, tmp_path, identifier, NOW)

    event = next(
        each for each in events(warehouse) if (each["eventType"], each["job"]["name"]) == ("COMPLETE", "marts/c")
    )

    (field,) = event["outputs"][0]["facets"]["columnLineage"]["fields"]["a"]["inputFields"]
    assert (field["name"], field["field"]) == ("raw/a", "b")
    assert field["transformations"][0]["type"] == "DIRECT"


def test_a_failed_step_is_told_with_its_error(warehouse: Warehouse, run_id: UUID) -> None:
    with warehouse.transaction() as cursor:
        record_run(
            cursor,
            RunRecord(
                run_id=uuid4(), root_run_id=run_id, parent_run_id=run_id, job_name="ml/d", run_kind="task",
                trigger="gridweave", started_at=NOW, ended_at=NOW, environment_id="e", status="FAIL",
                error_message="no rows",
            ),
        )  # fmt: skip

    event = events(warehouse)[-1]

    assert (event["eventType"], event["job"]["name"]) == ("FAIL", "ml/d")
    assert event["run"]["facets"]["errorMessage"]["message"] == "no rows"


DBT_WORK = [("START", "marts/c"), ("COMPLETE", "marts/c"), ("COMPLETE", "marts/c.checks")]


def test_what_plain_dbt_made_is_told_when_it_is_sealed(warehouse: Warehouse, tmp_path: Path) -> None:
    earlier = uuid4()
    start_run(warehouse, earlier, NOW)
    end_run(warehouse, tmp_path, earlier, NOW)
    dbt_builds(warehouse.cursor(), None)
    with warehouse.transaction() as cursor:
        seal(cursor, recorded_at=NOW)

    told = [(event["eventType"], event["job"]["name"]) for event in events(warehouse)]

    assert told[2:] == DBT_WORK


def test_what_dbt_made_in_a_run_is_told_when_the_run_ends(warehouse: Warehouse, tmp_path: Path) -> None:
    identifier = uuid4()
    start_run(warehouse, identifier, NOW)
    dbt_builds(warehouse.cursor(), str(identifier))
    end_run(warehouse, tmp_path, identifier, NOW)

    told = [(event["eventType"], event["job"]["name"]) for event in events(warehouse)]

    assert told[1:-1] == DBT_WORK


def test_an_event_is_not_queued_when_its_fact_is_not_recorded(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.ConstraintException):
        start_twice(warehouse, uuid4())

    assert events(warehouse) == []


def start_twice(warehouse: Warehouse, run_id: UUID) -> None:
    record = RunRecord(
        run_id=run_id,
        root_run_id=run_id,
        job_name="run",
        run_kind="flow",
        trigger="t",
        started_at=NOW,
        environment_id="e",
    )
    with warehouse.transaction() as cursor:
        record_run(cursor, record)
        record_run(cursor, record)


@pytest.mark.usefixtures("run_id")
def test_events_are_written_to_a_file_once(warehouse: Warehouse, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    left = [deliver(warehouse, settings, now=NOW) for _ in range(2)]

    lines = (tmp_path / "openlineage" / "events.jsonl").read_text().splitlines()
    assert left == [0, 0]
    assert [json.loads(line) for line in lines] == events(warehouse)
    assert waiting_count(warehouse.cursor()) == 0


@pytest.mark.usefixtures("run_id")
def test_delivered_events_are_kept_for_a_while_only(warehouse: Warehouse, tmp_path: Path) -> None:
    deliver(warehouse, Settings(home=tmp_path), now=NOW)

    deliver(warehouse, Settings(home=tmp_path), now=NOW + timedelta(days=KEPT_DAYS, seconds=1))

    assert events(warehouse) == []


class Backend(http.server.BaseHTTPRequestHandler):
    """Takes a number of events and then refuses."""

    taken: ClassVar[list[dict[str, Any]]] = []
    keys: ClassVar[set[str | None]] = set()
    room: ClassVar[int] = 0
    refused: ClassVar[tuple[str, int]] = ("", 0)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        word, status = self.refused
        if word and word in json.dumps(body):
            words = b"unknown\n  facet"
            self.send_response(status)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)
            return
        is_taken = self.path == "/api/v1/lineage" and len(self.taken) < self.room
        if is_taken:
            self.taken.append(body)
            self.keys.add(self.headers["Authorization"])
        self.send_response(201 if is_taken else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """A login page, which takes no events and says all is well."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Settings]:
    Backend.taken.clear()
    Backend.keys.clear()
    Backend.refused = ("", 0)
    server = http.server.HTTPServer(("127.0.0.1", 0), Backend)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield Settings.model_validate({"home": tmp_path, "openlineage_url": url, "openlineage_api_key": "secret"})
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("run_id")
def test_what_a_backend_refused_is_sent_next_time(warehouse: Warehouse, backend: Settings) -> None:
    Backend.room = 3
    first = deliver(warehouse, backend, now=NOW)
    waiting = current_status(warehouse.cursor())["undelivered_events"]
    Backend.room = 100

    second = deliver(warehouse, backend, now=NOW)

    assert first == waiting == 4
    assert second == 0
    assert Backend.taken == events(warehouse)
    assert Backend.keys == {"Bearer secret"}


def refuse_one(warehouse: Warehouse, status: int) -> int:
    """Let the backend refuse the second event; return its number."""
    row = (
        warehouse.cursor().execute("select seq from lineage.openlineage_event order by seq limit 1 offset 1").fetchone()
    )
    assert row is not None
    Backend.room = 100
    warehouse.cursor().execute(
        'update lineage.openlineage_event set body = json_merge_patch(body, \'{"odd": "odd"}\') where seq = ?', row
    )
    Backend.refused = ("odd", status)
    return int(row[0])


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.usefixtures("run_id")
def test_an_event_that_is_refused_for_good_is_set_aside_and_holds_up_none(
    warehouse: Warehouse, backend: Settings, status: int
) -> None:
    seq = refuse_one(warehouse, status)

    waiting = deliver(warehouse, backend, now=NOW)
    facts = current_status(warehouse.cursor())
    again = deliver(warehouse, backend, now=NOW + timedelta(days=KEPT_DAYS + 1))

    assert (waiting, facts["undelivered_events"], again) == (0, 0, 0)
    assert facts["refused_events"] == [
        {
            "reason": f"HTTP {status} unknown facet",
            "events": 1,
            "first_seq": seq,
            "last_seq": seq,
            "since": NOW,
        }
    ]
    assert len(Backend.taken) == 6
    assert len(events(warehouse)) == 1, "what was delivered is dropped after a week, what was refused is kept"


@pytest.mark.parametrize("status", [302, 401, 403, 404, 405, 407, 408, 410, 421, 429, 500, 503])
@pytest.mark.usefixtures("run_id")
def test_what_may_be_taken_later_keeps_its_place(warehouse: Warehouse, backend: Settings, status: int) -> None:
    refuse_one(warehouse, status)

    waiting = deliver(warehouse, backend, now=NOW)
    Backend.refused = ("", 0)
    later = deliver(warehouse, backend, now=NOW)

    assert (waiting, later) == (6, 0)
    assert Backend.taken == events(warehouse)
    assert current_status(warehouse.cursor())["refused_events"] == []


@pytest.mark.usefixtures("run_id")
def test_a_refused_event_is_sent_when_somebody_asks_for_it(warehouse: Warehouse, backend: Settings) -> None:
    refuse_one(warehouse, 422)
    deliver(warehouse, backend, now=NOW)
    Backend.refused = ("", 0)

    with warehouse.transaction() as cursor:
        count = take_back(cursor)
    waiting = deliver(warehouse, backend, now=NOW)

    assert (count, waiting) == (1, 0)
    assert len(Backend.taken) == len(events(warehouse)) == 7
    assert current_status(warehouse.cursor())["refused_events"] == []


@pytest.mark.usefixtures("run_id")
def test_a_dead_backend_fails_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "openlineage_url": "http://127.0.0.1:9"})

    assert deliver(warehouse, settings, now=NOW) == 7


@pytest.mark.usefixtures("run_id")
def test_a_file_that_cannot_be_written_fails_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "openlineage").write_text("in the way")

    assert deliver(warehouse, Settings(home=tmp_path), now=NOW) == 7


@pytest.mark.usefixtures("run_id")
def test_a_backend_that_speaks_something_else_fails_no_run(warehouse: Warehouse, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings = Settings.model_validate({"home": tmp_path, "openlineage_url": url})
        waiting = deliver(warehouse, settings, now=NOW)
        thread.join()

    assert waiting == waiting_count(warehouse.cursor()) > 0
