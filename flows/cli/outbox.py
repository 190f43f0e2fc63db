"""Commands for messages that did not arrive: `gridweave outbox list` and `retry`."""

from __future__ import annotations

import typer

from flows.cli.output import JsonOption, print_json, print_table

outbox = typer.Typer(help="See and retry OpenLineage events that did not reach their backend.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(outbox, name="outbox")


@outbox.command(name="list")
def list_events(*, as_json: JsonOption = False) -> None:
    """Tell how many events wait for the next run, and which the backend refused for good, with its reason."""
    from flows.lineage.openlineage import waiting_count
    from flows.lineage.openlineage_refusals import refused_events
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    with open_reader(get_settings().published_dir) as reader:
        waiting, refused = waiting_count(reader), refused_events(reader)
    if as_json:
        print_json({"waiting": waiting, "refused": refused})
        return
    typer.echo(f"{waiting:,} events wait for the next run")
    if refused:
        print_table(("refused", "events", "first", "last", "since"), [tuple(each.values()) for each in refused])


@outbox.command()
def retry() -> None:
    """Send again what the backend refused for good, after its cause was mended."""
    from flows.cli.running import pipeline
    from flows.lineage.openlineage import waiting_count
    from flows.lineage.openlineage_refusals import refused_events
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader

    count = pipeline().retry_events()
    with open_reader(get_settings().published_dir) as reader:
        waiting, refused = waiting_count(reader), sum(each["events"] for each in refused_events(reader))
    typer.echo(f"{count:,} refused events tried again; {refused:,} are refused now, {waiting:,} wait")
    if refused:
        raise typer.Exit(1)
