"""Great Expectations Data Docs from stored validation results.

What lives here: the HTML site of one run's gates. What does not: the one-page summary
(flows.web.quality_page) and running the gates (expectations.gate).

Separate from the gate because rendering takes seconds that a run need not wait for.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from expectations.registry import import_great_expectations
from flows.errors import GridweaveError

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)


class NoValidationResultsError(GridweaveError):
    """There is nothing to make Data Docs from.

    Args:
        store_dir: Folder that was searched.
    """

    def __init__(self, *, store_dir: Path) -> None:
        self.store_dir = store_dir
        super().__init__(
            f"No validation results in {store_dir}, so there are no Data Docs to build.",
            hint="gridweave run checks the data and stores the results",
        )


def build(*, store_dir: Path, site_dir: Path) -> Path:
    """Render the validation results of one run as a Data Docs site.

    Args:
        store_dir: Folder given to `run_suites` as `docs_dir`.
        site_dir: Folder of the site; what an earlier run left there is replaced.

    Returns:
        The site's index page.

    Raises:
        NoValidationResultsError: The store is empty or absent.
    """
    if not any(store_dir.rglob("*.json")):
        raise NoValidationResultsError(store_dir=store_dir)
    import_great_expectations()
    from expectations import custom
    from expectations.gx_session import SITE_NAME, open_context

    custom.register()
    started = time.perf_counter()
    context = open_context(store_dir=store_dir, site_dir=site_dir)
    context.build_data_docs(site_names=[SITE_NAME])
    logger.info("data docs in %s built in %.1f s", site_dir, time.perf_counter() - started)
    return site_dir / "index.html"
