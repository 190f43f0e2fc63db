"""Source descriptions: how the files of one source system map onto raw tables.

What lives here: the model of `data/sources/<name>.yml` and its readers. What does not: reading delivered
files (`file_connector`) and the raw tables' shape (`raw_tables`). `data/README.md` explains every key with an
example.
Decision: delivered columns are declared by name and nothing is guessed from the data, so that drift is an
error with a name instead of a column that silently became null.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from flows.errors import ConfigurationError, SourceError
from flows.printable import printable
from flows.sources.delivery_folders import regular_files
from flows.yaml_text import YamlError, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from flows.sources.raw_tables import RawTable

OnDefect = Literal["block", "quarantine", "fallback"]
RESERVED_PREFIXES = ("_cell_", "_parsed_", "_value_", "_gridweave_")
_NAME_PATTERN = r"^[a-z][a-z0-9_]*$"


class _Frozen(BaseModel):
    """Base of all parts of a source description: unchangeable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Freshness(_Frozen):
    """How old the newest row may be."""

    warn_after_hours: float = Field(gt=0, description="Age that raises a warning, hours.")
    error_after_hours: float = Field(gt=0, description="Age that fails the check, hours.")


class CsvOptions(_Frozen):
    """How a CSV file is written."""

    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Field separator.")
    encoding: str = Field(default="utf-8", description="Python codec name; a BOM is accepted.")
    decimal: Literal[".", ","] = Field(default=".", description="Decimal mark.")
    requires_final_newline: bool = Field(
        default=False,
        description="True rejects a file whose last line is not ended: the system always ends it, "
        "so a missing end means a truncated transfer.",
    )

    @model_validator(mode="after")
    def _check_encoding(self) -> CsvOptions:
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"unknown encoding {self.encoding!r}") from None
        return self


class RepeatedHour(_Frozen):
    """Tells the two hours apart that share one local clock reading on the autumn day."""

    by_order_within: tuple[str, ...] = Field(
        default=(),
        description="Delivered columns that name one series; within it the first row with a repeated reading is "
        "the earlier hour, later rows the second.",
    )
    flag_column: str | None = Field(default=None, description="Delivered column that tells.")
    second_when: str | None = Field(default=None, description="Its text in the second hour.")

    @model_validator(mode="after")
    def _check_one_way(self) -> RepeatedHour:
        has_flag = self.flag_column is not None and self.second_when is not None
        if has_flag == bool(self.by_order_within):
            raise ValueError("give either by_order_within, or flag_column with second_when")
        return self


def _check_regular_expression(expression: str) -> None:
    """Refuse what does not compile."""
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"{expression!r} is no regular expression: {error}") from None


class ColumnMapping(_Frozen):
    """Where one raw column comes from, and how its text becomes a value."""

    from_column: str | None = Field(default=None, alias="from", description="Delivered column.")
    constant: str | int | float | bool | None = Field(default=None, description="Fixed value.")
    from_file_name: str | None = Field(default=None, description="Regular expression; its first group is the value.")
    sql: str | None = Field(
        default=None,
        description="Expression over delivered columns, for what the other keys cannot say.",
    )
    multiply: float = Field(default=1.0, description="Factor of the unit conversion.")
    add: float = Field(default=0.0, description="Added after the factor.")
    time_zone: str = Field(default="UTC", description="Zone of stamps that carry no offset.")
    format: str | tuple[str, ...] | None = Field(
        default=None, description="strptime format or formats; without one ISO 8601 is read."
    )
    epoch_seconds: bool = Field(default=False, description="True for seconds since 1970, UTC.")
    interval_end_minutes: int = Field(
        default=0,
        ge=0,
        description="Interval length when the stamp names its end; 0 when its start.",
    )
    interval_end_on: Literal["elapsed", "clock"] = Field(
        default="elapsed",
        description="elapsed: the stamp is the instant the interval ends. clock: it is a label, the start's clock "
        "reading plus the length (hour ending 1..24 of market files).",
    )
    repeated_hour: RepeatedHour | None = Field(default=None, description="Autumn hour, see there.")
    value_map: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, description="Delivered text to value; other texts are parse errors."
    )
    pattern: str | None = Field(
        default=None,
        description="Regular expression the whole text must match; else a parse error.",
    )
    required: bool = Field(default=False, description="True makes an empty cell a parse error.")

    @model_validator(mode="after")
    def _check_one_origin(self) -> ColumnMapping:
        origins = (self.from_column, self.constant, self.from_file_name, self.sql)
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("give exactly one of from, constant, from_file_name, sql")
        if self.time_zone != "UTC" and self.time_zone not in available_timezones():
            raise ValueError(f"unknown time zone {self.time_zone!r}")
        for expression in (self.pattern, self.from_file_name):
            if expression is not None:
                _check_regular_expression(expression)
        if self.from_file_name is not None and re.compile(self.from_file_name).groups < 1:
            raise ValueError("from_file_name needs one group in parentheses")
        return self


