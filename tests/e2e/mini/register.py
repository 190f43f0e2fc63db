"""A register of substations for the mini project: a delivered file, a view, a table, a feature table, a Python step."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import yaml

from flows.assets.definition import asset
from flows.assets.graph import AssetGraph
from flows.engine.dbt.project import DbtProject
from flows.engine.steps.context import StepContext
from tests.conftest import CHECKOUT
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.project import RULE
from tests.e2e.mini.project import build_graph as build_mini_graph

SOURCE = """
name: register
description: Substations as another system hands them over.
owner: gis
network_id: MINI
licence: none
attribution: none
on_failure: block
on_reject: block
deliveries:
  - files: ["substations*.csv"]
    format: csv
    columns: [SUBSTATION_ID, PRIMARY_VOLTAGE_KV]
    tables:
      - raw_table: gis_substations
        columns: {substation_id: SUBSTATION_ID, primary_voltage_kv: PRIMARY_VOLTAGE_KV}
"""
MODELS = {
    "staging/stg_register__substations.sql": """
{{ config(schema="staging", materialized="view") }}
select substation_id, primary_voltage_kv from {{ source("raw", "gis_substations") }}
""",
    "marts/dim_substations.sql": """
{{ config(materialized="table") }}
select substation_id, max(primary_voltage_kv) as primary_voltage_kv, count(*) as delivery_count
from {{ ref("stg_register__substations") }}
group by substation_id
""",
    "features/feat_substations.sql": """
{{ config(schema="features", materialized="table") }}
select substation_id, primary_voltage_kv::decimal(12, 4) / 10 as voltage_tenth_kv
from {{ ref("dim_substations") }}
""",
}


@asset("ml/voltages", kind="scores", deps=("features/feat_substations",), owner="planning", group="mini")
def voltages(context: StepContext) -> None:
    """Highest voltage. One row."""
    substations = context.read("features/feat_substations")
    frame = pd.DataFrame({"voltage_kv": [float(substations["voltage_tenth_kv"].max()) * 10]})
    context.write(frame, model_version=RULE)


def build_graph(project: DbtProject) -> AssetGraph:
    """The graph of the mini project with the register."""
    mini = build_mini_graph(project)
    return AssetGraph((*(mini[key] for key in mini), voltages))


def add_register(home: MiniHome) -> None:
    """Write the register's source description, its raw table as the real project declares it, and its models."""
    models = home.own_project() / "models"
    declared = yaml.safe_load((CHECKOUT / "transform/models/staging/_raw__sources.yml").read_text(encoding="utf-8"))
    tables = [each for each in declared["sources"][0]["tables"] if each["name"] == "gis_substations"]
    sources = {"version": 2, "sources": [{"name": "raw", "schema": "raw", "tables": tables}]}
    (models / "staging" / "_raw__sources.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    scored_path = models / "reports" / "_ml__sources.yml"
    scored = yaml.safe_load(scored_path.read_text(encoding="utf-8"))
    like = next(each for each in scored["sources"][0]["tables"] if each["name"] == "summary")
    columns = [{"name": "voltage_kv", "data_type": "double"}, *like["columns"][1:]]
    scored["sources"][0]["tables"].append({"name": "voltages", "columns": columns})
    scored_path.write_text(yaml.safe_dump(scored), encoding="utf-8")
    (home.path / "sources" / "register.yml").write_text(SOURCE, encoding="utf-8")
    for name, text in MODELS.items():
        (models / name).parent.mkdir(exist_ok=True)
        (models / name).write_text(text, encoding="utf-8")


def deliver(home: MiniHome, name: str, *voltages_kv: float) -> Path:
    """Put a file into the inbox."""
    path = home.path / "inbox" / "register" / f"substations_{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"S{number},{voltage_kv}" for number, voltage_kv in enumerate(voltages_kv, 1)]
    path.write_text("\n".join(["SUBSTATION_ID,PRIMARY_VOLTAGE_KV", *lines, ""]), encoding="utf-8")
    return path
