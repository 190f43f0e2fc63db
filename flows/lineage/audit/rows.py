"""The ledger's rows as the chain sees them: subject, facts and a hash over every field.

What lives here: which tables the chain covers, and the SQL that hashes their rows. What does not: the chain itself
(chain.py).

The hash of a row is sha256 over `name=length:value;` of its columns in order of their names. Null columns do not
count, so adding a nullable column later changes no hash; lengths are in bytes, so no two rows read the same. Values are
text: timestamps UTC with microseconds, everything else as DuckDB casts it. DuckDB hashes what is verified (a million
rows in two seconds); the few rows of a transaction are hashed here, as preparing that SQL takes 10 ms; and the verifier
in an evidence bundle repeats it once more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.warehouse.content import columns_of
from flows.warehouse.identifiers import literal, quoted, relation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from flows.warehouse.declared import Columns

UUID_COLUMNS = frozenset(
    {
        "run_id", "materialization_id", "input_materialization_id", "check_result_id", "message_id", "attempt_id",
        "alert_id", "event_id",
    }
)  # fmt: skip
KEY_SEPARATOR = "|"


@dataclass(frozen=True, kw_only=True)
class CoveredTable:
    """A table of the ledger whose rows the chain covers one by one, or in groups.

    Args:
        name: Table in schema lineage.
        keys: Its primary key; of groups, what makes one.
        facts: Columns an entry shows in clear beside the hash of the row.
        state: Column that names what happened, where there is one.
        grouped: SELECT of one row per group, with a digest of its rows; empty: rows are covered one by one.
    """

    name: str
    keys: tuple[str, ...]
    facts: tuple[str, ...] = ()
    state: str | None = None
    grouped: str = ""

    @property
    def source(self) -> str:
        """SQL of what stands behind FROM; never a view of the ledger, which somebody could have changed."""
        return f"({self.grouped})" if self.grouped else relation(f"lineage/{self.name}")


_DAYS_OF_A_MATERIALIZATION = """
select
    materialization_id,
    count(*) as day_count,
    sha256(string_agg(row_text, ';' order by row_text)) as days_sha256
from (
    select materialization_id, json_array(asset_key, day, row_count, data_version)::varchar as row_text
    from lineage.materialization_day
)
group by materialization_id
"""

COVERED = {
    each.name: each
    for each in (
        CoveredTable(name="environment", keys=("environment_id",), facts=("git_commit", "python_version")),
        CoveredTable(
            name="run", keys=("run_id",), facts=("job_name", "root_run_id", "run_kind", "trigger"), state="status"
        ),
        CoveredTable(name="asset_definition", keys=("asset_key", "code_version"), facts=("source_path",)),
        CoveredTable(name="asset_dep", keys=("asset_key", "code_version", "upstream_key")),
        CoveredTable(
            name="materialization",
            keys=("materialization_id",),
            facts=("asset_key", "code_version", "data_version", "row_count", "run_id"),
            state="event_kind",
        ),
        CoveredTable(
            name="materialization_input",
            keys=("materialization_id", "input_materialization_id", "role"),
            facts=("upstream_data_version", "upstream_key"),
        ),
        CoveredTable(
            name="materialization_day",
            keys=("materialization_id",),
            facts=("day_count",),
            grouped=_DAYS_OF_A_MATERIALIZATION,
        ),
        CoveredTable(
            name="check_result",
            keys=("check_result_id",),
            facts=("asset_key", "blocking", "check_name", "materialization_id", "run_id"),
            state="status",
        ),
        CoveredTable(
            name="model_version",
            keys=("model_version_id",),
            facts=("artifact_sha256", "model_name", "run_id", "training_materialization_id"),
        ),
        CoveredTable(
            name="load",
            keys=("load_id", "raw_table"),
            facts=("reason", "row_count", "run_id", "source"),
            state="status",
        ),
        CoveredTable(
            name="delivered_file",
            keys=("source", "sha256"),
            facts=("file_name", "load_id", "reason", "run_id"),
            state="status",
        ),
        CoveredTable(name="alert", keys=("alert_id",), facts=("changed_by", "kind", "subject"), state="state"),
        CoveredTable(
            name="outbox_message",
            keys=("message_id",),
            facts=("business_key", "message_type", "revision", "run_id", "target"),
            state="state",
        ),
        CoveredTable(name="outbox_attempt", keys=("attempt_id",), facts=("message_id", "run_id"), state="outcome"),
        CoveredTable(name="emitted_event", keys=("event_name", "resource_id", "occurrence"), facts=("run_id",)),
        CoveredTable(name="service_event", keys=("event_id",), facts=("run_id", "service"), state="event"),
    )
}
"""Tables that only grow, or whose rows change in ways the ledger records; every state of a row is an entry."""

STATE_TABLES = ("asset", "asset_check", "column_dep", "column_code", "definition_period")
"""Tables rewritten at a run, or of many small rows; the chain covers them as a whole, one entry for each state."""


def columns_of_rows(connection: duckdb.DuckDBPyConnection, table: str) -> Columns:
    """Return name and type of each column the chain hashes; none of a table that an older ledger lacks."""
    covered = COVERED.get(table)
    if covered is None or not covered.grouped:
        return columns_of(connection, f"lineage/{table}")
    if not columns_of(connection, f"lineage/{table}"):
        return ()
    described = connection.execute(f"describe {covered.grouped}").fetchall()
    return tuple((str(name), str(kind)) for name, kind, *_ in described)


def subject_sql(table: CoveredTable) -> str:
    """Render a row's subject, `<table>:<key>`, as SQL."""
    keys = f" || {literal(KEY_SEPARATOR)} || ".join(f"{quoted(name)}::varchar" for name in table.keys)
    return f"{literal(table.name + ':')} || {keys}"


