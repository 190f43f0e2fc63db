"""Models in a step's context: reading the champion, registering what was trained, deciding who scores.

What lives here: the border between a step and the model registry. What does not: training and promotion (ml/), tables
(context.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flows.engine.steps.recording_context import RecordingContext
from flows.engine.steps.skipping import StepSkippedError
from flows.engine.steps.written_table import write_evidence
from flows.errors import GridweaveError
from flows.lineage.model_records import record_model_version
from flows.lineage.recorder import record_checks
from flows.lineage.records import CheckRecord, CheckStatus, InputRecord
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import exact_path, literal

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from ml.paired_losses import PairedLosses
    from ml.registry import RegisteredModel
    from ml.training import TrainedModel


Compare = Callable[[Mapping[str, Any], "pd.DataFrame", datetime], "PairedLosses"]
"""From champion, challenger's out-of-time scores and the end of what the champion has seen to losses."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """The champion of a use case, verified and ready to score.

    Args:
        registered: Its entry in the registry.
        model: What the use case's `score` takes.
        backtest_scores: Out-of-time scores from its training, in the columns of the use case's table.
    """

    registered: RegisteredModel
    model: Mapping[str, Any]
    backtest_scores: pd.DataFrame


@dataclass
class ModelContext(RecordingContext):
    """What a step can do with models."""

    def read_champion(self, key: str) -> LoadedModel:
        """Load the champion of a model asset, verified against its hash.

        Raises:
            StepSkippedError: There is no model, because nothing feeds its training.
            ModelError: The artefact is missing or not what was registered.
        """
        cursor = self.warehouse.cursor()
        self._admit(cursor, key)
        row = cursor.execute(
            "select metadata->>'name', metadata->>'version', metadata->>'is_stand_in'"
            " from lineage.current_materialization where asset_key = ?",
            [key],
        ).fetchone()
        if row is None:
            raise StepSkippedError(asset_key=self.definition.key, reason=f"{key} has no champion")
        name, version, is_stand_in = row
        registered = self.registry().get(name, int(version))
        if is_stand_in == "true":
            self.notes.append(f"scored by the stand-in {registered.model_version}")
        backtest = literal(exact_path(self.lake.evidence_path(key, registered.model_version)))
        return LoadedModel(
            registered=registered,
            model=self.registry().load(name, int(version)),
            backtest_scores=read_frame(self.warehouse.cursor(), f"from read_parquet({backtest})"),
        )

    def write_model(self, trained: TrainedModel, *, compare: Compare | None = None) -> RegisteredModel:
        """Register a trained model, decide on the champion and record which one scores from now on.

        Args:
            trained: What training handed over.
            compare: Sets the champion beside it on what neither has learnt from; None where a use case cannot.

        The registry is asked first: the same logical version is never registered twice, so a run that died between
        the registry and the ledger finishes with the same model.
        """
        from ml.promotion import decide

        registry = self.registry()
        champion = registry.champion(trained.use_case)
        registered = registry.register(
            trained,
            logical_version=self.logical_version,
            run_id=str(self.run_id),
            materialization_id=str(self.materialization_id),
            data_versions=self._input_versions,
            code_version=self.definition.code_version,
            parameters=self.definition.parameters,
        )
        paired, why_not = self._paired(trained, champion, registered, compare)
        decision = decide(trained, champion, paired=paired, why_unpaired=why_not)
        if decision.promote:
            registry.promote(registered.name, registered.version, reason=decision.reason)
        chosen = registered if decision.promote or champion is None else champion
        self._record_training(trained, registered, chosen, reason=decision.reason)
        if not trained.beats_baseline:
            self.notes.append(f"does not beat its baseline: {decision.reason}")
        return chosen

    def _paired(
        self,
        trained: TrainedModel,
        champion: RegisteredModel | None,
        registered: RegisteredModel,
        compare: Compare | None,
    ) -> tuple[PairedLosses | None, str]:
        """Return the losses of champion and challenger side by side, or None and why they cannot be had."""
        if champion is None or compare is None or champion.version == registered.version:
            return None, ""
        try:
            figures = self.registry().training(champion.name, champion.version)["metrics"]
            seen_to = max(datetime.fromisoformat(row["test_to"]) for row in figures)
            model = self.registry().load(champion.name, champion.version)
            return compare(model, trained.backtest_scores, seen_to), ""
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, GridweaveError) as error:
            # a champion of other code, whose file has no more what this code reads, or one without any figure
            why = f"version {champion.version} cannot be compared: {type(error).__name__}: {error}"
            self.notes.append(why)
            return None, why

    def _record_training(
        self, trained: TrainedModel, registered: RegisteredModel, chosen: RegisteredModel, *, reason: str
    ) -> None:
        """Keep the out-of-time scores and record model, champion and how training went, in one transaction."""
        evidence = self.lake.evidence_path(self.definition.key, registered.model_version)
        with self.warehouse.transaction() as cursor:
            cursor.register("backtest", trained.backtest_scores)
            evidence_sha256 = write_evidence(cursor, "from backtest", evidence)
            cursor.unregister("backtest")
            record_model_version(
                cursor,
                trained=trained,
                registered=registered,
                materialization_id=self.materialization_id,
                run_id=self.run_id,
                created_at=self.clock(),
            )
            self._record_champion(
                cursor,
                chosen,
                is_stand_in=chosen.version != registered.version,
                reason=reason,
                evidence={
                    "evidence_uri": str(evidence.relative_to(self.lake.home)),
                    "evidence_sha256": evidence_sha256,
                },
            )
            status: CheckStatus = "PASS" if trained.beats_baseline else "FAIL"
            record_checks(cursor, [self._training_check(status, reason)])

    def keep_champion(self, use_case: str, *, reason: str) -> bool:
        """Go on with the present champion after a training that failed.

        Returns:
            False when there is no champion to go on with.
        """
        champion = self.registry().champion(use_case)
        if champion is None:
            return False
        with self.warehouse.transaction() as cursor:
            self._record_champion(cursor, champion, is_stand_in=True, reason=reason)
            record_checks(cursor, [self._training_check("FAIL", reason)])
        self.notes.append(f"training failed, version {champion.version} goes on: {reason}")
        return True

    def take_champion(self, use_case: str, *, reason: str) -> None:
        """Record the champion a person chose, as made from what the model before it was made from."""
        champion = self.registry().champion(use_case)
        with self.warehouse.transaction() as cursor:
            rows = cursor.execute(
                "select i.upstream_key, i.upstream_partition, i.input_materialization_id::varchar,"
                " i.upstream_data_version, i.role"
                " from lineage.current_materialization m"
                " inner join lineage.materialization_input i on i.materialization_id = m.materialization_id"
                " where m.asset_key = ?",
                [self.definition.key],
            ).fetchall()
            for key, partition_key, identifier, version, role in rows:
                self._inputs[key, partition_key] = InputRecord(
                    upstream_key=key,
                    partition_key=partition_key,
                    materialization_id=identifier,
                    data_version=version,
                    role=role,
                )
            if champion is not None:
                self._record_champion(cursor, champion, is_stand_in=False, reason=reason)

    def _record_champion(
        self,
        cursor: duckdb.DuckDBPyConnection,
        champion: RegisteredModel,
        *,
        is_stand_in: bool,
        reason: str,
        evidence: Mapping[str, str] | None = None,
    ) -> None:
        self._record(
            cursor,
            data_version=f"model:{champion.artifact_sha256}",
            row_count=None,
            columns=(),
            storage_uri=champion.artifact_uri,
            metadata={
                "name": champion.name,
                "model_version": champion.model_version,
                "model_version_id": f"{champion.name}:{champion.model_version}",
                "version": champion.version,
                "is_stand_in": is_stand_in,
                "reason": reason,
                **(evidence or {}),
            },
        )

    def _training_check(self, status: CheckStatus, reason: str) -> CheckRecord:
        """A warning beside a model: a worse model is kept out by promotion, not by a gate."""
        return CheckRecord(
            asset_key=self.definition.key,
            materialization_id=str(self.materialization_id),
            run_id=self.run_id,
            check_name="training",
            engine="gridweave",
            status=status,
            is_blocking=False,
            expected="training succeeds and the model beats its baseline",
            actual=reason,
            evaluated_at=self.clock(),
            partition_key=self.partition_key,
        )
