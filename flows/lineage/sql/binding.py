"""Which rows of what a query reads can stand behind given rows of its result.

What lives here: for every place a query reads a relation, the columns of that relation whose values the result's rows
fix, found in equality joins, groupings, windows and plain columns. What does not: selecting rows with them
(flows.lineage.rows) and following values (following.py).

A column of the result is *bound* to a column of a relation when a row of the result with some value is made from rows
of the relation with that same value only: through plain columns and equality joins; through GROUP BY only its own keys
stay bound, through a window only the columns every window is partitioned by, through LIMIT none. Where a join's key
does not reach the result, the key's own source says which values can have been met (*met*: a semi-join).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from flows.lineage.rows.bindings import Place, Reading
from flows.lineage.sql.parsing import DIALECT, NotFollowedError, key_of, parsed, real_tables, refuse_forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_PLACES = 500
"""A step used twice is read twice; beyond this a query is not followed but taken whole."""

_UNBINDING = ("limit", "offset", "sample")

_Node = tuple[str, str]
"""A column of a source of one select: the source's name there, the column's."""


@dataclass
class _Column:
    """What one column is bound to, and the places its values can come from (None: it is computed)."""

    bound: dict[int, frozenset[str]] = field(default_factory=dict)
    origins: frozenset[Place] | None = None


@dataclass
class _Equalities:
    """Columns of one select that are equal in every row it makes, or, one way, wherever the other side was met."""

    leads_to: dict[_Node, set[_Node]] = field(default_factory=lambda: defaultdict(set))

    def add(self, one: _Node, other: _Node, *, is_mutual: bool) -> None:
        self.leads_to[one].add(other)
        if is_mutual:
            self.leads_to[other].add(one)

    def reached(self, start: _Node) -> set[_Node]:
        found, waiting = {start}, [start]
        while waiting:
            fresh = self.leads_to[waiting.pop()] - found
            found |= fresh
            waiting.extend(fresh)
        return found

    def is_same(self, one: _Node, other: _Node) -> bool:
        return one == other or (other in self.reached(one) and one in self.reached(other))


def readings_of(sql: str, columns: Mapping[str, Iterable[str]]) -> tuple[Reading, ...]:
    """Find every place a query reads a relation, and what its rows are bound to.

    Args:
        sql: One compiled query.
        columns: Columns of every relation it reads, by key.

    Raises:
        NotFollowedError: The query is written in a way that nothing can be said with certainty.
    """
    tree = parsed(sql)
    refuse_forbidden(tree)
    schema: dict[str, Any] = {}
    for table in real_tables(tree):
        table.set("catalog", None)
        key = key_of(table)
        if not columns.get(key):
            raise NotFollowedError(f"the columns of {key} are not known")
        schema_name, _, relation = key.partition("/")
        schema.setdefault(schema_name, {})[relation] = dict.fromkeys(columns[key], "text")
    try:
        qualified = qualify(
            tree,
            schema=schema,
            dialect=DIALECT,
            quote_identifiers=False,
            identify=False,
            validate_qualify_columns=False,
        )
        root = build_scope(qualified)
        if root is None:
            raise NotFollowedError("it is not a select")
        binder = _Binder({key: tuple(names) for key, names in columns.items()})
        return binder.readings(binder.resolve(root))
    except (SqlglotError, KeyError, RecursionError) as error:
        raise NotFollowedError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


class _Binder:
    """Goes through the selects of one query; each use of a step counts as reading its relations once more."""

    def __init__(self, columns: Mapping[str, tuple[str, ...]]) -> None:
        self._columns = columns
        self._places: list[str] = []
        self._met: dict[Place, set[frozenset[Place]]] = defaultdict(set)

    def readings(self, result: dict[str, _Column]) -> tuple[Reading, ...]:
        """Turn what was found into one reading per place."""
        found = []
        for number, key in enumerate(self._places):
            own = {(column, name) for name, each in result.items() for column in each.bound.get(number, ())}
            met = {
                (place[1], origins)
                for place, all_origins in self._met.items()
                if place[0] == number
                for origins in all_origins
            }
            found.append(Reading(number=number, key=key, bound=frozenset(own), met=frozenset(met)))
        return tuple(found)

    def resolve(self, scope: Scope) -> dict[str, _Column]:
        expression = scope.expression
        if isinstance(expression, exp.SetOperation):
            return self._of_set(scope, expression)
        if isinstance(expression, exp.Select):
            return self._of_select(scope, expression)
        raise NotFollowedError(f"{type(expression).__name__.lower()} is not a query")

    def _of_table(self, key: str) -> dict[str, _Column]:
        number = len(self._places)
        if number >= MOST_PLACES:
            raise NotFollowedError(f"it reads relations in more than {MOST_PLACES} places")
        self._places.append(key)
        return {
            name.lower(): _Column({number: frozenset({name.lower()})}, frozenset({(number, name.lower())}))
            for name in self._columns[key]
        }

    def _source(self, scope: Scope, name: str) -> dict[str, _Column]:
        source = scope.sources.get(name)
        if isinstance(source, exp.Table):
            return self._of_table(key_of(source)) if isinstance(source.this, exp.Identifier) else {}
        if isinstance(source, Scope) and not isinstance(source.expression, exp.UDTF):
            return self.resolve(source)
        return {}

    def _of_set(self, scope: Scope, union: exp.SetOperation) -> dict[str, _Column]:
        sides = [self.resolve(each) for each in scope.set_operation_scopes]
        if union.args.get("by_name") or len({len(side) for side in sides}) != 1:
            raise NotFollowedError("it unites by name")
        is_cut = any(union.args.get(name) for name in _UNBINDING)
        made = {}
        for name, *parts in zip(sides[0], *(side.values() for side in sides), strict=True):
            origins = [part.origins for part in parts]
            known = frozenset().union(*(each for each in origins if each is not None))
            bound = {} if is_cut else {number: names for part in parts for number, names in part.bound.items()}
            made[name] = _Column(bound, None if None in origins else known)
        return made

    def _of_select(self, scope: Scope, select: exp.Select) -> dict[str, _Column]:
        sources = {name: self._source(scope, name) for name in scope.selected_sources}
        for subquery in scope.subquery_scopes:
            self.resolve(subquery)  # its places count, bound to nothing
        equalities = _equalities(select)
        self._remember_met(equalities, sources)
        kept = _kept_by_windows(select, equalities)
        is_cut = any(select.args.get(name) for name in _UNBINDING)
        made = {}
        for projection in select.selects:
            if projection.is_star:
                raise NotFollowedError("a star could not be expanded")
            nodes = _plain_nodes(projection.unalias(), equalities)
            column = _Column(origins=self._origins(nodes, sources))
            if nodes and not is_cut and all(kept(node) for node in nodes):
                column.bound = _bound(nodes, equalities, sources)
            made[projection.alias_or_name] = column
        return made

    @staticmethod
    def _origins(nodes: tuple[_Node, ...], sources: Mapping[str, Mapping[str, _Column]]) -> frozenset[Place] | None:
        found: frozenset[Place] = frozenset()
        for source, name in nodes:
            column = sources.get(source, {}).get(name)
            if column is None or column.origins is None:
                return None
            found |= column.origins
        return found or None

    def _remember_met(self, equalities: _Equalities, sources: Mapping[str, Mapping[str, _Column]]) -> None:
        """A place joined on a column meets only values that the other side of the join has."""
        for start in list(equalities.leads_to):
            for source, name in equalities.leads_to[start]:
                column, other = sources.get(source, {}).get(name), sources.get(start[0], {}).get(start[1])
                if column is None or other is None or not other.origins:
                    continue
                for number, names in column.bound.items():
                    for own in names:
                        self._met[number, own].add(other.origins)


def _bound(
    nodes: tuple[_Node, ...], equalities: _Equalities, sources: Mapping[str, Mapping[str, _Column]]
) -> dict[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    for source, name in {each for node in nodes for each in equalities.reached(node)}:
        column = sources.get(source, {}).get(name)
        for number, names in (column.bound if column else {}).items():
            found[number] = found.get(number, frozenset()) | names
    return found


def _plain_nodes(value: exp.Expr, equalities: _Equalities) -> tuple[_Node, ...]:
    """The column a projection is, or the joined columns a `coalesce` of join keys takes the first of."""
    if isinstance(value, exp.Paren):
        return _plain_nodes(value.this, equalities)
    if isinstance(value, exp.Column):
        return ((value.table, value.name.lower()),)
    if isinstance(value, exp.Coalesce):
        parts = [value.this, *value.expressions]
        nodes = tuple(_node(part) for part in parts if isinstance(part, exp.Column))
        first = nodes[0] if nodes else None
        if first and len(nodes) == len(parts) and all(equalities.is_same(first, each) for each in nodes):
            return nodes
    return ()


def _node(column: exp.Column) -> _Node:
    return column.table, column.name.lower()


def _equalities(select: exp.Select) -> _Equalities:
    """Collect `column = column` of all joins and of WHERE."""
    found = _Equalities()
    for join in select.args.get("joins") or ():
        side, kind = (join.side or "").upper(), (join.kind or "").upper()
        joined = join.alias_or_name
        for one, other in _equated(join.args.get("on")):
            if joined not in {one[0], other[0]}:
                continue
            left, right = (one, other) if other[0] == joined else (other, one)
            if side == "LEFT" or kind in {"SEMI", "ANTI"}:
                found.add(left, right, is_mutual=False)
            elif side == "RIGHT":
                found.add(right, left, is_mutual=False)
            elif side != "FULL":
                found.add(left, right, is_mutual=True)
    where = select.args.get("where")
    for one, other in _equated(where.this if where else None):
        found.add(one, other, is_mutual=True)
    return found


def _equated(condition: exp.Expr | None) -> Iterable[tuple[_Node, _Node]]:
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        inner = part.unnest() if isinstance(part, exp.Paren) else part
        if isinstance(inner, exp.And):
            yield from _equated(inner)
        if not isinstance(inner, exp.EQ | exp.NullSafeEQ):
            continue
        left, right = inner.left, inner.right
        if isinstance(left, exp.Column) and isinstance(right, exp.Column):
            yield _node(left), _node(right)


def _kept_by_windows(select: exp.Select, equalities: _Equalities) -> Any:  # noqa: ANN401 - a predicate over nodes
    """Return a test whether a column is a key of every window, and of DISTINCT ON, of a select."""
    key_lists = [_partition(window, select) for window in _windows(select)]
    distinct = select.args.get("distinct")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    if on is not None:
        key_lists.append([each for each in on.expressions if isinstance(each, exp.Column)])

    def is_kept(node: _Node) -> bool:
        return all(any(equalities.is_same(node, _node(key)) for key in keys) for keys in key_lists)

    return is_kept


def _windows(select: exp.Select) -> list[exp.Window]:
    clauses = [*select.selects, *(select.args[name] for name in ("qualify", "order") if select.args.get(name))]
    return [
        window
        for clause in clauses
        for window in clause.find_all(exp.Window)
        if window.find_ancestor(exp.Select) is select
    ]


def _partition(window: exp.Window, select: exp.Select) -> list[exp.Column]:
    keys = list(window.args.get("partition_by") or ())
    name = window.args.get("alias")
    named = {each.name.lower(): each for each in select.args.get("windows") or ()}
    if not keys and name is not None and name.name.lower() in named:
        keys = list(named[name.name.lower()].args.get("partition_by") or ())
    return [key for key in keys if isinstance(key, exp.Column)]
