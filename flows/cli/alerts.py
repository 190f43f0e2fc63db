"""Commands for alerts: `gridweave alerts list`, `acknowledge` and `resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    import duckdb

    from flows.engine.owned_run import OwnedRun
    from flows.settings import Settings

alerts = typer.Typer(help="See what asks for somebody, and say that somebody is on it.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="The alert's id, or the beginning of it.")]
By = Annotated[str, typer.Option("--by", help="Who decides; recorded in the audit chain.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(alerts, name="alerts")


@alerts.command(name="list")
def list_alerts(
    *,
    is_with_resolved: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show open and acknowledged alerts, worst first."""
    from flows.delivery.alerts import book
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    settings = get_settings()
    with open_reader(settings.published_dir) as reader:
        found = present_alerts(reader, settings)
        if is_with_resolved:
            found += book.alerts(reader, states=("RESOLVED",))
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no alerts")
    for each in found:
        who = f" by {each['changed_by']}" if each["state"] == "ACKNOWLEDGED" else ""
        typer.echo(f"{each['alert_id'][:8]}  {each['severity']:<8} {each['state']}{who}  since {each['opened_at']}")
        typer.echo(f"          {each['kind']} {each['subject']}: {each['message']}")
        if each["hint"]:
            typer.echo(f"          {each['hint']}")


def present_alerts(reader: duckdb.DuckDBPyConnection, settings: Settings) -> list[dict[str, Any]]:
    """Return open and acknowledged alerts of the ledger, after those of services that wait for its owner.

    Args:
        reader: The published ledger.
        settings: All settings.
    """
    from flows.clock import utc_now
    from flows.delivery.alerts import book
    from flows.delivery.alerts.at_once import alerts_of_services

    known = book.alerts(reader)
    services = alerts_of_services(settings.services_dir, now=utc_now())
    names = {(each["kind"], each["subject"]) for each in known}
    return [each for each in services if (each["kind"], each["subject"]) not in names] + known


@alerts.command()
def acknowledge(
    reference: Reference,
    *,
    note: Annotated[str, typer.Option("--note", help="What is being done.")],
    by: By = "",
) -> None:
    """Say that somebody is on it; it ends by itself when its cause is gone."""
    _decide(reference, "ACKNOWLEDGED", note=note, by=by)


@alerts.command()
def resolve(
    reference: Reference,
    *,
    note: Annotated[str, typer.Option("--note", help="Why it is over.")],
    by: By = "",
) -> None:
    """Say that it is over; when its cause is not gone, the next run opens it anew."""
    _decide(reference, "RESOLVED", note=note, by=by)


def _decide(reference: str, state: str, *, note: str, by: str) -> None:
    from flows.cli.running import pipeline
    from flows.delivery.alerts import book
    from flows.delivery.alerts.raising import raise_alerts
    from flows.delivery.deciding import person

    who = by or person()
    shared = pipeline()

    def decide(owned: OwnedRun) -> str:
        # what a service said since the last run is not in the book yet, though people know it by its id
        raise_alerts(owned.warehouse, shared.settings, shared.graph, run_id=owned.run_id, clock=shared.clock)
        with owned.warehouse.transaction() as cursor:
            before = book.decide(cursor, reference, state, by=who, note=note, now=shared.clock())
        return f"{before['kind']} {before['subject']}"

    typer.echo(f"{state.lower()}: {shared.own('alerts', {'alert': reference, 'state': state, 'by': who}, decide)}")
