"""`gridweave demo --storm`: from a severe forecast to a dispatch centre that knows where to send crews.

    forecast file ─► landed ─► severe weather told ─► storm run ─► storm list, crew plan ─► dispatch acknowledges

What lives here: setting the scene, and telling what happens as the ledger says it. What does not: any of what happens;
the same deployments do it in operation.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
import yaml

from flows.cli.output import print_table
from flows.engine.prefect.events import SEVERE_WEATHER
from flows.errors import AssetError, UsageError
from flows.settings import get_settings
from flows.warehouse.reader import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.delivery.stand_in import StandInSystem
    from flows.settings import Settings
    from flows.sources.simulator.storm import StormIssue

LIMIT_SECONDS = 1_800
TELL_EVERY_SECONDS = 15
NEVER = "0 0 29 2 *"
"""A schedule that is not due while the demonstration goes on: what happens shall follow from the storm alone."""
STOOD_IN_FOR = ("dispatch", "eam")

_LANDED = """
select load_id, run_id::varchar from lineage.delivered_file where file_name = ? and status = 'LANDED'
"""
_TOLD = """
select payload->>'gust_mps', emitted_at from lineage.emitted_event where event_name = ? and occurrence = ?
"""
_STORM_RUN = """
select run_id::varchar, status, epoch(ended_at - started_at), error_message from lineage.run
where run_kind = 'flow' and trigger = 'event' and status <> 'RUNNING' and started_at >= $1
    and contains(parameters::varchar, 'rpt_storm_priority')
order by started_at limit 1
"""
_STORM_LIST = """
select priority_rank, feeder_id, outage_date, round(expected_customers_out, 1), reason_text
from reports.rpt_storm_priority order by outage_date, priority_rank limit 8
"""
_CREWS = """
select outage_date, substation_id, crew_count, round(crews_needed, 1) from reports.rpt_crew_plan
order by outage_date, crew_count desc, substation_id limit 8
"""
_SENT = """
select count(*) filter (state = 'SENT'), count(*) from lineage.outbox_message
where target = 'storm_dispatch' and run_id = ?::uuid
"""


def run_storm_demo(settings: Settings) -> None:
    """Let a storm come to the simulated utility and follow it to the dispatch centre.

    Raises:
        UsageError: Deployments of this home are being served, or nothing was simulated.
        AssetError: The storm run failed, or nothing happened for half an hour.
    """
    from flows.delivery.stand_in import StandInSystem
    from flows.engine.prefect.background import stop_deployment
    from flows.sources.simulator.storm import deliver_storm_forecast

    _refuse_served(settings)
    with StandInSystem() as dispatch, _serving(settings, dispatch):
        begun = _now(settings)
        issue = deliver_storm_forecast(settings.inbox_dir)
        _say(f"the weather service delivers {issue.path.name}: issue {issue.issued_at:%Y-%m-%d %H:%M} UTC")
        try:
            _follow(settings, issue, dispatch, begun)
        finally:
            stop_deployment(settings)


def _refuse_served(settings: Settings) -> None:
    from flows.engine.prefect.background import ready_path

    if ready_path(settings).exists():
        raise UsageError(
            "Deployments of this home are being served, to the systems in data/targets.",
            hint="gridweave down stops them; the demonstration sends to a stand-in",
        )


@contextmanager
def _serving(settings: Settings, dispatch: StandInSystem) -> Iterator[None]:
    """Serve the deployments with a stand-in for dispatch centre and asset management."""
    from flows.engine.prefect.background import start_deployment
    from flows.engine.prefect.server import local_server

    folder = settings.home / "storm_demo" / "targets"
    _describe_targets(settings.targets_dir, folder, dispatch.url)
    changed = {"GRIDWEAVE_TARGETS_DIR": str(folder), "GRIDWEAVE_AUTOMATION_CRON": NEVER}
    changed |= {"GRIDWEAVE_HOURLY_CRON": "", "GRIDWEAVE_RETRAIN_CRON": ""}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        server = local_server(settings)
        server.use()
        server.begin()
        server.wait()
        start_deployment(settings, NEVER)
        _say(f"deployments are served, see {server.url.removesuffix('/api')}; dispatch listens at {dispatch.url}")
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        get_settings.cache_clear()


def _describe_targets(described: Path, folder: Path, url: str) -> None:
    """Write the target descriptions anew, with stand-ins in place of two of the systems.

    The stand-ins have names of their own: the ledger must not say that your systems were told.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in described.glob("*.yml"):
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        if document["name"] in STOOD_IN_FOR:
            document |= {"name": f"storm_{document['name']}", "system": {"kind": "http", "url": url}}
        (folder / f"{document['name']}.yml").write_text(yaml.safe_dump(document), encoding="utf-8")


