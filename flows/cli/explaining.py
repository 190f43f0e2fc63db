"""`gridweave why`: the rows, files, checks, model and code behind a row, and the proof that they suffice."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from flows.cli.output import JsonOption, print_json, print_table

LIMIT = 20
ROWS_SHOWN = 3
FILES_SHOWN = 12
CHECKS_PASSED = "PASS"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(why)


def why(
    key: Annotated[str, typer.Argument(help="Published asset, as ml.outage_risk_scores or ml/outage_risk_scores.")],
    *,
    where: Annotated[str, typer.Option(help="Which rows: a plain condition on its columns, \"feeder_id = 'F012'\".")],
    limit: Annotated[int, typer.Option(min=1, help="Most rows that are explained together.")] = LIMIT,
    deep: Annotated[
        bool, typer.Option("--deep", help="Follow other scores and sums over networks too (slower).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Trace rows back to raw rows, files, checks, code and model, and prove it by computing them again.

    Exit code 1 when the values computed again from only these rows, or the score they give, are not the published ones.
    """
    from flows.cli.running import pipeline
    from flows.engine.explaining.explanation import explain

    answer = explain(pipeline(), key, where, limit=limit, is_deep=deep)
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    if answer["explained_rows"] and not (answer["verification"]["ok"] and _is_score_sound(answer["rescoring"])):
        raise typer.Exit(1)


def _is_score_sound(rescoring: dict[str, Any] | None) -> bool:
    return rescoring is None or rescoring["status"] != "differs"


def _print(answer: dict[str, Any]) -> None:
    key, matching, explained = answer["asset_key"], answer["matching_rows"], answer["explained_rows"]
    typer.secho(f"{key} where {answer['where']}: {matching:,} rows", bold=True)
    if matching > explained:
        typer.echo(f"only the first {explained:,} are explained; --limit raises that, a narrower --where is faster")
    _print_rows(answer["rows"])
    if not explained:
        return
    _print_scorings(answer["scorings"])
    _print_assets(answer["assets"])
    _print_raw_rows(answer["assets"], answer["files"])
    _print_files(answer["files"])
    _print_checks(answer["checks"])
    _print_code(answer["code"])
    _print_verification(answer["verification"])
    _print_rescoring(answer["rescoring"])


def _print_rows(rows: list[dict[str, Any]]) -> None:
    if rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])


def _print_scorings(scorings: list[dict[str, Any]]) -> None:
    for each in scorings:
        typer.echo(f"\nscored by materialization {each['materialization_id']} of run {each['run_id']}")
        typer.echo(f"  model {each['model_version_id'] or each['model_version']}, {each['estimator'] or 'a rule'}")
        if each["artifact_sha256"]:
            typer.echo(f"  artifact {each['artifact_uri']} sha256 {each['artifact_sha256']}")
            typer.echo(f"  trained {each['trained_at']} in {each['training_materialization_id']}")
        if each["rebuilt_inputs"]:
            typer.echo(f"  made again since, so what is published is newer: {', '.join(each['rebuilt_inputs'])}")


def _print_assets(assets: list[dict[str, Any]]) -> None:
    print_table(
        ("rows", "of", "asset", "selected", "how they are known"),
        [
            (
                _number(each["row_count"]),
                _number(each["total_count"]),
                each["asset_key"],
                each["selected"],
                _known(each),
            )
            for each in assets
        ],
        title="\nrows behind it",
    )
    for each in assets:
        if each["asset_key"].startswith("features/") and each["rows"]:
            typer.echo(f"\n{each['asset_key']}, {min(ROWS_SHOWN, len(each['rows']))} of {each['row_count']:,} rows")
            _print_rows(each["rows"][:ROWS_SHOWN])


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _known(asset: dict[str, Any]) -> str:
    if asset["is_taken_as_published"]:
        return "as published; --deep follows it"
    return "computed again" if asset["is_recomputed"] else "read"


def _print_raw_rows(assets: list[dict[str, Any]], files: list[dict[str, Any]]) -> None:
    """Print the first raw rows of each table that was narrowed down, with the place they were delivered in."""
    hashes = {(each["load_id"], each["file_name"]): each["sha256"] for each in files}
    for each in assets:
        if each["kind"] != "raw" or not each["rows"] or each["row_count"] == each["total_count"]:
            continue
        shown = each["rows"][:ROWS_SHOWN]
        typer.echo(f"\n{each['asset_key']}, {len(shown)} of {each['row_count']:,} rows")
        places = ({"sha256": hashes.get((row["_load_id"], row["_source_file"]))} for row in shown)
        _print_rows([row | place for row, place in zip(shown, places, strict=True)])


