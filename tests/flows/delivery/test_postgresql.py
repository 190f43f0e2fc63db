"""Messages into a real PostgreSQL (RELIABILITY O1, O2, S8)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from flows.delivery.systems import ACKNOWLEDGED, OutgoingMessage
from flows.delivery.systems.postgresql import PostgresqlSystem
from flows.delivery.targets import SqlTarget, Target
from tests.flows.delivery.postgresql import PASSWORD, PostgresqlServer, postgresql_server
from tests.flows.delivery.utility import Utility, target

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with postgresql_server() as running:
        yield running


@pytest.fixture
def connection(server: PostgresqlServer) -> Iterator[psycopg.Connection]:
    with server.connect() as opened:
        opened.execute("drop schema if exists orders cascade")
        yield opened


def described(server: PostgresqlServer, tmp_path: Path, **changes: Any) -> Target:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    system = {
        "kind": "sql", "port": server.port, "database": "postgres", "user": "postgres", "table": "orders.incoming",
        "password": {"file": str(secret)}, "sslmode": "prefer", "has_table_made": True, "timeout_seconds": 2,
    }  # fmt: skip
    return target("eam", system=system | changes)


def message(number: int, *, business_key: str = "N/T1") -> OutgoingMessage:
    return OutgoingMessage(
        message_id=f"i{number}", message_type="work_request", business_key=business_key, revision=number,
        verb="create", idempotency_key=f"k{number}", body="{}",
    )  # fmt: skip


def test_messages_become_rows_once(
    server: PostgresqlServer, connection: psycopg.Connection, grid: Utility, tmp_path: Path
) -> None:
    connection.execute("create schema orders")
    eam = described(server, tmp_path)
    grid.many_orders(1_200)
    grid.make(eam)

    grid.deliver(eam)
    grid.sql("update lineage.outbox_message set state = 'QUEUED'")  # as if every reply had been lost
    grid.deliver(eam)

    rows = connection.execute(
        "select idempotency_key, business_key, revision, verb, body->'Payload'->'WorkRequest'->>'priority'"
        " from orders.incoming order by business_key"
    ).fetchall()
    keys = grid.messages("idempotency_key", "business_key", "revision", "verb")
    assert [row[:4] for row in rows] == keys
    assert {row[4] for row in rows} == {"2"}
    assert grid.sql("select distinct state, attempts from lineage.outbox_message") == [("SENT", 2)]


def test_one_message_the_table_refuses_holds_up_no_other(
    server: PostgresqlServer, connection: psycopg.Connection, grid: Utility, tmp_path: Path
) -> None:
    connection.execute("create schema orders")
    eam = described(server, tmp_path)
    grid.orders("T0")
    grid.make(eam)
    grid.deliver(eam)
    connection.execute("alter table orders.incoming add check (business_key <> 'N/T2')")
    grid.orders("T0", "T1", "T2", "T3")
    grid.make(eam)

    grid.deliver(eam)

    states = {key: (state, reason) for key, state, reason in grid.messages("business_key", "state", "state_reason")}
    assert {key: state for key, (state, _) in states.items()} == {
        "N/T0": "SENT",
        "N/T1": "SENT",
        "N/T2": "DEAD",
        "N/T3": "SENT",
    }
    assert "check constraint" in str(states["N/T2"][1])


def test_a_server_that_stands_still_is_not_waited_for(
    server: PostgresqlServer, connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute("create schema orders")
    eam = described(server, tmp_path, timeout_seconds=1).system
    assert isinstance(eam, SqlTarget)
    system = PostgresqlSystem(eam, password=SecretStr(PASSWORD))
    first, second = ([message(number)] for number in range(2))
    before = system.send(first)
    ((backend,),) = connection.execute(
        "select pid from pg_stat_activity where application_name = 'gridweave'"
    ).fetchall()

    os.kill(backend, signal.SIGSTOP)
    try:
        (while_it_stands,) = system.send(second)
    finally:
        os.kill(backend, signal.SIGCONT)
    after = system.send(second)
    system.close()

    assert before == after == [ACKNOWLEDGED]
    assert (while_it_stands.outcome, while_it_stands.is_target_down) == ("RETRY", True)
    assert connection.execute("select count(*) from orders.incoming").fetchall() == [(2,)]


def test_a_server_that_is_stopped_makes_messages_wait_and_gets_each_once(
    server: PostgresqlServer, connection: psycopg.Connection, grid: Utility, tmp_path: Path
) -> None:
    connection.execute("create schema orders")
    eam = described(server, tmp_path)
    grid.many_orders(50)
    grid.make(eam)
    server.stop()
    try:
        (done,) = grid.deliver(eam)
    finally:
        server.start()
    grid.clock.pass_(minutes=6)
    grid.deliver(eam)

    assert done.problem
    with server.connect() as again:
        rows = again.execute("select count(*), count(distinct idempotency_key) from orders.incoming").fetchall()
    assert rows == [(50, 50)]


@pytest.mark.parametrize(
    "changes", [{"table": "orders.missing", "has_table_made": False}, {"user": "nobody"}], ids=["no table", "no role"]
)
def test_what_is_wrong_with_the_target_waits_and_shows_no_password(
    changes: dict[str, Any], server: PostgresqlServer, grid: Utility, tmp_path: Path
) -> None:
    eam = described(server, tmp_path, **changes)
    grid.orders("T1")
    grid.make(eam)

    (done,) = grid.deliver(eam)

    assert done.problem
    assert grid.messages("state", "attempts") == [("QUEUED", 1)]
    assert PASSWORD not in f"{done} {grid.sql('select * from lineage.outbox_attempt')} {eam}"


def test_a_table_name_is_a_name_and_never_a_statement(server: PostgresqlServer, connection: psycopg.Connection) -> None:
    connection.execute("create schema orders")
    odd = SqlTarget.model_construct(
        kind="sql", host="127.0.0.1", port=server.port, database="postgres", user="postgres", password=None,
        table='orders.x"; drop schema orders; --', sslmode="prefer", timeout_seconds=2, has_table_made=True,
    )  # fmt: skip
    system = PostgresqlSystem(odd, password=None)
    system._secret = PASSWORD

    (receipt,) = system.send([message(1, business_key="N/'; drop table x")])
    system.close()

    tables = connection.execute("select table_name from information_schema.tables where table_schema = 'orders'")
    assert receipt.outcome == "ACKNOWLEDGED"
    assert tables.fetchall() == [('x"; drop schema orders; --',)]
