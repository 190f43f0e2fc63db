"""One Great Expectations session over the owner's DuckDB instance.

What lives here: the data context, the batches and the store of validation results. What does not:
what a result means (expectations.translation) and which suites run (expectations.gate).

Decision: relations are read as query assets. A table asset in a schema is deprecated in GX 1.24,
    and a raw relation is often restricted to the loads of one run. Values of that restriction go
    through bound parameters into a temporary table of this session's cursor, never into SQL text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from great_expectations import get_context
from great_expectations.core import RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

from expectations.custom.share_of_rows import ExpectShareOfRowsToBeAtMost
from expectations.duckdb_datasource import open_datasource

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    from great_expectations.data_context import EphemeralDataContext

    from expectations.outcome import GateRequest

_SELECTION_TABLE = "gate_selection"
SITE_NAME = "data_quality"


class GxSession:
    """Validate suites on one cursor of the owner's connection.

    Args:
        connection: The owner's connection to the warehouse. What it has not committed is not seen.
        store_dir: Folder for validation results; None stores none.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, store_dir: Path | None) -> None:
        self._cursor = connection.cursor()
        self._cursor.execute(
            f"create temporary table {_SELECTION_TABLE}"
            " (request_number integer, column_name varchar, selected_value varchar)"
        )
        self._context = open_context(store_dir=store_dir)
        self._stores_results = store_dir is not None
        self._datasource = open_datasource(self._cursor, context=self._context)
        self._request_count = 0

    def validate(self, request: GateRequest, suite: Any) -> dict[str, Any]:  # noqa: ANN401 - GX is untyped
        """Hold one relation against one suite.

        Returns:
            GX's result for each expectation, by check name; for a failed one with a sample of the
            rows.
        """
        self._request_count += 1
        asset = self._datasource.add_query_asset(
            f"{request.asset_key} #{self._request_count}", self._select_statement(request)
        )
        batch = asset.get_batch(asset.build_batch_request())
        validation = batch.validate(suite, result_format="SUMMARY")
        results = {result.expectation_config.meta["check_name"]: result for result in validation.results}
        self._add_samples(batch, suite, results)
        self._store(request, validation)
        return results

    def close(self) -> None:
        """Close the cursor; the owner's connection stays open."""
        self._datasource.get_execution_engine().close()
        self._cursor.close()

    def _add_samples(self, batch: Any, suite: Any, results: dict[str, Any]) -> None:  # noqa: ANN401 - GX is untyped
        """Run what failed once more for its rows; asking for all rows doubles a good run."""
        for expectation in suite.expectations:
            name = expectation.meta["check_name"]
            found = results.get(name)
            has_rows = "unexpected_rows_query" in expectation.configuration.kwargs
            if isinstance(expectation, ExpectShareOfRowsToBeAtMost):
                has_rows = False  # its query returns counts
            if found is None or found.success or not has_rows:
                continue
            again = batch.validate(expectation, result_format="COMPLETE")
            if "details" in again.result:
                found.result["details"] = again.result["details"]

    def _select_statement(self, request: GateRequest) -> str:
        """Query that reads the requested rows; values go to the selection table."""
        schema, name = (_quoted(part) for part in request.source_relation)
        restrictions = {"_load_id": request.load_ids}
        if request.materialization_id is not None:
            restrictions["materialization_id"] = (request.materialization_id,)
        conditions = [
            self._restriction(column, values)
            for column, values in restrictions.items()
            if values is not None and request.is_restricted
        ]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT * FROM {schema}.{name}{where}"  # noqa: S608 - identifiers quoted, values bound

    def _restriction(self, column: str, values: tuple[str, ...]) -> str:
        """Predicate that keeps the rows whose column is among the values."""
        self._cursor.execute(
            f"insert into {_SELECTION_TABLE} select ?, ?, unnest(?::varchar[])",
            [self._request_count, column, list(values)],
        )
        return (
            f"cast({_quoted(column)} as varchar) IN"  # noqa: S608 - constants
            f" (SELECT selected_value FROM temp.{_SELECTION_TABLE}"
            f" WHERE request_number = {self._request_count:d} AND column_name = '{column}')"
        )

    def _store(self, request: GateRequest, validation: Any) -> None:  # noqa: ANN401 - GX is untyped
        """Put a validation result where `expectations.data_docs` finds it."""
        if not self._stores_results:
            return
        run_id = RunIdentifier(run_name=request.asset_key.replace("/", "."))
        key = ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(request.suite_name),
            run_id=run_id,
            batch_identifier=f"{self._request_count:04d}",
        )
        validation.meta["run_id"] = run_id
        self._context.validation_results_store.set(key, validation)


def open_context(*, store_dir: Path | None, site_dir: Path | None = None) -> EphemeralDataContext:
    """Make a GX data context that is quiet and sends nothing anywhere.

    Args:
        store_dir: Folder for validation results; None keeps them in memory.
        site_dir: Folder of the Data Docs site; None makes none.
    """
    defaults = InMemoryStoreBackendDefaults()
    if store_dir is not None:
        store_dir.mkdir(parents=True, exist_ok=True)
        defaults.stores[defaults.validation_results_store_name]["store_backend"] = {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(store_dir.resolve()),
        }
    if site_dir is not None:
        defaults.data_docs_sites[SITE_NAME] = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(site_dir.resolve()),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
    config = DataContextConfig(
        store_backend_defaults=defaults,
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    # get_context, not the class: GX keeps the active context of the process in a global that
    # validation needs.
    return get_context(mode="ephemeral", project_config=config)


def _quoted(identifier: str) -> str:
    """SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'
