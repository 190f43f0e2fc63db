"""Query results as pandas frames.

Decision: through Arrow. DuckDB's own `.df()` uses a pandas argument that pandas 3.1 warns about for every column with a
time zone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def read_frame(connection: duckdb.DuckDBPyConnection, statement: str) -> pd.DataFrame:
    """Run a statement and return its rows.

    Args:
        connection: A cursor of its own, in UTC.
        statement: One SELECT.

    Returns:
        Rows in the statement's order, timestamps with time zone aware UTC, SQL null as NaN, NaT or None.
    """
    frame: pd.DataFrame = connection.sql(statement).to_arrow_table().to_pandas()
    return frame
