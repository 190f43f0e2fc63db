"""A message as a CSV table that a spreadsheet can open without running anything.

What lives here: flattening a message into rows, and what is done to a cell that a spreadsheet would take for a formula.

Source: OWASP, CSV Injection: a cell that begins with = + - @ tab or carriage return is a formula; an apostrophe before
it makes it text. Line feed and the full-width forms are read the same way by some programs. Numbers are numbers and are
left as they are.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flows.delivery.systems import OutgoingMessage

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width on purpose


def neutralised(cell: object) -> str:
    """Write a cell so that no spreadsheet runs it.

    >>> neutralised("=1+1"), neutralised(-2.5), neutralised("F1"), neutralised(None)
    ("'=1+1", '-2.5', 'F1', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = str(cell)
    return f"'{text}" if isinstance(cell, str) and text.lstrip(" ").startswith(FORMULA_STARTS) else text


def csv_text(message: OutgoingMessage) -> str:
    """Write a message as a header line and one line, or one line for each of its time points."""
    rows = list(_rows(json.loads(message.body)))
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([neutralised(name) for name in names])
    writer.writerows([neutralised(row.get(name)) for name in names] for row in rows)
    return stream.getvalue()


def _rows(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Flatten a body; a list of objects gives a row each, which all repeat the rest."""
    flat = dict(_flat(body))
    lists = [name for name, value in flat.items() if isinstance(value, list)]
    rest = {name: value for name, value in flat.items() if name not in lists}
    if not lists:
        yield rest
    for name in lists:
        for point in flat[name]:
            yield rest | {f"{name}.{part}": value for part, value in point.items()}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what objects within objects hold, under dotted names."""
    for name, each in value.items():
        if isinstance(each, dict):
            yield from _flat(each, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", each