def subject_of(table: CoveredTable, texts: Mapping[str, str | None]) -> str:
    """Return the subject of a row that was read as text; the same as `subject_sql`."""
    return f"{table.name}:" + KEY_SEPARATOR.join(str(texts[name]) for name in table.keys)


def text_sql(name: str, kind: str) -> str:
    """Render a column's canonical text as SQL."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(timezone('UTC', {quoted(name)}), '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"{quoted(name)}::varchar"


def text_of(value: object) -> str | None:
    """Write a value as `text_sql` reads it back.

    >>> text_of(datetime(2026, 3, 29, 1, tzinfo=UTC)), text_of(True), text_of(None)
    ('2026-03-29T01:00:00.000000Z', 'true', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return canonical_time(value) if isinstance(value, datetime) else str(value)


def canonical_time(moment: datetime) -> str:
    """Write a moment in UTC with microseconds.

    >>> canonical_time(datetime(2026, 3, 29, 1, tzinfo=UTC))
    '2026-03-29T01:00:00.000000Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def row_hash_sql(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Render the hash over all fields of a row as SQL."""
    parts = []
    for name, kind in sorted(columns_of_rows(connection, table)):
        text = text_sql(name, kind)
        parts.append(f"case when {quoted(name)} is null then '' else {literal(name + '=')} || strlen({text}) || ':'")
        parts[-1] += f" || {text} || ';' end"
    return f"sha256(concat({', '.join(parts)}))"


def rows_sql(connection: duckdb.DuckDBPyConnection, table: CoveredTable) -> str:
    """Render subject, state, facts and hash of a table's rows as SQL; a ledger older than the table has none."""
    if not columns_of_rows(connection, table.name):
        names = ("subject", "row_sha256", "state", *table.facts)
        return f"select {', '.join(f'null::varchar as {quoted(name)}' for name in names)} where false"
    state = f"{quoted(table.state)}::varchar" if table.state else "null::varchar"
    facts = "".join(f", {quoted(name)}::varchar as {quoted(name)}" for name in table.facts)
    return (
        f"select {subject_sql(table)} as subject, {row_hash_sql(connection, table.name)} as row_sha256,"  # noqa: S608 - names of this module
        f" {state} as state{facts} from {table.source}"
    )


def row_hash(texts: Mapping[str, str | None]) -> str:
    """Hash a row whose values are canonical text already; the same as `row_hash_sql`.

    >>> row_hash({"b": None, "a": "é"}) == hashlib.sha256("a=2:é;".encode()).hexdigest()
    True
    """
    parts = (f"{name}={len(text.encode())}:{text};" for name, text in sorted(texts.items()) if text is not None)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def text_columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Render the canonical text of each column of a table of the ledger as SQL, by name."""
    return {name: text_sql(name, kind) for name, kind in columns_of_rows(connection, table)}


def read_texts(
    cursor: duckdb.DuckDBPyConnection, table: CoveredTable, keys: Sequence[Sequence[object]]
) -> list[dict[str, str | None]]:
    """Read rows as canonical text by column.

    Args:
        cursor: Of the ledger.
        table: A covered table.
        keys: Primary keys, or the same leading part of each.
    """
    texts = text_columns(cursor, table.name)
    condition, values = _having(table.keys[: len(keys[0])], keys)
    rows = cursor.execute(
        f"select {', '.join(texts.values())} from {table.source} where {condition}",  # noqa: S608 - names of this module
        values,
    ).fetchall()
    return [dict(zip(texts, row, strict=True)) for row in rows]


def _having(names: Sequence[str], keys: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
    """Render a condition for keys; a single one by equality, which takes half as long as a set of one."""
    kinds = ["uuid" if name in UUID_COLUMNS else "varchar" for name in names]
    if len(keys) == 1:
        parts = (f"{quoted(name)} = ?::{kind}" for name, kind in zip(names, kinds, strict=True))
        return " and ".join(parts), [str(value) for value in keys[0]]
    columns = ", ".join(quoted(name) for name in names)
    columns = f"({columns})" if len(names) > 1 else columns
    wanted = ", ".join(f"unnest(?::{kind}[])" for kind in kinds)
    return f"{columns} in (select {wanted})", [[str(value) for value in column] for column in zip(*keys, strict=True)]


def state_hash(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Hash a table as a whole, whatever the order of its rows."""
    row = connection.execute(
        f"select sha256(coalesce(string_agg(row_sha256, '' order by row_sha256), '')) from"  # noqa: S608 - names of this module
        f" (select {row_hash_sql(connection, table)} as row_sha256 from {relation('lineage/' + table)})"
    ).fetchone()
    return str(row[0]) if row else ""
