"""Settings: `GRIDWEAVE_*` environment variables over secret files over `gridweave.toml` over the defaults here.

What lives here: every setting, described, with unit and default. Nothing else in gridweave reads the environment.

A secret need not be in the environment, where each process of the account can read it: `GRIDWEAVE_SECRETS_DIR` names a
folder with a file for each, `gridweave_stream_url` for example, as Docker, Kubernetes and systemd hand them over.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Literal

from pydantic import AnyHttpUrl, Field, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from flows.errors import ConfigurationError

SECRETS_VARIABLE = "GRIDWEAVE_SECRETS_DIR"
CHECKOUT = Path(__file__).resolve().parents[1]
FOLDERS = ("home", "sources_dir", "targets_dir", "transform_dir")
FILES = ("audit_key_path", "audit_witness_path", "api_tls_certificate_path", "api_tls_key_path")
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""What may name a file and a broker's stream."""


class Settings(BaseSettings):
    """All settings, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="GRIDWEAVE_", toml_file=CHECKOUT / "gridweave.toml", frozen=True, extra="forbid"
    )

    home: Path = Field(default=CHECKOUT / "data" / "var", description="Folder that holds everything generated.")
    sources_dir: Path = Field(default=CHECKOUT / "data" / "sources", description="Folder of source descriptions.")
    targets_dir: Path = Field(
        default=CHECKOUT / "data" / "targets", description="Folder of descriptions of the systems that get messages."
    )
    transform_dir: Path = Field(default=CHECKOUT / "transform", description="The dbt project.")
    duckdb_threads: int = Field(
        default=1, ge=1, description="Threads per query; more than one gives up bit-equal results."
    )
    duckdb_memory_gb: float = Field(
        default=4.0, gt=0, description="Memory DuckDB may hold, GB; what needs more goes to files beside the warehouse."
    )
    dbt_threads: int = Field(default=2, ge=1, description="dbt models built side by side.")
    python_workers: int = Field(default=2, ge=1, description="Python assets run side by side.")
    concurrency_limits: dict[str, PositiveInt] = Field(
        default_factory=dict,
        description="Steps of a concurrency group run at once, by group; 1 for a group that is not named.",
    )
    prefect_port: int = Field(
        default=4217,
        ge=1024,
        le=65535,
        description="Port of the local Prefect server, loopback only.",
    )
    prefect_shared: bool = Field(
        default=False,
        description="Use the Prefect server on that port also when another home started it; else that is refused.",
    )
    daily_cron: str = Field(
        default="15 5 * * *", description="When the daily run starts, cron syntax, schedule_time_zone."
    )
    hourly_cron: str = Field(
        default="35 * * * *", description="When load is forecast anew, cron syntax, schedule_time_zone; empty: never."
    )
    retrain_cron: str = Field(
        default="30 3 * * 1",
        description="When models that have new data are trained, cron syntax, schedule_time_zone; empty: never.",
    )
    schedule_time_zone: str = Field(default="UTC", description="Time zone of the schedules.")
    automation_cron: str = Field(
        default="* * * * *", description="When the conditions of assets are evaluated, cron syntax, schedule_time_zone."
    )
    automation_retry_minutes: int = Field(
        default=60, ge=1, description="How long a condition that asks for the same thing again is held back, minutes."
    )
    inbox_watch_seconds: float = Field(
        default=10.0, gt=0, description="Pause between two looks at the inbox; a file has arrived when two agree, s."
    )
    settle_seconds: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Age of a new file in the inbox before a run takes it; one that changes meanwhile waits, s.",
    )
    outbox_cron: str = Field(
        default="* * * * *", description="When messages that wait are sent, cron syntax, schedule_time_zone."
    )
    outbox_seconds: float = Field(
        default=60.0, gt=0, description="How long a run, or a look of the schedule, sends messages at most, s."
    )
    severe_gust_mps: float = Field(
        default=25.9,
        gt=0,
        description="Forecast gust from which a forecast issue is severe weather (58 mph, NWS high wind warning), m/s.",
    )
    busy_wait_minutes: float = Field(
        default=240.0, gt=0, description="How long a deployed run waits for the warehouse before it fails, minutes."
    )
    audit_key_path: Path | None = Field(
        default=None, description="Private Ed25519 key (PEM, mode 0600) that signs checkpoints; none: made below home."
    )
    audit_witness_path: Path | None = Field(
        default=None,
        description="Second file for checkpoints, on storage that this host can append to and not rewrite.",
    )
    openlineage_url: AnyHttpUrl | None = Field(
        default=None, description="OpenLineage backend, for example http://localhost:5000; none: a file below home."
    )
    openlineage_api_key: SecretStr | None = Field(default=None, description="Bearer token of the OpenLineage backend.")
    alert_urls: list[SecretStr] = Field(
        default_factory=list,
        description="Where alerts go beside the file below home: Apprise URLs, for example mailtos://… or json://….",
    )
    alert_least_severity: Literal["WARNING", "ERROR", "CRITICAL"] = Field(
        default="ERROR", description="Least severity that goes to alert_urls; the file gets all."
    )
    api_host: str = Field(
        default="127.0.0.1", description="Address the scoring API listens on; any but loopback needs TLS."
    )
    api_port: int = Field(default=8321, ge=1, le=65535, description="Port of the scoring API.")
    api_tls_certificate_path: Path | None = Field(default=None, description="PEM certificate chain of the scoring API.")
    api_tls_key_path: Path | None = Field(default=None, description="PEM private key of that certificate.")
    api_allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Host names, besides loopback and api_host, that requests may ask for."
    )
    api_body_bytes: PositiveInt = Field(
        default=1_000_000, description="Largest request body, bytes; 10,000 rows of all features need 4,000,000."
    )
    api_rows: PositiveInt = Field(default=10_000, description="Most rows scored in one request.")
    api_requests_per_second: float = Field(
        default=500.0, gt=0, description="Requests a second that one key may send; twice as many in a burst."
    )
    api_concurrent_requests: PositiveInt = Field(
        default=32, description="Requests worked on at once; more are asked to come back."
    )
    api_score_seconds: float = Field(
        default=2.0, gt=0, description="After this time a scoring is given up and the baseline answers, s."
    )
    api_request_seconds: float = Field(default=20.0, gt=0, description="After this time a request is given up, s.")
    api_slow_client_seconds: float = Field(
        default=15.0, gt=0, description="After this time a client that has not sent its whole request is cut, s."
    )
    api_watch_seconds: float = Field(
        default=2.0, gt=0, description="Pause between two looks for a new snapshot or champion, s."
    )
    api_lockout_seconds: float = Field(
        default=60.0, gt=0, description="How long an address that tried ten wrong keys is refused, s."
    )
    stream_source: Literal["spool", "nats", "redis", "kafka"] = Field(
        default="spool", description="Where `gridweave stream` reads: files below home, or a kind of broker."
    )
    stream_url: SecretStr | None = Field(
        default=None,
        description="The broker, with user and password where it wants them, for example tls://user:secret@host:4222;"
        " none: on this machine.",
    )
    stream_name: str = Field(
        default="scada_traffic", pattern=NAME, description="Stream, topic or spool that messages are read from."
    )
    stream_subject: str = Field(default="", description="NATS: subject of the stream; empty where it has one only.")
    stream_consumer: str = Field(
        default="gridweave",
        pattern=NAME,
        description="Name of the reader: its sink below home, and what the broker shows.",
    )
    stream_batch_messages: int = Field(
        default=5_000,
        ge=1,
        le=100_000,
        description="Most messages worked on at once; also the most there are in memory.",
    )
    stream_batch_seconds: float = Field(
        default=0.5, gt=0, le=60, description="Longest time messages are collected before they are worked on, s."
    )
    stream_delay_seconds: float = Field(
        default=30.0, ge=0, description="A window is scored when its tap is this far beyond its end, s of event time."
    )
    stream_late_seconds: float = Field(
        default=600.0, ge=0, description="How long after that a window takes in late messages, s of event time."
    )
    stream_idle_seconds: float = Field(
        default=20.0, gt=0, description="After this time without a message open windows are scored as they are, s."
    )
    stream_tries: int = Field(
        default=3, ge=1, le=100, description="Tries before a message that makes its work fail is a dead letter."
    )
    stream_message_bytes: PositiveInt = Field(default=64_000, description="Longest message that is read, bytes.")
    stream_handover_messages: PositiveInt = Field(
        default=100_000, description="As many messages of final windows make a file for the warehouse's inbox."
    )
    stream_handover_seconds: float = Field(
        default=900.0, gt=0, description="After this time fewer make a file, too, s."
    )
    stream_lag_seconds: float = Field(
        default=60.0, gt=0, description="From this time on that a stream is read behind what has arrived, an alert, s."
    )
    stream_quiet_seconds: float = Field(
        default=600.0, gt=0, description="After this time without another dead letter its alert is over, s."
    )

    data_retention_days: int = Field(
        default=90,
        ge=1,
        description="Days that copies of features and seeds are kept after they were last made; what current tables"
        " were made from stays.",
    )
    evidence_retention_days: int = Field(
        default=1096,
        ge=1,
        description="Days that scored tables and executed SQL are kept as evidence, three years by default (NERC CIP"
        " audit period).",
    )

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file."""
        return self.home / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        """Folder of the published snapshot and ledger."""
        return self.home / "published"

    @property
    def inbox_dir(self) -> Path:
        """Folder where extracts arrive, one folder per source."""
        return self.home / "inbox"

    @property
    def truth_dir(self) -> Path:
        """Folder of the simulator's ground truth."""
        return self.home / "truth"

    @property
    def audit_dir(self) -> Path:
        """Folder of the audit key and the signed checkpoints."""
        return self.home / "audit"

    @property
    def serving_dir(self) -> Path:
        """Folder of the scoring API: keys, events, last good models."""
        return self.home / "serving"

    @property
    def services_dir(self) -> Path:
        """Folder where what keeps running says how it stands."""
        return self.home / "services"

    @property
    def stream_dir(self) -> Path:
        """Folder of the streaming scorer: spools, and a sink per consumer."""
        return self.home / "stream"

    @property
    def quality_dir(self) -> Path:
        """Folder of data-quality reports."""
        return self.home / "quality"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: arguments, environment, secret files, gridweave.toml."""
        del dotenv_settings, file_secret_settings
        folder = os.environ.get(SECRETS_VARIABLE)
        if folder and not Path(folder).is_dir():
            raise ConfigurationError(
                f"{SECRETS_VARIABLE} is {folder}, which is no folder.",
                hint="it holds a file for each secret, named like its variable in small letters",
            )
        secrets = (SecretsSettingsSource(settings_cls, secrets_dir=folder),) if folder else ()
        return init_settings, env_settings, *secrets, _Toml(settings_cls)

    @field_validator(*FILES)
    @classmethod
    def _check_is_absolute(cls, path: Path | None) -> Path | None:
        """Refuse a path that would be another file for each folder a command is started in."""
        if path is not None and not path.is_absolute():
            raise ValueError("expected an absolute path")
        return path


class _Toml(TomlConfigSettingsSource):
    """gridweave.toml, whose paths begin where it lies."""

    def __call__(self) -> dict[str, Any]:
        """Return what it says."""
        said = super().__call__()
        return said | {name: str(CHECKOUT / str(said[name])) for name in (*FOLDERS, *FILES) if name in said}


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the settings once per process; paths are made absolute.

    Raises:
        ConfigurationError: A variable or a line of gridweave.toml is wrong.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigurationError(
            f"Settings are wrong: {wrong}.",
            hint="they come from GRIDWEAVE_* variables and gridweave.toml in the checkout; flows/settings.py lists all",
        ) from error
    except SettingsError as error:  # a list that is no JSON; its words name the setting and not what was found
        raise ConfigurationError(f"Settings are wrong: {error}.", hint='lists are JSON: ["one", "two"]') from None
    except TOMLDecodeError as error:
        raise ConfigurationError(f"gridweave.toml is not TOML: {error}.", hint="mend the line") from error
    return settings.model_copy(update={name: getattr(settings, name).resolve() for name in FOLDERS})