def _from_shorthand(value: object) -> object:
    """Let `column: DELIVERED` stand for `column: {from: DELIVERED}`."""
    return {"from": value} if isinstance(value, str) else value


class TableMapping(_Frozen):
    """The raw table one delivered row feeds, and its columns."""

    raw_table: str = Field(description="Name of the raw table.")
    columns: dict[str, Annotated[ColumnMapping, BeforeValidator(_from_shorthand)]] = Field(
        min_length=1, description="Raw column to its origin; raw columns not named stay null."
    )


class Delivery(_Frozen):
    """One kind of file a source hands over."""

    files: tuple[str, ...] = Field(min_length=1, description="Globs over file names.")
    format: Literal["csv", "parquet"] = Field(description="File format; .gz means gzip.")
    csv: CsvOptions = Field(default=CsvOptions(), description="How the CSV is written.")
    network_id: str | None = Field(default=None, description="Instead of the source's network.")
    null_tokens: tuple[str, ...] = Field(default=(), description="Texts that mean no value.")
    columns: tuple[str, ...] = Field(min_length=1, description="Delivered columns, all expected.")
    aliases: dict[str, str] = Field(
        default_factory=dict, description="Delivered name to declared name, for renamed columns."
    )
    ignore_columns: tuple[str, ...] = Field(
        default=(), description="Further columns that may be delivered and are not read."
    )
    tables: tuple[TableMapping, ...] = Field(min_length=1, description="Raw tables it feeds.")

    @model_validator(mode="after")
    def _check_columns(self) -> Delivery:
        declared = set(self.columns)
        if len({name.casefold() for name in declared}) < len(self.columns):
            raise ValueError("columns names a column twice (upper and lower case count as the same)")
        if slashed := [glob for glob in self.files if "/" in glob]:
            raise ValueError(f"files are globs over names, without folders: {', '.join(slashed)}")
        if reserved := [name for name in self.columns if name.casefold().startswith(RESERVED_PREFIXES)]:
            raise ValueError(f"names reserved for the connector: {', '.join(reserved)}; ignore or alias them")
        read = set(self.aliases.values())
        for table in self.tables:
            for mapping in table.columns.values():
                read |= {mapping.from_column} if mapping.from_column else set()
                hour = mapping.repeated_hour
                read |= {*hour.by_order_within, hour.flag_column or next(iter(declared))} if hour else set()
        if unknown := sorted(read - declared):
            raise ValueError(f"not among the declared columns: {', '.join(unknown)}")
        return self


class SourceConfig(_Frozen):
    """One source system: `data/sources/<name>.yml`."""

    name: str = Field(pattern=_NAME_PATTERN, description="File name without .yml.")
    description: str = Field(min_length=1, description="What the system is.")
    owner: str = Field(min_length=1, description="Who to call when it stops delivering.")
    network_id: str = Field(min_length=1, description="Utility network of all its rows.")
    licence: str | None = Field(default=None, description="Licence of the data.")
    attribution: str | None = Field(default=None, description="Whom to name when showing it.")
    on_failure: OnDefect = Field(description="What the raw gate does with a load that fails it.")
    on_reject: OnDefect = Field(description="What happens with a malformed file.")
    freshness: Freshness | None = Field(default=None, description="None: a closed archive.")
    deliveries: tuple[Delivery, ...] = Field(min_length=1, description="Kinds of files.")

    def delivery_for(self, file_name: str) -> Delivery | None:
        """Return the first delivery one of whose globs matches the file name, or None."""
        for delivery in self.deliveries:
            if any(fnmatchcase(file_name, glob) for glob in delivery.files):
                return delivery
        return None

    @property
    def raw_table_names(self) -> tuple[str, ...]:
        """Raw tables this source feeds, each once, in order of first mention."""
        names = (table.raw_table for delivery in self.deliveries for table in delivery.tables)
        return tuple(dict.fromkeys(names))


def list_sources(sources_dir: Path) -> list[str]:
    """Return the names of all source descriptions in a folder, sorted."""
    return sorted(path.stem for path in sources_dir.glob("*.yml") if not path.name.startswith("."))  # an editor's own


