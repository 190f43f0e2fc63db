"""Which parts of a select decide instead of flowing.

What lives here: the meaning of sqlglot's node types for lineage. What does not: following columns (following.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterable


def deciding_parts(node: exp.Expr) -> dict[int, str]:
    """Children of a node whose value decides instead of flowing, by identity."""
    found: dict[int, str] = {}

    def mark(value: Any, kind: str) -> None:  # noqa: ANN401 - sqlglot's arguments are untyped
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, exp.Expr):
                found[id(each)] = kind

    beside = {name: value for name, value in node.args.items() if name != "this"}
    if isinstance(node, exp.If | exp.Case):
        mark(node.this, "CONDITIONAL")
    elif isinstance(node, exp.Filter):
        mark(node.expression, "CONDITIONAL")
    elif isinstance(node, exp.Window):
        mark([*_flat(beside.values())], "WINDOW")
    elif isinstance(node, exp.Order | exp.WithinGroup):
        mark([*_flat(beside.values())], "SORT")
    elif isinstance(node, exp.Exists | exp.In):
        mark(beside.get("query"), "CONDITIONAL")
    return found


def _flat(values: Iterable[object]) -> Iterable[object]:
    for value in values:
        yield from value if isinstance(value, list) else (value,)


def deciding_projections(select: exp.Select) -> list[str]:
    """Projections that also decide which rows there are.

    With DISTINCT or GROUP BY ALL all of them. Without GROUP BY, a select may be one single aggregate; only a column
    that stands alone proves that it is not (DuckDB refuses the mixture), so without one all count. UNNEST makes rows.
    """
    named = [each.alias_or_name for each in select.selects]
    group = select.args.get("group")
    order = select.args.get("order")
    is_all = select.args.get("distinct") or (group is not None and group.args.get("all")) or _is_order_all(order)
    has_bare_column = any(isinstance(each.unalias(), exp.Column) for each in select.selects)
    if is_all or (group is None and not has_bare_column):
        return named
    return [each.alias_or_name for each in select.selects if each.find(exp.Unnest, exp.Explode) or _makes_rows(each)]


def _is_order_all(order: exp.Expr | None) -> bool:
    """ORDER BY ALL sorts by every column; with a LIMIT that decides."""
    return order is not None and any(column.name.lower() == "all" for column in order.find_all(exp.Column, exp.Var))


def _makes_rows(projection: exp.Expr) -> bool:
    names = {"unnest", "generate_subscripts"}
    return any(each.name.lower() in names for each in projection.find_all(exp.Anonymous))
