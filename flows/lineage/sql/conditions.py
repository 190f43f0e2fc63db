"""A condition that a person wrote: one plain expression over the columns of one row, or it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from flows.errors import UsageError
from flows.lineage.sql.parsing import DIALECT

if TYPE_CHECKING:
    from collections.abc import Iterable

_REFUSED = (
    exp.Query,
    exp.Subquery,
    exp.Window,
    exp.AggFunc,
    exp.Star,
    exp.Placeholder,
    exp.Parameter,
    exp.Rand,
    exp.Unnest,
    exp.Command,
    exp.Lambda,
)


def plain_condition(text: str, columns: Iterable[str]) -> str:
    """Return a condition written anew from what was understood of it.

    Args:
        text: What stands after WHERE.
        columns: Columns of the row.

    Raises:
        UsageError: It is more than a plain expression over these columns.
    """
    known = {name.lower() for name in columns}
    condition = _parsed(text)
    for node in condition.find_all(*_REFUSED):
        raise _refusal(text, f"it holds {type(node).__name__.lower()}")
    named = list(condition.find_all(exp.Column))
    for column in named:
        if column.table or column.name.lower() not in known:
            raise _refusal(
                text, f"{column.sql(dialect=DIALECT)} is no column of the asset ({', '.join(sorted(known))})"
            )
    if not named:
        raise _refusal(text, "it names no column")
    return condition.sql(dialect=DIALECT, comments=False)


def _parsed(text: str) -> exp.Expr:
    try:
        statements = parse(f"select 1 from one_row where {text}", dialect=DIALECT)  # noqa: S608 - parsed, not run
    except SqlglotError as error:
        raise _refusal(text, str(error).splitlines()[0]) from error
    select = statements[0] if len(statements) == 1 else None
    if not isinstance(select, exp.Select):
        raise _refusal(text, "it is not one expression")
    rest = {name for name, value in select.args.items() if value} - {"expressions", "from", "from_", "where", "kind"}
    where = select.args.get("where")
    source = select.find(exp.From)
    if rest or where is None or source is None or source.this.sql() != "one_row":
        raise _refusal(text, "something stands behind the expression")
    condition: exp.Expr = where.this
    return condition


def _refusal(text: str, reason: str) -> UsageError:
    return UsageError(
        f"--where {text!r} is not a plain condition on one row: {reason}.",
        hint="""for example --where "feeder_id = 'F012' and outage_date = date '2026-03-01'\"""",
    )
