"""Drafting a suite from data, for a person to edit.

What lives here: profiling a relation in DuckDB and writing a suite module from it. What does not: deciding what is
right. A draft repeats what the data happens to be; every note says what was seen and asks for the reason, so that a
bound that nobody thought about cannot be taken for one with a source.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from flows.errors import UsageError
from flows.warehouse.content import KEY_SUFFIXES, VOLATILE_COLUMNS, columns_of
from flows.warehouse.identifiers import quoted, relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

MOST_VALUES = 12
"""A text column of at most so many values is a code with a list."""

_NUMERIC = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL\(\d+,\d+\)")
_WHY = "put physics, a standard or a contract here"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one column happens to hold.

    Args:
        name: Column.
        kind: DuckDB type.
        null_share: Share of nulls, 0-1.
        low: Smallest finite number; None for other types.
        high: Largest finite number; None for other types.
        values: All values of a text column with few of them.
    """

    name: str
    kind: str
    null_share: float
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()


def draft_suite(connection: duckdb.DuckDBPyConnection, key: str) -> str:
    """Write the module of a suite that the table as it is now would pass.

    Args:
        connection: A reader.
        key: Asset key, `<schema>/<relation>`.

    Returns:
        Python text for `expectations/suites/<schema>/<relation>.py`.

    Raises:
        UsageError: This is no key, there is no such table, or it is empty.
    """
    if not all(key.partition("/")):
        raise UsageError(f"{key!r} is no asset key.", hint="write <schema>/<table>; `gridweave assets` lists them")
    columns = columns_of(connection, key)
    found = connection.execute(f"select count(*) from {relation(key)}").fetchone() if columns else None  # noqa: S608 - checked identifiers
    if found is None or not found[0]:
        raise UsageError(
            f"{key} has no rows to draft a suite from.",
            hint="`gridweave assets` lists the keys; `gridweave run` makes and publishes their tables",
        )
    profiles = [_profile(connection, key, name, kind) for name, kind in columns]
    words = _raw_words(profiles) if key.startswith("raw/") else _made_words(profiles, _grain(connection, key, profiles))
    return _module(key, int(found[0]), list(words))


def _profile(connection: duckdb.DuckDBPyConnection, key: str, name: str, kind: str) -> Profile:
    column, source = quoted(name), relation(key)
    if _NUMERIC.fullmatch(kind):
        measures = (
            f"min({column}) filter (isfinite({column}::double)), max({column}) filter (isfinite({column}::double))"
        )
    else:
        measures = "null, null"
    row = connection.execute(
        f"select avg(({column} is null)::integer), {measures} from {source}"  # noqa: S608 - checked identifiers
    ).fetchone() or (1.0, None, None)
    values: tuple[str, ...] = ()
    if kind == "VARCHAR" and not name.startswith("_"):
        found = connection.execute(
            f"select distinct {column} from {source} where {column} is not null order by all limit {MOST_VALUES + 1}"  # noqa: S608 - quoted names
        ).fetchall()
        values = tuple(value for (value,) in found) if len(found) <= MOST_VALUES else ()
    low, high = (None if each is None else float(each) for each in row[1:])
    return Profile(name=name, kind=kind, null_share=float(row[0]), low=low, high=high, values=values)


def _grain(connection: duckdb.DuckDBPyConnection, key: str, profiles: Sequence[Profile]) -> tuple[str, ...]:
    """The fewest key-like columns that tell rows apart; none when all of them together do not."""
    columns = [
        each.name
        for each in profiles
        if each.name.endswith(KEY_SUFFIXES) and each.name not in VOLATILE_COLUMNS and each.null_share == 0
    ]

    def is_unique(names: Sequence[str]) -> bool:
        listed = ", ".join(quoted(name) for name in names)
        row = connection.execute(
            f"select count(*) = count(distinct ({listed})) from {relation(key)}"  # noqa: S608 - checked identifiers
        ).fetchone()
        return bool(row and row[0])

    if not columns or not is_unique(columns):
        return ()
    for name in tuple(reversed(columns)):
        fewer = [each for each in columns if each != name]
        if fewer and is_unique(fewer):
            columns = fewer
    return tuple(columns)


