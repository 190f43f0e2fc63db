"""Run suites against relations in DuckDB and say what each expectation found.

What lives here: the runner of the three gates. What does not: what a failed gate leads to -
quarantine, fallback, block (flows.engine) - and the HTML of the results (expectations.data_docs).

Fail closed: an expectation that raised is ERROR, a suite that could not run is ERROR for each of
its checks, a check without a result is ERROR. None of them is ever PASS.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from typing import TYPE_CHECKING

from expectations.registry import build_suite, import_great_expectations, suite_version
from expectations.translation import check_name, first_line, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from expectations.gx_session import GxSession
    from expectations.outcome import ExpectationOutcome, GateRequest

logger = logging.getLogger(__name__)


def run_suites(
    connection: duckdb.DuckDBPyConnection,
    requests: Sequence[GateRequest],
    *,
    docs_dir: Path | None = None,
) -> list[ExpectationOutcome]:
    """Hold relations against their suites.

    Args:
        connection: The owner's connection to the warehouse; only cursors of it are used, nothing is
            written.
        requests: What to check, in this order.
        docs_dir: Where GX validation results are stored for `expectations.data_docs.build`; None
            stores none.

    Returns:
        One outcome per expectation, in the order of requests, then of the suite.

    Raises:
        UnknownAssetError: A request names an asset without a suite.
    """
    outcomes: list[ExpectationOutcome] = []
    if not requests:
        return outcomes
    import_great_expectations()
    from expectations.gx_session import GxSession

    with closing(GxSession(connection, store_dir=docs_dir)) as session:
        for request in requests:
            started = time.perf_counter()
            found = _run_one(session, request)
            failed = sum(outcome.status != "PASS" for outcome in found)
            logger.info(
                "gate %s: %d checks, %d not passed, %.2f s",
                request.asset_key,
                len(found),
                failed,
                time.perf_counter() - started,
            )
            outcomes.extend(found)
    return outcomes


def _run_one(session: GxSession, request: GateRequest) -> list[ExpectationOutcome]:
    """Run one suite; whatever goes wrong becomes an ERROR outcome for each of its checks."""
    suite = build_suite(request.asset_key)
    version = suite_version(request.asset_key)
    try:
        results = session.validate(request, suite)
        problem = "Great Expectations returned no result for this check"
    except Exception as error:  # noqa: BLE001 - the gate fails closed whatever a suite raises
        logger.warning("gate %s could not run: %s", request.asset_key, type(error).__name__)
        results = {}
        problem = first_line(str(error)) or type(error).__name__
    return [
        outcome_of(
            request,
            expectation,
            results.get(check_name(expectation)),
            version=version,
            problem=problem,
        )
        for expectation in suite.expectations
    ]
