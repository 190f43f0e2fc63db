"""The law of the layers and the house rules of SQL, read from dbt's manifest and the model files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import PROJECT, Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("transform")]  # one process builds the projects

SCORED = "ml"
# What each kind of model may read. Quarantine is a by-product of cleaning; only the conservation facts read it.
CONSERVATION = (".fct_row_conservation", ".fct_row_conservation_daily")
MAY_READ = {
    "stg": {"source", "ref"},
    "int": {"stg", "int", "ref"},
    "quarantine": {"stg", "int", "ref"},
    "dim": {"stg", "int", "dim", "fct", "ref"},
    "fct": {"stg", "int", "dim", "fct", "ref"},
    "feat": {"int", "dim", "fct"},
    "rpt": {"dim", "fct", "feat", "source"},
}
FOLDER_OF = {
    "stg": "staging",
    "int": "intermediate",
    "quarantine": "quarantine",
    "dim": "marts",
    "fct": "marts",
    "feat": "features",
    "rpt": "reports",
}
FORBIDDEN = {
    "union all by name": r"union\s+(all\s+)?by\s+name",
    "pivot": r"\b(un)?pivot\b",
    "columns()": r"\bcolumns\s*\(",
    "wall clock": r"\b(current_timestamp|current_date|now\s*\(|today\s*\(|get_current_timestamp)",
    "random": r"\b(random|uuid|gen_random_uuid)\s*\(",
    "arbitrary row": r"\b(any_value|first|last|list|group_concat|array_agg)\s*\(",
    "joined in any order": r"\bstring_agg\s*\((?![^)]*\border by\b)",
    "column number": r"\b(group|order)\s+by\s+\d",
}
MODEL_FILES = sorted((PROJECT / "models").rglob("*.sql"))
STAR = re.compile(r"select \*")
IMPORT_STAR = re.compile(r"\(\s*select \* from \{\{ (ref|source)\([^}]*\}\}\s*\)")
LAST_STAR = re.compile(r"select \*\s+from \w+\s*$")


@pytest.fixture(scope="module")
def manifest(read_project: Project) -> dict[str, Any]:
    return read_project.manifest()


def _models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def _layer(unique_id: str) -> str:
    kind, _, name = unique_id.split(".", 2)
    return "source" if kind == "source" else name.split("_")[0]


def test_every_model_reads_only_what_its_layer_may(manifest: dict[str, Any]) -> None:
    offences = [
        f"{key} reads {parent}"
        for key, node in _models(manifest).items()
        for parent in node["depends_on"]["nodes"]
        if _layer(parent) not in MAY_READ[_layer(key)]
        and not (
            key.endswith((".fct_row_conservation", ".fct_row_conservation_daily")) and _layer(parent) == "quarantine"
        )
    ]

    assert offences == []


def test_only_staging_reads_raw_and_only_reports_read_scores(manifest: dict[str, Any]) -> None:
    offences = [
        f"{key} reads {parent}"
        for key, node in _models(manifest).items()
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("source.") and (parent.split(".")[2] == SCORED) != (_layer(key) == "rpt")
    ]

    assert offences == []


def test_staging_is_one_to_one_with_the_raw_tables(manifest: dict[str, Any]) -> None:
    read = [
        parent
        for key, node in _models(manifest).items()
        if _layer(key) == "stg"
        for parent in node["depends_on"]["nodes"]
    ]
    raw = [key for key, source in manifest["sources"].items() if source["source_name"] == "raw"]

    assert sorted(read) == sorted(raw)


def test_every_model_lies_in_the_folder_and_schema_of_its_prefix(manifest: dict[str, Any]) -> None:
    offences = [
        key
        for key, node in _models(manifest).items()
        if Path(node["path"]).parts[0] != FOLDER_OF[_layer(key)] or node["schema"] != FOLDER_OF[_layer(key)]
    ]

    assert offences == []


def test_every_model_is_described_and_ends_with_its_grain(manifest: dict[str, Any]) -> None:
    offences = [
        key
        for key, node in _models(manifest).items()
        if not re.search(r"One row per [^.]+\.$", node["description"].strip())
        or not node["columns"]
        or any(not column["description"] for column in node["columns"].values())
    ]

    assert offences == []


def test_marts_and_features_have_enforced_contracts_with_keys_that_are_never_null(manifest: dict[str, Any]) -> None:
    offences = [
        key
        for key, node in _models(manifest).items()
        if _layer(key) in {"dim", "fct", "feat"}
        and not (
            node["contract"]["enforced"]
            and "is_fallback" in node["columns"]
            and any(column["constraints"] for column in node["columns"].values())
        )
    ]

    assert offences == []


def test_every_table_that_is_read_has_a_grain_test(manifest: dict[str, Any]) -> None:
    tested = {
        parent
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node["name"].startswith("unique_grain") or node["name"] == "intermediate_grains_are_unique")
        for parent in node["depends_on"]["nodes"]
    }
    untested = [
        key
        for key, node in _models(manifest).items()
        if _layer(key) != "quarantine" and node["config"]["materialized"] == "table" and key not in tested
    ]

    assert untested == []


def test_every_report_has_a_user(manifest: dict[str, Any]) -> None:
    used = {parent for exposure in manifest["exposures"].values() for parent in exposure["depends_on"]["nodes"]}

    assert {key for key in _models(manifest) if _layer(key) == "rpt"} == used


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_models_keep_off_sql_that_breaks_lineage_or_repeatability(rule: str) -> None:
    offences = [path.name for path in MODEL_FILES if re.search(FORBIDDEN[rule], _code(path), flags=re.IGNORECASE)]

    assert offences == []


def test_a_star_stands_only_in_import_ctes_and_in_the_last_line() -> None:
    offences = [
        path.name
        for path in MODEL_FILES
        if len(STAR.findall(_code(path))) != len(IMPORT_STAR.findall(_code(path))) + 1
        or not LAST_STAR.search(_code(path))
    ]

    assert offences == []


def _code(path: Path) -> str:
    """Return a model without comments."""
    return re.sub(r"--[^\n]*|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL).strip()
