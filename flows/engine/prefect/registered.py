"""What is deployed on the server: deployments, their schedules, when each runs next.

What lives here: asking. What does not: what there is to deploy (flows.pipelines.deployments).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import CronSchedule as DatedSchedule

if TYPE_CHECKING:
    from datetime import datetime

    from prefect.client.schemas.responses import DeploymentResponse

TAG = "gridweave"
MOST_READ = 100


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A deployment as the server has it.

    Args:
        name: Of the deployment and its flow.
        version: Code it was registered with.
        schedule: Cron expression and time zone; empty: it starts upon an event or by hand.
        next_run_at: When it starts next.
    """

    name: str
    version: str
    schedule: str
    next_run_at: datetime | None


def registered(url: str, now: datetime) -> list[Registered]:
    """Ask the server what is deployed, soonest first.

    Args:
        url: Address of its API.
        now: The clock.
    """
    wanted = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    with SyncPrefectClient(url) as client:
        found = [_described(each, now) for each in client.read_deployments(deployment_filter=wanted, limit=MOST_READ)]
    return sorted(found, key=lambda each: (each.next_run_at is None, each.next_run_at, each.name))


def _described(deployment: DeploymentResponse, now: datetime) -> Registered:
    active = [each.schedule for each in deployment.schedules if each.active and isinstance(each.schedule, CronSchedule)]
    return Registered(
        name=deployment.name,
        version=deployment.version or "",
        schedule="; ".join(f"{each.cron} {each.timezone}" for each in active),
        next_run_at=min((_next(each, now) for each in active), default=None),
    )


def _next(schedule: CronSchedule, now: datetime) -> datetime:
    """The client's schedule cannot count; the server's, which starts the runs, can."""
    dated = DatedSchedule(cron=schedule.cron, timezone=schedule.timezone, day_or=schedule.day_or)
    return asyncio.run(dated.get_dates(n=1, start=now))[0]
