"""A Great Expectations datasource that runs inside the warehouse owner's DuckDB instance.

What lives here: the only adapter between GX and DuckDB. What does not: which suites run and what
their results mean (expectations.gate).

Decision: GX gets a cursor of the owner's connection, not a file name. Opening the file again in the
    process that holds it drops the POSIX lock, and a second configuration is refused by DuckDB.
    GX's own SQL path fails on DuckDB ("the connection is closed before the rows are fetched"), so
    the execution engine keeps one connection open.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine

from expectations import shared_scan

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    import duckdb

DATASOURCE_NAME = "warehouse"

# GX requires a connection string; nothing is ever opened under it because the engine has a
# `creator`.
_UNUSED_URL = "duckdb:///:memory:"


class AutocommitConnection(ConnectionWrapper):  # type: ignore[misc] # duckdb-engine is untyped
    """A cursor on which every query is its own transaction.

    In a transaction one failed query makes DuckDB refuse all that follow, so one broken check would
    take the others with it.
    """

    def begin(self) -> None:
        """Begin nothing."""

    def commit(self) -> None:
        """Commit nothing: every query already is."""

    def rollback(self) -> None:
        """Roll back nothing: GX only reads."""


class OwnedDuckDBExecutionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc] # GX is untyped
    """GX's SQL execution engine on one connection that stays open between queries."""

    _connection: sa.Connection | None

    @contextmanager
    def get_connection(self) -> Generator[sa.Connection, None, None]:
        """Lend the one open connection; it is not closed because its rows are fetched later."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Resolve metrics; queries that look at the same rows share a scan."""

        def resolve_each(some: Sequence[Any]) -> dict[Any, Any]:
            found: dict[Any, Any] = super(OwnedDuckDBExecutionEngine, self).resolve_metrics(
                some, metrics=metrics, runtime_configuration=runtime_configuration
            )
            return found

        return shared_scan.resolve(metrics_to_resolve, resolve_each)

    def close(self) -> None:
        """Close the connection, then the engine."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.dispose()


class OwnedDuckDBDatasource(SQLDatasource):  # type: ignore[misc] # GX is untyped
    """GX datasource over a cursor of the connection that owns the warehouse."""

    type: Literal["owned_duckdb"] = "owned_duckdb"

    @property
    def execution_engine_type(self) -> Any:  # noqa: ANN401 - the field `type` above hides the builtin
        """The execution engine this datasource uses."""
        return OwnedDuckDBExecutionEngine

    def get_engine(self) -> sa.Engine:
        """Return the SQLAlchemy engine over the owner's cursor."""
        engine: sa.Engine = self.get_execution_engine().engine
        return engine

    def get_execution_engine(self) -> OwnedDuckDBExecutionEngine:
        """Return the one execution engine `open_datasource` gave to this datasource."""
        execution_engine: OwnedDuckDBExecutionEngine = self._execution_engine
        return execution_engine


def open_datasource(
    cursor: duckdb.DuckDBPyConnection,
    *,
    context: Any,  # noqa: ANN401 - GX is untyped
) -> OwnedDuckDBDatasource:
    """Make the datasource.

    Args:
        cursor: A cursor of the owner's connection, used by GX alone: a second statement on a cursor
            silently ends the first result. Closed together with the execution engine.
        context: The GX data context the datasource reports to.

    Returns:
        The datasource, ready for query assets. Close it with `get_execution_engine().close()`.
    """
    engine = sa.create_engine(_UNUSED_URL, creator=lambda: AutocommitConnection(cursor), poolclass=sa.pool.StaticPool)
    datasource = OwnedDuckDBDatasource(name=DATASOURCE_NAME, connection_string=_UNUSED_URL)
    datasource._data_context = context  # noqa: SLF001 - GX offers no public way outside its config file
    datasource._execution_engine = OwnedDuckDBExecutionEngine(  # noqa: SLF001 - as above
        engine=engine, create_temp_table=False
    )
    return datasource
