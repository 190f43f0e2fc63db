"""What the queries of a suite share: one query of the batch for all shares, one run for rows and their number.

What lives here: which of GX's query metrics are answered by one query, and their values read off its row. What does
not: what a share is compared with (expectations.custom.share_of_rows), the engine that runs queries
(expectations.duckdb_datasource).

Decision: beside the words of suites, not in them. How a count is run is no part of what is checked, so suites keep
    their version and no gate runs again for it. GX bundles only aggregates of its own kind; a metric provider of that
    kind would have been other expectations, with other Data Docs, for the same numbers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from great_expectations.constants import MAX_RESULT_RECORDS
from great_expectations.exceptions import MetricResolutionError
from great_expectations.validator.metric_configuration import MetricConfiguration

from expectations.custom.share_of_rows import counting_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Values = dict[Any, Any]
"""Values of metrics by the identity GX gives them."""

_QUERY_KEY = "unexpected_rows_query"
_ROWS = "unexpected_rows_query.table"
_ROW_COUNT = "unexpected_rows_query.row_count"
_BEFORE, _AFTER = counting_query("?").split("?")


def resolve(metrics: Iterable[Any], resolve_each: Callable[[Sequence[Any]], Values]) -> Values:
    """Resolve metrics, those that can share a query by one.

    Args:
        metrics: GX's metric configurations.
        resolve_each: Resolves metrics the way GX does, one query for each.

    Raises:
        MetricResolutionError: From `resolve_each`, about a metric that no shared query could answer.
    """
    waiting = {metric.id: metric for metric in metrics}
    found: Values = {}
    for shares in _shares_by_batch(waiting.values()):
        found.update(_counted_at_once(shares, resolve_each))
    rows_of = {each.id: _rows_of(each).id for each in waiting.values() if each.metric_name == _ROW_COUNT}
    numbers = {each for each, rows in rows_of.items() if rows in waiting}
    found.update(_resolved(waiting.keys() - found.keys() - numbers, waiting, resolve_each))
    for number in numbers:
        row_count = len(found[rows_of[number]])
        if row_count < MAX_RESULT_RECORDS:  # GX fetches no more; fewer are all there are, and need no second run
            found[number] = row_count
    return found | _resolved(numbers - found.keys(), waiting, resolve_each)


def _resolved(wanted: set[Any], waiting: Values, resolve_each: Callable[[Sequence[Any]], Values]) -> Values:
    """Resolve the wanted metrics each by itself; asked for none, GX would answer with all it knows."""
    return resolve_each([waiting[each] for each in waiting if each in wanted]) if wanted else {}


def _shares_by_batch(metrics: Iterable[Any]) -> list[list[Any]]:
    """Counting queries, those over the same rows together; one alone has nothing to share."""
    batches: dict[Any, list[Any]] = defaultdict(list)
    for metric in metrics:
        query = metric.metric_value_kwargs.get(_QUERY_KEY, "")
        if metric.metric_name == _ROWS and query.startswith(_BEFORE) and query.endswith(_AFTER):
            batches[metric.metric_domain_kwargs_id].append(metric)
    return [shares for shares in batches.values() if len(shares) > 1]


def _counted_at_once(shares: Sequence[Any], resolve_each: Callable[[Sequence[Any]], Values]) -> Values:
    """Count all predicates in one query; nothing when one of them breaks it, so that each is then asked by itself."""
    predicates = [metric.metric_value_kwargs[_QUERY_KEY][len(_BEFORE) : -len(_AFTER)] for metric in shares]
    # Each as a condition of its own scan, not as a column of one: least and greatest of a row group say of sound values
    # that none can fail, and then they are not read. On 3.7 million rows of telemetry a fifth of the seconds.
    counts = [
        f"(select count(*) from {{batch}} where {each}) as failing_{n}"  # noqa: S608 - written in suites
        for n, each in enumerate(predicates)
    ]
    query = f"select {', '.join(counts)}, (select count(*) from {{batch}}) as row_count"  # noqa: S608 - written in suites
    together = MetricConfiguration(_ROWS, shares[0].metric_domain_kwargs, {_QUERY_KEY: query})
    try:
        ((counted,),) = resolve_each([together]).values()
    except MetricResolutionError:
        return {}
    return {
        metric.id: [{"failing_rows": counted[f"failing_{n}"], "row_count": counted["row_count"]}]
        for n, metric in enumerate(shares)
    }


def _rows_of(number: Any) -> Any:  # noqa: ANN401 - GX is untyped
    """The metric of the rows whose number is asked for."""
    return MetricConfiguration(_ROWS, number.metric_domain_kwargs, number.metric_value_kwargs)
