"""A project of Python steps alone: no dbt model, no source, no Prefect; a run takes a second."""

from __future__ import annotations

from pathlib import Path

import yaml

from flows.assets.definition import AssetDefinition
from flows.assets.graph import AssetGraph
from flows.engine.pipeline import RAW_DECLARATION, SCORED_DECLARATION, Pipeline
from flows.engine.steps.jobs import ThreadRunner
from flows.settings import Settings

COLUMNS = {
    "number": "bigint",
    "run_id": "varchar",
    "materialization_id": "varchar",
    "model_version": "varchar",
    "scored_at": "timestamptz",
}


def pipeline_of(home: Path, *definitions: AssetDefinition) -> Pipeline:
    """The pipeline of some assets in schema ml, each a table of one column `number`."""
    columns = [{"name": name, "data_type": kind} for name, kind in COLUMNS.items()]
    scored = [{"name": each.relation, "columns": columns} for each in definitions]
    sources = {RAW_DECLARATION: [], SCORED_DECLARATION: [{"name": "ml", "schema": "ml", "tables": scored}]}
    for path, listed in sources.items():
        target = home / "transform" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump({"version": 2, "sources": listed}))
    (home / "sources").mkdir(exist_ok=True)
    settings = Settings(home=home, sources_dir=home / "sources", transform_dir=home / "transform")
    graph = AssetGraph(definitions)
    return Pipeline(
        settings=settings, build_graph=lambda _: graph, make_runner=lambda limits: ThreadRunner(limits=limits)
    )
