"""Expectations that Great Expectations does not have for DuckDB."""

from __future__ import annotations


def register() -> None:
    """Make them known to Great Expectations, which learns of a class when it is defined."""
    from expectations.custom import share_of_rows  # noqa: F401 - the import is the registration
