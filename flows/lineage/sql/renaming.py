"""The same query over other relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from flows.lineage.sql.parsing import DIALECT, key_of, parsed, real_tables

if TYPE_CHECKING:
    from collections.abc import Callable


def over_other_relations(sql: str, place_of: Callable[[str], tuple[str, str]]) -> str:
    """Let a compiled query read other relations.

    Args:
        sql: One compiled query.
        place_of: Schema and name to read instead, by asset key.

    Raises:
        NotFollowedError: The text is not one query.
    """
    tree = parsed(sql)
    for table in real_tables(tree):
        schema, name = place_of(key_of(table))
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        table.set("catalog", None)
        table.set("db", exp.to_identifier(schema, quoted=True))
        table.set("this", exp.to_identifier(name, quoted=True))
    return tree.sql(dialect=DIALECT)
