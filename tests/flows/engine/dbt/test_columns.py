from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import Any

import pytest

from flows.assets.versions import CHECKOUT
from flows.engine.dbt.assets import asset_key, dbt_assets
from flows.engine.dbt.columns import DbtColumns, UndeclaredRelationError


def node(name: str, sql: str, *parents: str, columns: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "unique_id": f"model.g.{name}",
        "name": name,
        "alias": name,
        "schema": "marts",
        "original_file_path": f"models/{name}.sql",
        "compiled_code": sql,
        "raw_code": sql,
        "description": "",
        "columns": {each: {"data_type": "double"} for each in columns},
        "config": {"materialized": "table"},
        "tags": [],
        "depends_on": {"nodes": [f"model.g.{each}" for each in parents], "macros": []},
    }


def manifest(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": {each["unique_id"]: each for each in nodes}, "sources": {}, "macros": {}}


SEED = node("base", "select 1.0 as a, 2.0 as b")


def test_columns_of_a_model_are_those_of_its_sql_so_stars_are_followed_down_the_graph() -> None:
    read = manifest(SEED, node("top", "select * from w.marts.base", "base"))

    maps = DbtColumns(read, asset_key, None).maps()

    assert maps["marts/top"].columns == ("a", "b")
    assert maps["marts/top"].reads("marts/base") == frozenset({"a", "b"})


def test_a_hard_coded_relation_is_refused_with_model_file_and_relation() -> None:
    read = manifest(SEED, node("top", "select a from w.marts.base union all select a from raw.secret", "base"))

    with pytest.raises(UndeclaredRelationError, match=r"marts/top \(transform/models/top\.sql\) reads raw/secret"):
        DbtColumns(read, asset_key, None).maps()


def test_a_reference_in_a_branch_that_is_never_declared_is_refused_too() -> None:
    read = manifest(SEED, node("top", "select a from w.marts.base"))

    with pytest.raises(UndeclaredRelationError, match="marts/base"):
        DbtColumns(read, asset_key, None).maps()


def test_what_cannot_be_followed_is_opaque_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    read = manifest(SEED, node("top", "pivot w.marts.base on a using sum(b)", "base"))

    found = DbtColumns(read, asset_key, None).maps()["marts/top"]

    assert found.method == "opaque"
    assert found.reason
    assert found.reads("marts/base") is None
    assert "marts/top" in caplog.text


def test_the_cache_is_used_until_the_sql_or_a_readable_column_changes(tmp_path: Path) -> None:
    path = tmp_path / "columns.json"
    top = node("top", "select * from w.marts.base", "base")
    first = DbtColumns(manifest(SEED, top), asset_key, path).maps()
    written = path.read_bytes()

    second = DbtColumns(manifest(SEED, top), asset_key, path).maps()
    wider = node("base", "select 1.0 as a, 2.0 as b, 3.0 as c")
    third = DbtColumns(manifest(wider, top), asset_key, path).maps()

    assert second == first
    assert third["marts/top"].columns == ("a", "b", "c")
    assert path.read_bytes() != written


def test_a_broken_cache_is_no_reason_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "columns.json"
    path.write_text("{")

    assert DbtColumns(manifest(SEED), asset_key, path).maps()["marts/base"].columns == ("a", "b")


def test_the_code_version_follows_the_meaning_not_the_text(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: g\n")

    def version(sql: str) -> str:
        return dbt_assets(manifest(node("base", sql)), tmp_path)[0].code_version

    assert version("select 1.0 as a") == version("SELECT\n  1.0 AS a, -- one")
    assert version("with unused as (select 2 as b) select 1.0 as a") == version("select 1.0 as a")
    assert version("select 1.0 as a") != version("select 1.5 as a")
    assert version("select 1.0 as a, 2 as b") != version("select 2 as b, 1.0 as a")


def test_no_python_step_reaches_past_its_context_for_a_raw_cursor() -> None:
    """A step reads with `context.read`, which refuses what is not declared; the open warehouse is not its business."""
    files = sorted((CHECKOUT / "flows" / "definitions").glob("*.py"))

    offences = [
        f"{path.name}: {node.attr}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"warehouse", "cursor", "lake", "execute"}
    ]

    assert files
    assert offences == []


@pytest.mark.parametrize("sql", ["select 1.0 as a, date '2024-01-01' as d", "select * from w.marts.unknown pivot (a)"])
def test_other_days_are_other_code(tmp_path: Path, sql: str) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: g\n", encoding="utf-8")

    def version(meta: dict[str, Any]) -> str:
        declared = node("base", "select 1.0 as a") | {"raw_code": sql, "compiled_code": sql}
        declared["config"] = {"materialized": "incremental", "meta": meta}
        return dbt_assets(manifest(declared), tmp_path)[0].code_version

    assert version({}) == version({"owner": "planning"})
    assert len({version(meta) for meta in ({}, {"days": {"column": "d"}}, {"days": {"column": "a"}})}) == 3


def test_another_event_column_of_a_raw_table_is_other_code(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: g\n", encoding="utf-8")

    def version(**days: str) -> str:
        declared = node("readings", "") | {"schema": "raw", "config": {"meta": {"days": days} if days else {}}}
        return dbt_assets(manifest() | {"sources": {"source.g.readings": declared}}, tmp_path)[0].code_version

    declared = [{}, {"column": "_d", "event_column": "at"}, {"column": "_d", "event_column": "sent_at"}]
    assert len({version(**days) for days in declared}) == 3
