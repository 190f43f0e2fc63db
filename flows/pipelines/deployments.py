"""Deployments: which flow runs when, and a process that serves them.

What lives here: the daily schedule. What does not: the server (flows.engine.prefect_server).
"""

from __future__ import annotations

import sys

from prefect.schedules import Cron

from flows.engine.background import DEPLOYMENT
from flows.engine.prefect_server import local_server
from flows.pipelines.daily import daily
from flows.settings import get_settings


def serve_daily(cron: str) -> None:
    """Register the daily deployment and run what it schedules, until stopped.

    Args:
        cron: When, in the configured time zone.
    """
    settings = get_settings()
    daily.serve(
        name=DEPLOYMENT,
        schedule=Cron(cron, timezone=settings.schedule_time_zone),
        limit=1,
        tags=["gridweave"],
        description="Land what arrived, bring every asset up to date, publish.",
        pause_on_shutdown=False,
        print_starting_message=False,
    )


def main() -> None:
    """Serve in a background process (flows.engine.background)."""
    local_server(get_settings()).use()
    serve_daily(sys.argv[1])


if __name__ == "__main__":
    main()
