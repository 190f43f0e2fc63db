"""Commands for what keeps running: up, down, deploy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from flows.engine.prefect.server import PrefectServer
    from flows.settings import Settings


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (up, down, deploy):
        app.command()(command)


def up(*, as_json: JsonOption = False) -> None:
    """Start the Prefect server and the process that serves all deployments; what runs already is left alone.

    Runs that were missed, or whose process was killed, are taken up: late runs of one deployment as one.
    """
    from flows.engine.prefect.background import serving_pid, start_deployment

    settings, server = _server(None)
    if serving_pid(settings) is None:
        start_deployment(settings, settings.daily_cron)
    _report(settings, server, as_json=as_json)


def down() -> None:
    """Stop what `up`, `deploy` or a run started; nothing else."""
    from flows.engine.prefect.background import stop_deployment
    from flows.engine.prefect.server import local_server
    from flows.settings import get_settings

    settings = get_settings()
    is_served = stop_deployment(settings)
    is_up = local_server(settings).stop()
    typer.echo(f"schedules {'stopped' if is_served else 'were not running'}")
    typer.echo(f"Prefect server {'stopped' if is_up else 'was not running'}")


def deploy(
    *,
    cron: Annotated[str | None, typer.Option(help="Schedule of the daily run instead of the configured one.")] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Serve in this terminal instead of the background.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Register all deployments anew, with this code and these settings, and keep one process that serves them."""
    settings, server = _server(cron)
    daily_cron = cron or settings.daily_cron
    if foreground:
        from flows.pipelines.deployments import serve

        serve(daily_cron)
        return
    from flows.engine.prefect.background import start_deployment

    start_deployment(settings, daily_cron)
    _report(settings, server, as_json=as_json)


def _server(cron: str | None) -> tuple[Settings, PrefectServer]:
    """Start the server, once the schedules are known to be ones."""
    from flows.engine.prefect.background import refuse_wrong_schedule
    from flows.engine.prefect.server import local_server
    from flows.settings import get_settings

    settings = get_settings()
    server = local_server(settings)
    server.use()  # what is imported from Prefect next reads its settings once
    for each in (
        cron or settings.daily_cron,
        settings.hourly_cron,
        settings.retrain_cron,
        settings.automation_cron,
        settings.outbox_cron,
    ):
        if each:
            refuse_wrong_schedule(each, settings.schedule_time_zone)
    server.begin()
    server.wait()
    return settings, server


def _report(settings: Settings, server: PrefectServer, *, as_json: bool) -> None:
    """Say what answers, and what it will do next."""
    from flows.clock import utc_now
    from flows.engine.prefect.background import serving_pid
    from flows.engine.prefect.registered import registered

    address = server.url.removesuffix("/api")
    pid = serving_pid(settings)
    found = registered(server.url, utc_now())
    if as_json:
        print_json({"server": address, "serving_pid": pid, "deployments": [asdict(each) for each in found]})
        return
    typer.echo(f"Prefect server ready: {address}")
    typer.echo(f"deployments served by process {pid}, of code {found[0].version}")
    rows = [(each.name, each.schedule or "upon an event, or by hand", each.next_run_at) for each in found]
    print_table(("deployment", "schedule", "next run"), rows)
