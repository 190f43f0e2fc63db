"""Safe use of names in SQL. Values are always bound; names are checked here and quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import PurePath

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(name: str) -> str:
    """Quote one identifier.

    Raises:
        ConfigurationError: The name holds anything but letters, digits and underscores.

    >>> quoted("load_mw")
    '"load_mw"'
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not a plain SQL name (letters, digits, underscores).",
            hint="rename the column or table",
        )
    return f'"{name}"'


def relation(key: str) -> str:
    """Turn an asset key into a quoted relation.

    >>> relation("ml/load_forecast")
    '"ml"."load_forecast"'
    """
    schema, _, name = key.partition("/")
    return f"{quoted(schema)}.{quoted(name)}"


def exact_path(path: PurePath) -> str:
    """Return a path that DuckDB's readers take literally; they would read `load_[a].csv` as `load_a.csv`.

    >>> from pathlib import PurePath
    >>> exact_path(PurePath("in/load_[a]*.csv"))
    'in/load_[[]a][*].csv'
    """
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path))


def literal(text: str) -> str:
    """Quote a text literal, for the few statements (views, COPY, ATTACH) that take no bound values.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
