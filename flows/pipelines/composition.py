"""One place where a pipeline is put together: the graph, and what is done when a run is over.

What lives here: passing the parts to each other. What does not: any of the parts; and Prefect, so that the command line
can use it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.definitions import build_graph
from flows.delivery.alerts.raising import raise_alerts
from flows.delivery.outbox import hand_over
from flows.engine.pipeline import Pipeline
from flows.settings import get_settings

if TYPE_CHECKING:
    from flows.settings import Settings


def make_pipeline(settings: Settings | None = None, **facts: Any) -> Pipeline:  # noqa: ANN401 - fields of Pipeline
    """Return the pipeline of this installation.

    Args:
        settings: All settings; None reads them.
        **facts: Other fields of `Pipeline`, for example who or what starts its runs.
    """
    return Pipeline(
        settings=settings or get_settings(),
        build_graph=build_graph,
        after_run=hand_over,
        on_close=raise_alerts,
        **facts,
    )