def _follow(settings: Settings, issue: StormIssue, dispatch: StandInSystem, begun: object) -> None:
    """Tell each thing as it happens."""
    load_id, land_run = _wait(settings, "the file to be landed", _LANDED, issue.path.name)
    _say(f"landed as load {load_id} by run {land_run}")
    gust, _ = _wait(settings, "the event", _TOLD, SEVERE_WEATHER, issue.issued_at.isoformat())
    _say(f"severe weather told: gusts to {gust} m/s; the Prefect automation starts the storm run")
    run_id, status, seconds, message = _wait(settings, "the storm run", _STORM_RUN, begun)
    if status != "COMPLETE":
        raise AssetError(f"The storm run {run_id} ended with {status}: {message}.", hint="gridweave status says why")
    _say(f"storm run {run_id} complete after {seconds:.0f} s")
    sent, made = _ask(settings, _SENT, run_id)
    if made:
        _say(f"dispatch acknowledged {sent} of {made} crew assignments")
    else:
        _say("the crew plan is what dispatch knows already: nothing to tell")
    _say(f"the stand-in acted on {len(dispatch.effects)} messages in {dispatch.request_count} requests")
    with open_reader(settings.published_dir) as reader:
        crews, circuits = (reader.execute(text).fetchall() for text in (_CREWS, _STORM_LIST))
    print_table(("rank", "circuit", "day", "customers", "why"), circuits, title="Storm list")
    print_table(("day", "base", "crews", "needed"), crews, title="Crew plan")
    typer.echo("\nThe whole chain is in the ledger:")
    for command in (
        "gridweave audit query who_ran_what",
        "gridweave outbox list --state SENT --target storm_dispatch",
        "gridweave lineage reports/rpt_crew_plan --upstream",
        "gridweave audit verify",
    ):
        typer.echo(f"  {command}")


def _wait(settings: Settings, what: str, statement: str, *values: object) -> tuple[Any, ...]:
    """Ask the published ledger once a second until there is an answer."""
    limit = time.monotonic() + LIMIT_SECONDS
    told = time.monotonic()
    while not (found := _asked(settings, statement, *values)):
        if time.monotonic() > limit:
            raise AssetError(
                f"Waited {LIMIT_SECONDS // 60} minutes for {what}.", hint=f"read {settings.home}/prefect/schedules.log"
            )
        if time.monotonic() - told > TELL_EVERY_SECONDS:
            told = time.monotonic()
            _say(f"… waiting for {what}")
        time.sleep(1)
    return found


def _ask(settings: Settings, statement: str, *values: object) -> tuple[Any, ...]:
    return _asked(settings, statement, *values) or (0, 0)


def _asked(settings: Settings, statement: str, *values: object) -> tuple[Any, ...] | None:
    with open_reader(settings.published_dir) as reader:
        return reader.execute(statement, list(values)).fetchone()


def _now(settings: Settings) -> object:
    """The moment by the reader's clock, which is the ledger's."""
    return _ask(settings, "select now()")[0]


def _say(text: str) -> None:
    typer.echo(f"{time.strftime('%H:%M:%S')}  {text}")
