"""Commands for auditors: `gridweave audit verify`, `export`, `query` and `sql`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table
from flows.errors import UsageError

if TYPE_CHECKING:
    import duckdb

audit = typer.Typer(help="Verify the ledger, and ask it and the published tables, read-only.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(
    *,
    data: Annotated[bool, typer.Option("--data", help="Also hash tables, files, models and evidence.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell whether ledger and audit chain are what was recorded. Exit code 1 when they are not."""
    from flows.lineage.audit.report import verify_home
    from flows.settings import get_settings

    report = verify_home(get_settings(), with_data=data)
    if as_json:
        print_json(report.as_json())
    elif report.is_ok:
        checked = "ledger and data are" if data else "the ledger is"
        typer.echo(f"{report.entries:,} entries in {', '.join(report.stores)}: {checked} as recorded")
    if report.waiting and not as_json:
        typer.echo(f"{report.waiting:,} rows that dbt wrote wait for the next run, which seals them")
    if report.is_ok:
        return
    if not as_json:
        place = f"entry {report.finding.seq}: " if report.finding else ""
        typer.secho(f"not as recorded: {place}{report.reason}", fg="red", err=True)
        typer.echo(
            "hint:  keep all files as they are, restore a backup elsewhere and compare; `gridweave audit query"
            " who_ran_what` names the runs",
            err=True,
        )
    raise typer.Exit(1)


@audit.command()
def export(
    *,
    period: Annotated[str, typer.Option(help="FIRST..LAST day, UTC, for example 2026-03-01..2026-03-31.")],
    out: Annotated[Path, typer.Option(help="The zip file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file when it is there.")] = False,
) -> None:
    """Write an evidence bundle: chain, checkpoints, key, ledger rows and a verifier that needs only Python."""
    from flows.lineage.audit.bundle import export_bundle, parse_period
    from flows.lineage.audit.report import open_ledgers
    from flows.settings import get_settings

    wanted = parse_period(period)
    settings = get_settings()
    with open_ledgers(settings) as (ledgers, _):
        exported = export_bundle(next(iter(ledgers.values())), settings, wanted, out, is_replacing=force)
    typer.echo(f"{out}: entries {exported.first:,} to {exported.last:,}; unpack it and run python verify_bundle.py")


@audit.command()
def query(
    name: Annotated[str | None, typer.Argument(help="Question; none lists them.")] = None,
    *,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE, once per parameter.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a canned question."""
    from flows.lineage.queries import QUERIES

    if name is None:
        rows = [
            (
                each.name,
                each.question,
                ", ".join(f"{key} ({meaning})" for key, meaning in each.parameters),
            )
            for each in QUERIES.values()
        ]
        print_table(("name", "answers", "parameters"), rows)
        return
    if name not in QUERIES:
        raise UsageError(f"There is no question {name!r}.", hint=f"one of {', '.join(QUERIES)}")
    canned = QUERIES[name]
    given = dict(each.partition("=")[::2] for each in param or [])
    wanted = {key for key, _ in canned.parameters}
    if set(given) != wanted:
        raise UsageError(
            f"Question {name} takes parameters {', '.join(sorted(wanted)) or 'none'};"
            f" given: {', '.join(sorted(given)) or 'none'}.",
            hint=" ".join(f"-p {key}=…" for key in sorted(wanted)) or "leave -p out",
        )
    _answer(canned.sql, given, as_json=as_json)


@audit.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT over lineage, marts, ml, reports, ….")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Run free SQL on the published state. It cannot write, read files or run for more than 30 s."""
    _answer(statement, {}, as_json=as_json)


def _answer(statement: str, parameters: dict[str, str], *, as_json: bool) -> None:
    import duckdb

    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader, time_limit

    with open_reader(get_settings().published_dir) as reader, time_limit(reader):
        try:
            _refuse_other_than_one_select(statement)
            answer = reader.execute(statement, parameters) if parameters else reader.execute(statement)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise UsageError(
                f"The query was refused: {str(error).strip()}",
                hint="mend the query or its parameters; `gridweave assets` names the tables",
            ) from error
        _print(answer, as_json=as_json)


def _refuse_other_than_one_select(statement: str) -> None:
    """Nothing else could do harm here (the reader is locked down), but it would look as if it had done something."""
    import duckdb

    found = duckdb.extract_statements(statement)
    kinds = [each.type for each in found]
    if kinds != [duckdb.StatementType.SELECT]:
        names = ", ".join(kind.name for kind in kinds) or "nothing"
        raise UsageError(
            f"Expected one query that reads; found {names}.",
            hint='for example "select * from lineage.run order by started_at desc limit 5"',
        )


def _print(answer: duckdb.DuckDBPyConnection, *, as_json: bool) -> None:
    from flows.warehouse.reader import fetch_rows

    headers = [column[0] for column in answer.description or ()]
    rows = fetch_rows(answer)
    if as_json:
        print_json([dict(zip(headers, row, strict=True)) for row in rows])
        return
    print_table(headers, rows)
    typer.echo(f"{len(rows):,} rows", err=True)
