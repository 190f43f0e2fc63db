"""The same chain or fan of empty assets in Dagster, timed in this process after imports.

    python engine_dagster.py <folder> <shape> <assets> <external|table> <in_process|multiprocess> <repetitions>

What lives here: Dagster's side of bench_engine.py, run by the interpreter of Dagster's own environment, so it imports
nothing of gridweave. It prints seconds as JSON.

An `external` asset returns nothing, which is Dagster's cheapest: a materialization in the event log, and no stored
value. A `table` asset takes and returns one row as Dagster users do, through its default I/O manager, which pickles.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

FOLDER, SHAPE, ASSETS, KIND, EXECUTOR = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:6]
os.environ["DAGSTER_HOME"] = str(FOLDER)

import dagster  # type: ignore[import-not-found]  # noqa: E402 - it reads DAGSTER_HOME; another environment has it


def _asset(number: int) -> dagster.AssetsDefinition:
    upstream = {"chain": number - 1, "fan": 0}[SHAPE]

    name, before = f"empty_{number}", f"empty_{upstream}"
    if KIND == "table":
        ins = {"rows": dagster.AssetIn(key=before)} if number else {}

        @dagster.asset(name=name, ins=ins)  # type: ignore[untyped-decorator]  # dagster is not here
        def one_row(**rows: list[dict[str, int]]) -> list[dict[str, int]]:
            del rows
            return [{"number": 1}]

        return one_row

    @dagster.asset(name=name, deps=[before] if number else [])  # type: ignore[untyped-decorator]  # dagster is not here
    def empty() -> None: ...

    return empty


def make_job() -> dagster.JobDefinition:
    """The job of all assets; a function, because step processes import it anew."""
    executor = {"in_process": dagster.in_process_executor, "multiprocess": dagster.multiprocess_executor}[EXECUTOR]
    return dagster.Definitions(
        assets=[_asset(number) for number in range(ASSETS)],
        jobs=[dagster.define_asset_job("bench")],
        executor=executor,
    ).resolve_job_def("bench")


def timed_run(instance: dagster.DagsterInstance) -> float:
    """Seconds of one run, recorded in an instance on disk."""
    job = dagster.reconstructable(make_job)
    started = time.perf_counter()
    with dagster.execute_job(job, instance=instance) as result:
        seconds = time.perf_counter() - started
        if not result.success:
            raise RuntimeError(result)
    made = [event for event in result.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
    if len(made) != ASSETS:
        raise RuntimeError(len(made))
    return seconds


def main() -> None:
    """Run once to warm up, then as often as asked for, and print."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dagster.DagsterInstance.get() as instance:
        first = timed_run(instance)
        again = [timed_run(instance) for _ in range(int(sys.argv[6]))]
    print(json.dumps({"version": dagster.__version__, "assets": ASSETS, "first": first, "again": again}))


if __name__ == "__main__":
    main()
