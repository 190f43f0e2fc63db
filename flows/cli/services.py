"""Commands for what keeps running: up, down, deploy."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (up, down, deploy):
        app.command()(command)


def up() -> None:
    """Start the local Prefect server and say where it is. Started once, it stays until `down`."""
    from flows.engine.prefect.server import local_server
    from flows.settings import get_settings

    server = local_server(get_settings())
    server.begin()
    server.wait()
    typer.echo(f"Prefect server ready: {server.url.removesuffix('/api')}")


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
    cron: Annotated[str | None, typer.Option(help="Schedule instead of the configured one.")] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Serve in this terminal instead of the background.")
    ] = False,
) -> None:
    """Register daily run, automation, storm, landing and delivery, and keep one process that serves them."""
    from flows.engine.prefect.background import refuse_wrong_schedule, start_deployment
    from flows.engine.prefect.server import local_server
    from flows.settings import get_settings

    settings = get_settings()
    server = local_server(settings)
    server.use()  # what is imported from Prefect next reads its settings once
    refuse_wrong_schedule(cron or settings.daily_cron, settings.schedule_time_zone)
    refuse_wrong_schedule(settings.automation_cron, settings.schedule_time_zone)
    server.begin()
    server.wait()
    if foreground:
        from flows.pipelines.deployments import serve

        serve(cron or settings.daily_cron)
        return
    start_deployment(settings, cron or settings.daily_cron)
    typer.echo(
        f"daily run scheduled ({cron or settings.daily_cron} {settings.schedule_time_zone});"
        f" conditions every {settings.automation_cron!r}; storm and land upon events;"
        f" see {server.url.removesuffix('/api')}/deployments"
    )
