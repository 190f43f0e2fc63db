"""Files of loads in the lake, as the audit chain noted them when the loads landed.

What lives here: reading their names and hashes. What does not: holding files against them
(flows.lineage.audit.published_data, flows.engine.landing.lost_loads), writing the notes (flows.engine.landing.lander).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_NOTED = """
with noted as (
    select canonical::json as body, seq from lineage.audit_log
    where contains(canonical, '"action":"load.landed"')
        and ($1::varchar is null or contains(canonical, '|' || $1 || '"'))
),
latest as (
    select body->>'subject' as subject, arg_max(body->'payload'->'files', seq) as files from noted group by all
)
select l.load_id, l.raw_table, l.storage_uri, unnest(json_keys(n.files)),
    unnest(list_transform(json_keys(n.files), lambda name: n.files->>name))
from lineage.load l join latest n on n.subject = 'load:' || l.load_id || '|' || l.raw_table
where n.files is not null order by l.landed_at, l.load_id, l.raw_table
"""


@dataclass(frozen=True, kw_only=True)
class NotedFile:
    """One Parquet file of a load.

    Args:
        load_id: The load.
        raw_table: The raw table.
        storage_uri: The load's folder, relative to gridweave's home.
        name: Name of the file.
        sha256: Hash of its bytes.
    """

    load_id: str
    raw_table: str
    storage_uri: str
    name: str
    sha256: str


def noted_files(connection: duckdb.DuckDBPyConnection, raw_table: str | None = None) -> list[NotedFile]:
    """Return the noted files of all loads, or of those of one raw table, oldest load first.

    Args:
        connection: A database with the ledger.
        raw_table: Name of the raw table; None: all of them.

    Returns:
        The files. Loads of a release that did not note files have none.
    """
    rows = connection.execute(_NOTED, [raw_table]).fetchall()
    return [
        NotedFile(load_id=load_id, raw_table=table, storage_uri=uri, name=name, sha256=sha256)
        for load_id, table, uri, name, sha256 in rows
    ]