def _raw_words(profiles: Sequence[Profile]) -> Iterator[str]:
    keys = [each.name for each in profiles if each.name.endswith("_id") and each.name[0] != "_" and not each.null_share]
    stamps = [each.name for each in profiles if each.kind == "TIMESTAMP WITH TIME ZONE" and each.name[0] != "_"]
    yield f"landed_rows(keys={_names([*keys, *stamps[:1]])})"
    yield from (f"event_time({_text(name)})" for name in stamps[:1])
    yield from (
        f"in_order({_text(earlier)}, {_text(later)}, notes={_text('seen in this order; ' + _WHY)})"
        for earlier, later in pairwise(stamps)
    )
    for each in profiles:
        if each.name.startswith("_") or each.name in keys:
            continue
        if each.low is not None and each.high is not None:
            low, high = _widened(each.low, each.high)
            notes = f"seen {each.low:g} to {each.high:g}; {_WHY}"
            yield f"plausible_reading({_text(each.name)}, {low!r}, {high!r}, notes={_text(notes)})"
        elif each.values:
            yield f"known_value({_text(each.name)}, {_names(each.values)}, notes={_text('all that was seen; ' + _WHY)})"
        if 0 < each.null_share < 1 and each.name not in stamps[:1]:
            largest, usual = min(1.0, 2 * each.null_share + 0.05), min(1.0, each.null_share + 0.02)
            notes = f"seen {each.null_share:.1%} null; {_WHY}"
            yield (
                f"mostly_filled({_text(each.name)}, max_null_share={largest:.2f}, odd_null_share={usual:.2f},"
                f" notes={_text(notes)})"
            )


def _made_words(profiles: Sequence[Profile], grain: Sequence[str]) -> Iterator[str]:
    yield f"at_least_one_row(notes={_text('An empty table is a failure upstream.')})"
    if grain:
        yield f"unique_grain({_names(grain)}, notes={_text('seen unique; ' + _WHY)})"
    for each in profiles:
        if each.null_share == 0:
            yield f"no_nulls({_text(each.name)}, notes={_text('seen filled; ' + _WHY)})"
        if each.low is not None and each.high is not None:
            low, high = _widened(each.low, each.high)
            notes = f"seen {each.low:g} to {each.high:g}; {_WHY}"
            yield f"within({_text(each.name)}, {low!r}, {high!r}, notes={_text(notes)})"
        elif each.values and not each.name.endswith(KEY_SUFFIXES):
            yield f"one_of({_text(each.name)}, {_names(each.values)}, notes={_text('all that was seen; ' + _WHY)})"


def _widened(low: float, high: float) -> tuple[float, float]:
    """Round outwards to two digits; a bound at zero stays there, as it mostly means something.

    >>> _widened(0.0, 93.2), _widened(-4.61, 0.5)
    ((0.0, 94.0), (-4.7, 0.5))
    >>> _widened(1.0, 1.0000000000000002)
    (1.0, 1.1)
    """
    return _rounded(low, ROUND_FLOOR), _rounded(high, ROUND_CEILING)


def _rounded(value: float, rounding: str) -> float:
    exact = Decimal(value)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), rounding=rounding)) if exact else 0.0


def _module(key: str, count: int, words: Sequence[str]) -> str:
    """Put the words into a module like its neighbours."""
    name = key.partition("/")[2]
    used = {re.match(r"\w+", word)[0] for word in words}  # type: ignore[index] # each word begins with its name
    landing = {"landed_rows", "event_time", "in_order", "plausible_reading", "known_value", "mostly_filled"}
    imports = [f"from expectations.checks import {', '.join(sorted({'suite', *(used - landing)}))}"]
    if used & landing:
        imports.append(f"from expectations.landing import {', '.join(sorted(used & landing))}")
    body = "".join(f"        {word},\n" for word in words)
    return (
        f'"""Guards the border between … and ….\n\n'
        f"Drafted from {count:,} rows; each bound is what was seen until somebody says why it is right.\n"
        f'"""\n\nfrom __future__ import annotations\n\nfrom typing import Any\n\n'
        + "\n".join(imports)
        + f"\n\n\ndef build() -> Any:  # noqa: ANN401 - GX is untyped\n"
        f'    """Build the suite."""\n    return suite(\n        "{name}",\n{body}    )\n'
    )


def _names(names: Sequence[str]) -> str:
    listed = ", ".join(_text(name) for name in names)
    return f"({listed},)" if len(names) == 1 else f"({listed})"


def _text(text: str) -> str:
    """Write a text as Python does, in the quotes of this project."""
    return json.dumps(text, ensure_ascii=False)
