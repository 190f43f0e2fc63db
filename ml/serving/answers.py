"""What answers hold, for the API's document.

What lives here: shapes, described. What does not: making them (`scoring_routes`, `published_routes`): answers are
written as they are, without a second check, because ten thousand rows are worth a check's time.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Field(ge=0, le=1)


class Provenance(BaseModel):
    """What every answer says of where it is from."""

    model_config = ConfigDict(extra="forbid")

    model_version: str | None = Field(description="Registry version and start of the artefact's hash.")
    data_version: str | None = Field(description="Data version of what was read: published table, or the model itself.")
    materialization_id: str | None = Field(description="Ask /v1/lineage/{materialization_id} what is behind it.")
    source: Literal["model", "baseline"] = Field(description="baseline: the model gave no usable answer.")
    degraded: bool = Field(description="True while snapshot, registry or champion is not to be had; see /ready.")


class FailureScore(BaseModel):
    """Failure of one transformer within 28 days."""

    asset_id: str = Field(description="Transformer.", examples=["T00001"])
    network_id: str = Field(description="Utility network.", examples=["SIM"])
    valid_at: datetime | None = Field(default=None, description="As-of instant of published features, UTC.")
    failure_probability: float = Field(ge=0, le=1, description="Probability of failure in the next 28 days, 0-1.")
    failure_probability_low: float = Field(ge=0, le=1, description="Lower end of its 90 % interval, 0-1.")
    failure_probability_high: float = Field(ge=0, le=1, description="Upper end of its 90 % interval, 0-1.")
    baseline_failure_probability: float = Field(ge=0, le=1, description="What the age-only baseline says, 0-1.")
    missing_feature_share: float | None = Field(
        description="Share of the features the model relies on that are unknown, 0-1; null from the baseline."
    )
    top_driver: str | None = Field(description="Feature that raises the score most.", examples=["hydrogen_change_ppm"])
    second_driver: str | None = Field(description="Feature that raises the score second most.")


class OutageScore(BaseModel):
    """Unplanned outages of one feeder on one local day."""

    feeder_id: str = Field(description="Feeder.", examples=["F001"])
    network_id: str = Field(description="Utility network.", examples=["SIM"])
    outage_date: date | None = Field(default=None, description="Local day of published features.")
    valid_at: datetime | None = Field(default=None, description="Start of that day, UTC.")
    outage_probability: float = Field(ge=0, le=1, description="Probability of an outage, 0-1.")
    expected_outage_count: float = Field(ge=0, description="Expected outages.")
    expected_customers_out: float = Field(ge=0, description="Expected customers interrupted.")
    baseline_outage_probability: float = Field(ge=0, le=1, description="What the feeder's climatology says, 0-1.")
    missing_feature_share: float | None = Field(
        description="Share of the features the model relies on that are unknown, 0-1; null from the baseline."
    )


class ScoreAnswer(Provenance):
    """Scores of rows that were sent or named."""

    features_materialization_id: str | None = Field(
        default=None, description="What made the published features; null for features that were sent."
    )


class FailureScores(ScoreAnswer):
    """Failure scores, as objects or, to a request with columns, as lists."""

    scores: list[FailureScore] | None = None
    columns: dict[str, list[Any]] | None = None


class OutageScores(ScoreAnswer):
    """Outage scores, as objects or, to a request with columns, as lists."""

    scores: list[OutageScore] | None = None
    columns: dict[str, list[Any]] | None = None


class PublishedFailureScore(Provenance, FailureScore):
    """The published score of one transformer."""

    is_fallback: bool = Field(description="True when an input is a stand-in for a refused load.")


class ForecastHour(BaseModel):
    """Load of one hour."""

    valid_at: datetime = Field(description="Start of the hour, UTC.")
    horizon_hours: int = Field(description="Hours from the origin to the end of the hour.")
    p05_load_mw: float = Field(description="Lower end of the 90 % interval, MW.")
    p50_load_mw: float = Field(description="Median, MW.")
    p95_load_mw: float = Field(description="Upper end of the 90 % interval, MW.")
    baseline_load_mw: float | None = Field(description="What the week before says, MW.")


class LoadForecast(Provenance):
    """The last published forecast of one series."""

    series_id: str = Field(description="Feeder, zone or system.", examples=["F001"])
    network_id: str = Field(description="Utility network.", examples=["SIM"])
    issued_at: datetime = Field(description="Forecast origin, UTC.")
    hours: list[ForecastHour]


class StormPlace(BaseModel):
    """One place of the storm list."""

    network_id: str
    outage_date: date = Field(description="Local day.")
    priority_rank: int = Field(description="1 is worked on first.")
    feeder_id: str
    substation_id: str | None
    priority_score: float | None = Field(description="Expected customer-minutes out times criticality.")
    outage_probability: float = Share
    expected_outage_count: float
    expected_customers_out: float
    expected_restoration_minutes: float | None = Field(description="min")
    peak_gust_forecast_mps: float | None = Field(description="m/s")
    reason_text: str | None
    is_low_confidence: bool = Field(description="A person looks before anyone acts on it.")
    low_confidence_reason: str | None = Field(
        description="Why; none where the score is trusted.", examples=["Unlike earlier years: peak_gust_forecast_mps."]
    )
    is_fallback: bool


class StormList(Provenance):
    """The published storm list."""

    places: list[StormPlace]


class LineageEntry(BaseModel):
    """One materialization, or one delivered file of it."""

    depth: int = Field(description="0 for what was asked about, 1 for what it was made from, and so on.")
    asset_key: str
    materialization_id: str
    run_id: str
    code_version: str | None
    data_version: str | None
    row_count: int | None
    model_version: str | None
    model_sha256: str | None
    file_name: str | None
    file_sha256: str | None
    valid_from: datetime | None


class Lineage(Provenance):
    """What stands behind a materialization, down to the delivered files."""

    asset_key: str
    is_truncated: bool = Field(description="True when there are more entries than are shown.")
    entries: list[LineageEntry]


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What is served."""

    ready: bool
    degraded: bool
    troubles: dict[str, str] = Field(description="Why answers are degraded; empty in health.")
    models: dict[str, str] = Field(description="Version that answers, by use case.")
    data_versions: dict[str, str] = Field(description="Data version of the published features, by use case.")


class Fault(BaseModel):
    """A place of the request and what is wrong there."""

    place: str
    problem: str


class ProblemDetails(BaseModel):
    """RFC 9457; nothing of the request is echoed."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["Some values cannot be scored."])
    errors: list[Fault] = Field(default_factory=list)