def _print_files(files: list[dict[str, Any]]) -> None:
    print_table(
        ("raw rows", "numbers", "file", "sha256", "load", "status", "table"),
        [
            (
                f"{each['row_count']:,}",
                f"{each['first_row']}..{each['last_row']}",
                each["file_name"],
                each["sha256"],
                each["load_id"],
                each["load_status"],
                each["raw_key"],
            )
            for each in files[:FILES_SHOWN]
        ],
        title="\ndelivered files",
    )
    if len(files) > FILES_SHOWN:
        typer.echo(f"and {len(files) - FILES_SHOWN} more files; --json lists all")


def _print_checks(checks: list[dict[str, Any]]) -> None:
    passed = Counter(each["asset_key"] for each in checks if each["status"] == CHECKS_PASSED)
    total = Counter(each["asset_key"] for each in checks)
    typer.echo(f"\nchecks: {passed.total():,} of {total.total():,} passed, on {len(total)} assets")
    print_table(
        ("check that did not pass", "asset", "status", "blocking", "expected", "found"),
        [
            tuple(each[name] for name in ("check_name", "asset_key", "status", "blocking", "expected", "actual"))
            for each in checks
            if each["status"] != CHECKS_PASSED
        ],
    )


def _print_code(code: list[dict[str, Any]]) -> None:
    changed = " with uncommitted changes"
    commits = {f"{each['git_commit']}{changed * each['git_dirty']}" for each in code if each["git_commit"]}
    shown = ", ".join(sorted(commits)) or "no commit recorded"
    typer.echo(f"code: {len(code)} definitions, {shown}; `gridweave assets KEY` shows each")
    others = [each["asset_key"] for each in code if not each["is_code_current"]]
    if others:
        typer.echo(f"the checkout has other code than made: {', '.join(others)}")


def _print_verification(verification: dict[str, Any]) -> None:
    print_table(
        ("published table", "rows", "computed again", "columns equal", "of", "differing"),
        [
            (
                each["key"],
                f"{each['published_count']:,}",
                f"{each['recomputed_count']:,}",
                sum(not column["differing_count"] for column in each["columns"]),
                len(each["columns"]),
                ", ".join(column["column"] for column in each["columns"] if column["differing_count"]),
            )
            for each in verification["tables"]
        ],
        title="\ncomputed again from only these rows",
    )
    for key, width in verification["widened"].items():
        typer.echo(f"  {key} needed more than its keys: {width.replace('_', ' ')}")
    close = sum(column["close_count"] for each in verification["tables"] for column in each["columns"])
    if close:
        typer.echo(f"  {close:,} floats are equal to a relative {verification['float_tolerance']:g}, not in every bit")
    if verification["ok"]:
        typer.secho("recomputed == published: the rows above are sufficient", fg="green")
    elif verification["error"]:
        typer.secho(f"not verified: {verification['error']}", fg="red", err=True)
    elif not verification["tables"]:
        typer.secho("not verified: no published table lies between these rows and the raw ones", fg="red", err=True)
    else:
        typer.secho("NOT verified: the published values do not follow from the rows above", fg="red", err=True)
        typer.echo(
            "hint:  `gridweave plan` tells what changed since; `gridweave audit verify --data` whether it was changed",
            err=True,
        )


def _print_rescoring(rescoring: dict[str, Any] | None) -> None:
    if rescoring is None:
        return
    status, reason = rescoring["status"], rescoring["reason"]
    if status == "not recomputable":
        typer.echo(f"score recomputed: not recomputable because {reason}")
        return
    table = rescoring["table"]
    differing = [column["column"] for column in table["columns"] if column["differing_count"]]
    if table["missing_count"] or table["extra_count"]:
        differing.append(f"{table['recomputed_count']:,} rows instead of {table['published_count']:,}")
    more = f" ({reason})" if reason else ""
    if status == "equal":
        typer.secho(
            f"score recomputed: equal, {table['published_count']:,} rows by the recorded model{more}", fg="green"
        )
    else:
        typer.secho(f"score recomputed: differs in {', '.join(differing)}{more}", fg="red", err=True)
