from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flows.assets.versions import (
    digest_of,
    logical_version,
    normalised_sql,
    parameters_hash,
)


def test_formatting_and_comments_do_not_change_sql() -> None:
    plain = "select load_mw from {{ ref('fct_load') }} where load_mw > 0"
    dressed = """
        -- why
        select   load_mw  {# jinja #}
        from {{ ref('fct_load') }} /* block */
        where load_mw > 0
    """

    assert normalised_sql(dressed) == normalised_sql(plain)


def test_text_in_literals_is_kept() -> None:
    text = "select '--  not a comment', 'it''s  {# neither #}'"

    assert normalised_sql(text) == text


def test_another_literal_is_another_version() -> None:
    assert normalised_sql("select '-- a'") != normalised_sql("select '-- b'")


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_no_two_lists_of_parts_share_a_digest(left: list[str], right: list[str]) -> None:
    assert (digest_of(*left) == digest_of(*right)) == (left == right)


def test_the_order_of_parameters_does_not_count() -> None:
    assert parameters_hash({"a": 1, "b": 2}) == parameters_hash({"b": 2, "a": 1})


def test_every_ingredient_changes_the_logical_version() -> None:
    base: dict[str, Any] = {
        "code_version": "c",
        "input_versions": {"a": "1"},
        "parameters": {"p": 1},
        "environment_id": "e",
    }
    changes: list[dict[str, Any]] = [
        {"code_version": "d"},
        {"input_versions": {"a": "2"}},
        {"input_versions": {"b": "1"}},
        {"parameters": {"p": 2}},
        {"environment_id": "f"},
    ]

    versions = {logical_version(**{**base, **change}) for change in [{}, *changes]}

    assert len(versions) == len(changes) + 1
