"""Target descriptions: which system takes which messages, how, and how patiently.

What lives here: the model of `data/targets/<name>.yml` and its readers. What does not: talking to the systems
(systems/). `flows/delivery/README.md` explains every key with an example.

Decision: a description never holds a secret, only where to find one: an environment variable or a file. So it can be
committed, and nothing that prints a description prints a secret.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from flows.delivery.message_types import MESSAGE_TYPES, Approval
from flows.errors import ConfigurationError
from flows.yaml_text import YamlError, parse_yaml

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
_IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$"


class _Frozen(BaseModel):
    """Base of all parts: unchangeable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SecretReference(_Frozen):
    """Where a secret is; exactly one of the two."""

    env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$", description="Environment variable.")
    file: Path | None = Field(default=None, description="File whose first line it is.")

    @model_validator(mode="after")
    def _check_one_place(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file; a secret itself never stands in a description")
        if self.file is not None and not self.file.is_absolute():
            raise ValueError("file: expected an absolute path")
        return self

    def read(self, target: str) -> SecretStr:
        """Fetch the secret.

        Raises:
            ConfigurationError: It is not there or cannot be sent; the message names the place and never what is there.
        """
        place = f"environment variable {self.env}" if self.env else f"file {self.file}"
        try:
            text = os.environ[self.env] if self.env else Path(str(self.file)).read_text("utf-8").splitlines()[0]
        except (KeyError, OSError, IndexError, UnicodeDecodeError):
            text = ""
        if not text.strip():
            raise ConfigurationError(
                f"Target {target}: its secret was expected in {place}; found nothing.", hint=f"set {place}"
            )
        if not (text.strip().isascii() and text.strip().isprintable()):
            raise ConfigurationError(
                f"Target {target}: its secret in {place} is not one line of printable ASCII.",
                hint="look for a line break or a special character in the middle; copying often leaves one",
            )
        return SecretStr(text.strip())


class FileTarget(_Frozen):
    """A folder that the system, or a person, takes files from."""

    kind: Literal["file"]
    folder: Path | None = Field(default=None, description="Folder, below $GRIDWEAVE_HOME; none: outgoing/<target>.")
    format: Literal["json", "csv"] = Field(default="json", description="One document, or one table, per message.")


class HttpTarget(_Frozen):
    """A system that takes messages by POST."""

    kind: Literal["http"]
    url: str = Field(description="Where to; https, or http on this machine.")
    timeout_seconds: float = Field(default=10.0, gt=0, le=300, description="For connecting, and for each read, s.")
    parallel: int = Field(default=8, ge=1, le=64, description="Requests on their way at once, of different keys.")
    token: SecretReference | None = Field(default=None, description="Sent as `Authorization: Bearer`.")

    @model_validator(mode="after")
    def _check_url(self) -> HttpTarget:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url: expected http(s)://HOST/PATH")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url: a password never stands in a description; use token")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("url: expected https beyond this machine")
        return self


class SqlTarget(_Frozen):
    """A PostgreSQL table that the system reads from."""

    kind: Literal["sql"]
    host: str = Field(default="127.0.0.1", description="Server.")
    port: int = Field(default=5432, ge=1, le=65535, description="Its port.")
    database: str = Field(min_length=1, description="Database.")
    user: str = Field(min_length=1, description="Role that may insert into the table.")
    password: SecretReference | None = Field(default=None, description="None: the server asks for none.")
    table: str = Field(pattern=_IDENTIFIER, description="Table, with its schema where it is not `public`.")
    sslmode: Literal["prefer", "require", "verify-full"] = Field(
        default="verify-full", description="As PostgreSQL names it; less than verify-full on this machine only."
    )
    timeout_seconds: int = Field(default=10, ge=1, le=300, description="For connecting and for a statement, s.")
    has_table_made: bool = Field(default=False, description="True: the table is made when it is missing.")

    @model_validator(mode="after")
    def _check_encryption(self) -> SqlTarget:
        if self.sslmode != "verify-full" and self.host not in LOOPBACK_HOSTS and not self.host.startswith("/"):
            raise ValueError("sslmode: expected verify-full beyond this machine")
        return self


class Retry(_Frozen):
    """How patiently a message is tried again, and when it is given up."""

    base_seconds: float = Field(default=2.0, gt=0, description="Longest first pause; it doubles, s.")
    max_seconds: float = Field(default=300.0, gt=0, le=86_400, description="Longest pause, also of the circuit, s.")
    max_attempts: int = Field(
        default=50, ge=1, description="Tries after which a message is dead; a retry gives as many."
    )
    max_age_hours: float = Field(default=168.0, gt=0, description="Hours in the queue after which it is dead.")
    circuit_failures: int = Field(
        default=5, ge=1, description="Failures in a row after which the target is left alone."
    )


class Limits(_Frozen):
    """From when on a person is told; nothing is ever dropped for it."""

    queue_count: int = Field(default=10_000, ge=1, description="Messages that wait.")
    queue_age_hours: float = Field(default=24.0, gt=0, description="Age of the oldest that waits, hours.")


class Target(_Frozen):
    """One system: `data/targets/<name>.yml`."""

    name: str = Field(pattern=_NAME_PATTERN, description="File name without .yml.")
    description: str = Field(min_length=1, description="What the system is.")
    owner: str = Field(min_length=1, description="Who to call when it takes nothing.")
    messages: tuple[str, ...] = Field(min_length=1, description="Kinds of messages it takes.")
    system: Annotated[FileTarget | HttpTarget | SqlTarget, Field(discriminator="kind")] = Field(
        description="How it takes them: kind file, http or sql, with the keys of each."
    )
    approval: dict[str, Approval] = Field(
        default_factory=dict, description="Kinds of messages that wait for a person though they otherwise would not."
    )
    retry: Retry = Field(default=Retry(), description="Patience.")
    limits: Limits = Field(default=Limits(), description="From when on a person is told.")

    @model_validator(mode="after")
    def _check_message_types(self) -> Target:
        unknown = [each for each in (*self.messages, *self.approval) if each not in MESSAGE_TYPES]
        if unknown:
            raise ValueError(f"messages: expected some of {', '.join(MESSAGE_TYPES)}; found {', '.join(unknown)}")
        if len(set(self.messages)) < len(self.messages):
            raise ValueError("messages: a kind is named twice")
        always = [each for each, rule in self.approval.items() if rule != MESSAGE_TYPES[each].approval == "always"]
        if always:
            raise ValueError(f"approval: a person always decides about {', '.join(always)}; leave the entry out")
        return self

    def require_secret(self) -> None:
        """Look whether the secret its system asks for is there.

        Raises:
            ConfigurationError: It is not, or cannot be sent.
        """
        reference = getattr(self.system, "token", None) or getattr(self.system, "password", None)
        if reference is not None:
            reference.read(self.name)

    def needs_approval(self, message_type: str, *, is_low_confidence: bool) -> bool:
        """Tell whether a message waits for a person."""
        rule = self.approval.get(message_type, MESSAGE_TYPES[message_type].approval)
        return rule == "always" or is_low_confidence


def load_targets(folder: Path) -> dict[str, Target]:
    """Read and check all target descriptions, by name.

    Raises:
        ConfigurationError: One is wrong; it names the file, the key, what was expected.
    """
    return {path.stem: _load(path) for path in _descriptions(folder)}


def usable_targets(folder: Path) -> tuple[dict[str, Target], dict[str, ConfigurationError]]:
    """Read all target descriptions; one that is wrong keeps nothing from the others.

    Returns:
        Those that are right, and what is wrong with the others, by name.
    """
    usable: dict[str, Target] = {}
    wrong: dict[str, ConfigurationError] = {}
    for path in _descriptions(folder):
        try:
            usable[path.stem] = _load(path)
        except ConfigurationError as error:
            wrong[path.stem] = error
    return usable, wrong


def _descriptions(folder: Path) -> list[Path]:
    """Return the files of a folder that describe targets; an editor's own begin with a dot."""
    return sorted(path for path in folder.glob("*.yml") if not path.name.startswith("."))


def _load(path: Path) -> Target:
    """Read and check one description."""
    try:
        target = Target.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(
            f"Target {path.name} cannot be read: {error.strerror}.", hint="it is a file that its owner may read"
        ) from error
    except (YamlError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"Target {path.name} is not YAML: {error}.", hint="check indents and quotes"
        ) from error
    except ValidationError as error:
        wrong = " | ".join(
            f"key {'.'.join(map(str, each['loc'])) or '(whole file)'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()[:3]
        )
        # without its cause: that one holds what was found, and somebody may have put a secret there
        raise ConfigurationError(
            f"Target {path.name} is wrong: {wrong}.", hint="flows/delivery/README.md lists the keys with an example"
        ) from None
    if target.name != path.stem:
        raise ConfigurationError(
            f"Target {path.name}: key name is {target.name!r}, expected {path.stem!r}, the file's own name.",
            hint="rename one of them",
        )
    return target
