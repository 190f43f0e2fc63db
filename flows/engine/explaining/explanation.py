"""Why a row is what it is: the rows behind it, their files, checks, model and code, and the proof that they suffice.

What lives here: one question from asking to answer, as plain values for text and JSON. What does not: the steps
(picking.py, recomputing.py, verification.py, facts.py) and printing (flows.cli.explaining).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.engine.explaining import facts
from flows.engine.explaining.rescoring import rescore
from flows.engine.explaining.sources import Sources, columns_of_definition, open_sources, table_in
from flows.engine.explaining.verification import FLOAT_TOLERANCE, Proof, prove
from flows.errors import UsageError
from flows.lineage.rows.selection import EVERYTHING, Selection, key_columns, matched
from flows.lineage.sql.conditions import plain_condition
from flows.warehouse.identifiers import quoted, relation
from flows.warehouse.reader import open_reader, open_scratch, time_limit

if TYPE_CHECKING:
    import pyarrow as pa

    from flows.assets.graph import AssetGraph
    from flows.engine.pipeline import Pipeline

SAMPLE_ROWS = 20
"""Rows shown of each asset behind the asked ones."""


def explain(pipeline: Pipeline, name: str, where: str, *, limit: int, is_deep: bool = False) -> dict[str, Any]:
    """Answer why the rows of a published table are what they are.

    Args:
        pipeline: Settings, graph and dbt project; the warehouse is not opened.
        name: Asset, as `ml/x` or `ml.x`.
        where: Plain condition on its columns.
        limit: Most rows that are explained.
        is_deep: True to follow other scores and summaries too, instead of taking them as published.

    Raises:
        UnknownAssetError: There is no such asset.
        UsageError: Its rows are not published, or the condition is not plain.
        NothingPublishedError: Nothing has been published yet.
    """
    graph = pipeline.graph
    key = graph[name.replace(".", "/", 1)].key
    asked, asked_count, condition = _asked(pipeline, graph, key, where, limit)
    with open_scratch(pipeline.settings.published_dir) as connection:
        sources = open_sources(
            connection,
            graph=graph,
            manifest=pipeline.project.manifest,
            home=pipeline.settings.home,
            is_deep=is_deep,
        )
        connection.register("asked", asked)
        sources.create(table_in("picked", key), "select * from asked")
        selection = _selection_of_asked(sources, key)
        answer: dict[str, Any] = {
            "asset_key": key,
            "where": condition,
            "matching_rows": asked_count,
            "explained_rows": asked.num_rows,
            "rows": facts.sample(sources, table_in("picked", key), limit),
        }
        if not asked.num_rows:
            return answer
        proof = prove(sources, key, selection)
        found = _facts(sources, key, proof)
        rescoring = rescore(
            sources, key, found["scorings"], home=pipeline.settings.home, declared=pipeline.scored_tables
        )
        answer["rescoring"] = rescoring.as_json() if rescoring else None
        return answer | found | {"verification": _verification(proof)}


def _asked(pipeline: Pipeline, graph: AssetGraph, key: str, where: str, limit: int) -> tuple[pa.Table, int, str]:
    """Read the asked rows through the locked-down reader: the condition is somebody else's text."""
    import duckdb

    with open_reader(pipeline.settings.published_dir) as reader, time_limit(reader):
        schema, _, table = key.partition("/")
        found = reader.execute(
            "select column_name from duckdb_columns() where schema_name = ? and table_name = ?"
            " and database_name = 'snapshot' order by column_index",
            [schema, table],
        ).fetchall()
        columns = [str(column) for (column,) in found]
        if not columns:
            raise UsageError(
                f"Rows of {key} are not published, so nobody can point at one.",
                hint="ask about a table of ml, reports, features or marts; `gridweave assets` lists them",
            )
        condition = plain_condition(where, columns or columns_of_definition(graph[key]))
        order = ", ".join(quoted(column) for column in columns)
        try:
            ((count,),) = reader.execute(f"select count(*) from {relation(key)} where {condition}").fetchall()  # noqa: S608 - checked names, plain condition
            asked = reader.sql(
                f"select * from {relation(key)} where {condition} order by {order} limit {int(limit)}"  # noqa: S608 - checked names, plain condition
            ).to_arrow_table()
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise UsageError(
                f"--where {where!r} was refused: {str(error).strip().splitlines()[0]}",
                hint=f"gridweave assets {key} names its columns and their types",
            ) from error
    return asked, int(count), condition


def _selection_of_asked(sources: Sources, key: str) -> Selection:
    """Select the asked rows; those of a model by their keys, because it will be computed and compared by them."""
    if key not in sources.code:
        return EVERYTHING
    names = key_columns(sources.columns(key))
    chosen = ", ".join(quoted(name) for name in names)
    sources.create("keys.asked", f"select distinct {chosen} from asked")  # noqa: S608 - checked names
    selection = matched([(name, name) for name in names], "keys.asked")
    sources.create(table_in("picked", key), f"select * from {relation(key)} where {selection.sql}")  # noqa: S608 - checked names
    return selection


def _facts(sources: Sources, start: str, proof: Proof) -> dict[str, Any]:
    keys = tuple(proof.selections)
    models = tuple(key for key in sources.graph[start].deps if sources.graph[key].kind == "model")
    made = facts.materializations(sources, (*keys, *models))
    raw = [key for key in keys if sources.graph[key].kind == "raw" and key in sources.readable]
    return {
        "assets": [_asset(sources, key, proof, made.get(key, {})) for key in keys if key != start],
        "files": facts.files(sources, raw),
        "scorings": facts.scorings(sources, start),
        "models": [made[key] for key in models if key in made],
        "code": [made[key] for key in keys if key in made],
        "checks": facts.checks(sources, (*keys, *models)),
    }


def _asset(sources: Sources, key: str, proof: Proof, made: dict[str, Any]) -> dict[str, Any]:
    """Tell which rows of an asset stand behind the asked ones."""
    is_kept = key in sources.readable
    is_made = key in proof.rebuilt
    table = table_in("picked" if is_kept else "rebuilt", key)
    total = made.get("row_count")
    if is_kept and sources.graph[key].kind != "view" and total is None:
        total = sources.count(relation(key))
    return {
        "asset_key": key,
        "kind": sources.graph[key].kind,
        "selected": proof.selections[key].words,
        "row_count": sources.count(table) if is_kept or is_made else None,
        "total_count": total,
        "is_recomputed": is_made,
        "is_taken_as_published": not is_made and sources.is_taken_as_published(key),
        "rows": facts.sample(sources, table, SAMPLE_ROWS) if is_kept or is_made else [],
    }


def _verification(proof: Proof) -> dict[str, Any]:
    return {
        "ok": proof.is_proven,
        "error": proof.error,
        "recomputed": list(proof.rebuilt),
        "widened": {key: width.name.lower() for key, width in proof.widths.items()},
        "float_tolerance": FLOAT_TOLERANCE,
        "tables": [each.as_json() for each in proof.comparisons],
    }
