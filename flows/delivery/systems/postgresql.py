"""Messages as rows of a PostgreSQL table. The only importer of psycopg.

What lives here: inserting by idempotency key, and what each error means. What does not: when to try again.

Decision: a chunk is one transaction, and a row that is there already is left as it is. So a commit of which the reply
was lost costs an insert that does nothing. When the table refuses something, the chunk is done again row by row, so
that one bad message holds up no other.

A server whose network is gone, or whose process stands still, would never say anything, while the warehouse waits: a
chunk that takes longer than `LONGEST_CHUNK` times the target's time limit is cut off at the socket.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from flows.delivery.systems import ACKNOWLEDGED, OutgoingMessage, Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import SecretStr

    from flows.delivery.targets import SqlTarget

CHUNK_SIZE = 500
LONGEST_CHUNK = 3
"""The server's own limit is for each statement; this one, in such limits, for all of a chunk."""
REASON_CHARACTERS = 300
COLUMNS = ("idempotency_key", "message_type", "business_key", "revision", "verb", "body")
_TABLE = """
create table if not exists {table} (
    idempotency_key text primary key, message_type text not null, business_key text not null, revision integer not null,
    verb text not null, body jsonb not null, received_at timestamptz not null default now())
"""
_INSERT = """
insert into {table} (idempotency_key, message_type, business_key, revision, verb, body)
values (%s, %s, %s, %s, %s, %s) on conflict (idempotency_key) do nothing
"""


class PostgresqlSystem:
    """A table that a system reads its messages from.

    Args:
        described: Its description.
        password: None: the server asks for none.
    """

    chunk_size = CHUNK_SIZE

    def __init__(self, described: SqlTarget, *, password: SecretStr | None) -> None:
        self._described = described
        self._secret = password.get_secret_value() if password else ""
        table = sql.Identifier(*described.table.split("."))
        self._make, self._insert = (sql.SQL(text).format(table=table) for text in (_TABLE, _INSERT))
        self._connection: psycopg.Connection | None = None

    def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
        """Insert messages, all of them committed before any is acknowledged."""
        try:
            self._write(messages)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(messages) > 1:
                return [receipt for message in messages for receipt in self.send([message])]
            return [Receipt(outcome="REJECTED", reason=self._told(error))]
        except psycopg.Error as error:
            self.close()
            return [Receipt(outcome="RETRY", is_target_down=True, reason=self._told(error))] * len(messages)
        return [ACKNOWLEDGED] * len(messages)

    def close(self) -> None:
        """Close the connection; the next chunk opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, messages: Sequence[OutgoingMessage]) -> None:
        """Insert in one transaction."""
        if self._connection is None:
            self._connection = self._connected()
        rows = [tuple(getattr(message, name) for name in COLUMNS) for message in messages]
        with (
            _cut_off_after(self._connection, LONGEST_CHUNK * self._described.timeout_seconds),
            self._connection.transaction(),
            self._connection.cursor() as cursor,
        ):
            cursor.executemany(self._insert, rows)

    def _connected(self) -> psycopg.Connection:
        """Connect, and make the table where that was asked for."""
        described = self._described
        connection = psycopg.connect(
            host=described.host,
            port=described.port,
            dbname=described.database,
            user=described.user,
            password=self._secret or None,
            sslmode=described.sslmode,
            connect_timeout=described.timeout_seconds,
            options=f"-c statement_timeout={described.timeout_seconds * 1000}",
            application_name="gridweave",
            autocommit=True,
        )
        if described.has_table_made:
            with _cut_off_after(connection, LONGEST_CHUNK * described.timeout_seconds):
                connection.execute(self._make)
        return connection

    def _told(self, error: psycopg.Error) -> str:
        """Say what the server said, without the password."""
        text = " ".join(f"{type(error).__name__}: {error}".split())
        text = text.replace(self._secret, "***") if self._secret else text
        return text[:REASON_CHARACTERS]


@contextmanager
def _cut_off_after(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """End the connection under whoever waits for it, who then sees that it is lost."""
    timer = Timer(seconds, _shut_down, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(connection: psycopg.Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