def load_source(name: str, sources_dir: Path) -> SourceConfig:
    """Read and check one source description.

    Args:
        name: Source name.
        sources_dir: Folder of the `<name>.yml` files (`data/sources`).

    Raises:
        ConfigurationError: There is no such file, or a key in it is wrong; it names the key, expected and found.
    """
    path = sources_dir / f"{name}.yml"
    if name not in list_sources(sources_dir):
        known = ", ".join(list_sources(sources_dir)) or "none"
        raise ConfigurationError(
            f"No source {name!r} in {sources_dir.name}/; known sources: {known}.",
            hint=f"write {path.name}; data/README.md shows how",
        )
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"Source description {path.name} cannot be read: {error.strerror}.",
            hint="it is a file that its owner may read",
        ) from error
    except (YamlError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"Source description {path.name} is not YAML: {error}.", hint="check indents and quotes"
        ) from error
    try:
        source = SourceConfig.model_validate(document)
    except ValidationError as error:
        raise _configuration_error(path.name, error) from error
    if source.name != name:
        raise ConfigurationError(
            f"{path.name}: key name is {source.name!r}, expected {name!r}, the file's own name.",
            hint="rename one of them",
        )
    return source


def _configuration_error(file_name: str, error: ValidationError) -> ConfigurationError:
    """Say the first defects of a description: key, what was expected, what was found."""
    defects = error.errors()
    # one wrong value empties the lists it stands in, and each of them is reported again
    causes = [
        each
        for each in defects
        if not any(other["loc"] != each["loc"] and other["loc"][: len(each["loc"])] == each["loc"] for other in defects)
    ]
    sentences = []
    for defect in causes[:3]:
        key = ".".join(str(part) for part in defect["loc"]) or "(whole file)"
        found = defect["input"]
        found = f"keys {', '.join(sorted(map(str, found)))}" if isinstance(found, dict) else found
        sentences.append(f"key {key}: {defect['msg'].removeprefix('Value error, ')}; found {str(found)[:80]!r}")
    return ConfigurationError(
        f"Source description {file_name} is wrong: {' | '.join(sentences)}.",
        hint="data/README.md lists the keys with an example",
    )


def check_mapping(source: SourceConfig, raw_tables: Mapping[str, RawTable]) -> None:
    """Check that a source maps onto tables and columns that exist.

    Raises:
        ConfigurationError: A raw table or raw column is unknown.
    """
    for number, delivery in enumerate(source.deliveries):
        for table in delivery.tables:
            key = f"deliveries.{number}.tables.{table.raw_table}"
            raw_table = raw_tables.get(table.raw_table)
            if raw_table is None:
                raise _unknown_target(source, key, table.raw_table, raw_tables)
            names = [column.name for column in raw_table.columns]
            for column_name in table.columns:
                if column_name not in names:
                    raise _unknown_target(source, f"{key}.columns", column_name, names)


def _unknown_target(source: SourceConfig, key: str, found: str, expected: Iterable[str]) -> ConfigurationError:
    """Say that a mapping points at something the raw layer does not have."""
    return ConfigurationError(
        f"Source description {source.name}.yml is wrong: key {key}: expected one of "
        f"{', '.join(expected)}; found {found!r}.",
        hint="the raw tables are declared in transform/models/staging/_raw__sources.yml",
    )


def delivered_files(source: SourceConfig, paths: Iterable[Path]) -> list[Path]:
    """Return the files a source describes among files and folders, sorted by name.

    Args:
        source: The source.
        paths: Files or folders; folders are searched with their subfolders, links in them are not followed.

    Raises:
        SourceError: A path does not exist, or a file named by itself is not one of this source's.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(file for file in regular_files(path) if source.delivery_for(file.name))
        elif not path.is_file():
            problem = f"{path} is neither a file nor a folder." if path.exists() else f"No file or folder {path}."
            raise SourceError(problem, hint="check the path")
        elif not path.name.isprintable():
            raise SourceError(
                f"File {printable(path.name)} has a name with characters that cannot be printed.", hint="rename it"
            )
        elif source.delivery_for(path.name) is None:
            globs = ", ".join(glob for delivery in source.deliveries for glob in delivery.files)
            raise SourceError(
                f"File {path.name} is not one of source {source.name}, which expects {globs}.",
                hint="choose another source, or add the name to its files",
            )
        else:
            found[path] = None
    return sorted(found, key=lambda file: (file.name, str(file)))


def describe_keys() -> list[tuple[str, str, str]]:
    """Return (part, key, description) of every key of a source description, for the documentation test."""
    parts: tuple[type[_Frozen], ...] = (
        SourceConfig, Delivery, CsvOptions, TableMapping, ColumnMapping, RepeatedHour, Freshness
    )  # fmt: skip
    rows: list[tuple[str, str, str]] = []
    for part in parts:
        fields: dict[str, Any] = dict(part.model_fields)
        rows += [(part.__name__, field.alias or name, field.description or "") for name, field in fields.items()]
    return rows
