"""Three jobs and one of dbt's in a flow, in a process of its own.

Prefect leaves threads behind that use `random`, which Hypothesis does not bear in the tests that come after.

    PREFECT_API_URL=… python -m tests.flows.engine.prefect.reported_run
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from flows.engine.prefect.task_reports import ReportingRunner
from flows.engine.steps.jobs import Job, Limits
from flows.engine.steps.skipping import StepSkippedError
from flows.errors import AssetError
from tests.flows.assets.builders import definition


def works() -> Sequence[str]:
    return ()


def skips() -> Sequence[str]:
    raise StepSkippedError(asset_key="ml/skips", reason="no source feeds it")


def fails() -> Sequence[str]:
    raise AssetError("no such column", hint="mend it")


@flow(name="reports", persist_result=False)
def reports() -> dict[str, Any]:
    runner = ReportingRunner(Limits(workers=2))
    results = runner.run(
        [
            Job(definition=definition(key, "raw/a"), work=work)
            for key, work in (("ml/works", works), ("ml/skips", skips), ("ml/fails", fails))
        ]
    )
    runner.show_finished(definition("marts/built"), error=None)
    runner.close()
    said = [[each.key, each.skipped_because, str(each.error) if each.error else None] for each in results]
    return {"flow_run_id": str(flow_run.id), "results": said}


if __name__ == "__main__":
    print(json.dumps(reports()))
