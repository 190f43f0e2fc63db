"""Text from outside that can be printed and stored: no bytes of it move a cursor, colour a terminal or end a line."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with everything escaped that is no letter, digit, mark or plain space.

    >>> printable("load\x1b[2J\udcff.csv")
    'load\\x1b[2J\\udcff.csv'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )
