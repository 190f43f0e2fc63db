"""Parsing one compiled query and refusing what cannot be followed with certainty.

What lives here: the syntax tree, the relations it reads, and the constructs that are refused. What does not: following
its columns (following.py).
"""

from __future__ import annotations

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from flows.errors import GridweaveError

DIALECT = "duckdb"
DOUBTFUL = "doubtful"
"""Place of the doubtful names of a select in its notes."""

_FORBIDDEN = (exp.Pivot, exp.Command, exp.Columns, exp.TableColumn)
_ALIAS_CLAUSES = ("where", "group", "having", "qualify", "order", "distinct")
_ROW_MAKERS = (exp.GenerateSeries, exp.Unnest, exp.Explode)


class NotFollowedError(GridweaveError):
    """A query whose columns cannot be followed.

    Args:
        reason: What stands in the way.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The columns of the query cannot be followed: {reason}.")


def relations_read(sql: str) -> frozenset[str]:
    """Return what a query reads: `<schema>/<relation>`, a bare name without a schema, a table function as `name()`.

    Functions that make rows from their arguments (`range`, `unnest`) read nothing and are left out.

    Raises:
        NotFollowedError: The text is not one query.
    """
    tree = parsed(sql)
    functions = {
        f"{_function_name(table.this)}()"
        for table in tree.find_all(exp.Table)
        if not isinstance(table.this, exp.Identifier) and not isinstance(table.this, _ROW_MAKERS)
    }
    return frozenset(key_of(table) for table in real_tables(tree)) | functions


def parsed(sql: str) -> exp.Expr:
    """Parse one query.

    Raises:
        NotFollowedError: The text is not one query.
    """
    try:
        statements = [each for each in parse(sql, dialect=DIALECT) if each is not None]
    except SqlglotError as error:
        raise NotFollowedError(str(error).splitlines()[0]) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise NotFollowedError("it is not one select")
    return statements[0]


def real_tables(tree: exp.Expr) -> list[exp.Table]:
    """Tables that are no CTE: qualified by a schema, or of a name no CTE has."""
    named = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    return [
        table
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and (table.db or table.name.lower() not in named)
    ]


def key_of(table: exp.Table) -> str:
    """Asset key of a relation."""
    return f"{table.db}/{table.name}".lower() if table.db else table.name.lower()


def _function_name(function: exp.Expr) -> str:
    if isinstance(function, exp.Func) and not isinstance(function, exp.Anonymous):
        return function.sql_name().lower()
    return (function.name or function.key).lower()


def refuse_forbidden(tree: exp.Expr) -> None:
    """Refuse constructs whose columns nobody can tell from the text.

    Raises:
        NotFollowedError: There is one.
    """
    for node in tree.find_all(*_FORBIDDEN):
        raise NotFollowedError(f"it uses {type(node).__name__.lower()}")
    if any(each.args.get("recursive") for each in tree.find_all(exp.With)):
        raise NotFollowedError("it is recursive")
    for join in tree.find_all(exp.Join):
        if join.method in {"NATURAL", "POSITIONAL"}:
            raise NotFollowedError(f"it uses a {join.method.lower()} join")


def mark_doubtful_names(tree: exp.Expr) -> None:
    """Remember names that a select gives to an expression and also uses bare in a clause behind the projections.

    There DuckDB takes a bare name for a column of a source when one has it, sqlglot for the alias (between projections
    both take the alias, in a plain ORDER BY too). Where alias and column both exist the query is refused (following.py,
    which knows the sources).
    """
    for select in tree.find_all(exp.Select):
        renamed = {
            each.alias.lower()
            for each in select.selects
            if isinstance(each, exp.Alias)
            and not (isinstance(each.this, exp.Column) and each.this.name.lower() == each.alias.lower())
        }
        clauses = [select.args[name] for name in _ALIAS_CLAUSES if isinstance(select.args.get(name), exp.Expr)]
        used = {
            column.name.lower()
            for clause in clauses
            for column in clause.find_all(exp.Column)
            if not column.table
            and column.find_ancestor(exp.Select) is select
            and not (isinstance(clause, exp.Order) and isinstance(column.parent, exp.Ordered))
        }
        select.meta[DOUBTFUL] = renamed & used
