"""Which rows of an input a row of a Python step is made from, as far as its author can say it with keys.

What lives here: the declaration. What does not: using it (flows.lineage.rows). What SQL models read is found in their
SQL; a step in Python has to say it. A step that says nothing is taken to use the rows with the same key values.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RowLink:
    """Rows of one input that stand behind a row.

    Args:
        key: The input.
        columns: (column of the input, column of the asset) that are equal.
        through: (column of the input, another input, column there): equal to what the linked rows of that other input
            hold, where the asset itself does not carry the value.
    """

    key: str
    columns: tuple[tuple[str, str], ...]
    through: tuple[tuple[str, str, str], ...] = ()
