"""SQL expressions that turn one delivered cell into a typed value or a parse error.

What lives here: `CellExpressions` for one raw column. What does not: the statement around them and the file
(`file_connector`). Values reach SQL as bound parameters only; identifiers are quoted here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from flows.sources.configuration import ColumnMapping
    from flows.sources.raw_tables import RawColumn

MAX_ERROR_TEXT = 80
ROW_COLUMN = "_gridweave_row"  # a delivered column may be called _source_row
_LARGEST_EXACT_INTEGER = 2**53  # a double holds every integer up to here
_LATEST_EPOCH_SECONDS = 253_402_300_799  # 9999-12-31T23:59:59Z
_WITH_OFFSET = r"\d{2}:\d{2}.*(Z|z|[+-]\d{2}(:?\d{2})?)$"

_NUMBER_TYPES = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip


def quoted(identifier: str) -> str:
    """Return a SQL identifier in double quotes, quotes inside it doubled."""
    return '"' + identifier.replace('"', '""') + '"'


@dataclass
class Parameters:
    """Values bound to a statement, collected while its text is built."""

    values: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """Keep a value and return the placeholder that stands for it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


@dataclass(frozen=True)
class CellExpressions:
    """The three steps of one raw column; each step reads the one before by name.

    Args:
        parsed: From `cell`, a first reading (number, naive stamp, instant, text).
        value: From `cell` and `parsed`, the value in the raw column's type, or null.
        can_fail: False when every text is a value, so no parse error can arise.
    """

    parsed: str
    value: str
    can_fail: bool


def kind_of(duckdb_type: str) -> str:
    """Return how a cell of a DuckDB type is read: text, number, boolean, date, timestamp, timestamptz or nested."""
    upper = duckdb_type.upper()
    if upper.startswith(_NUMBER_TYPES) and not upper.endswith("]"):
        return "number"
    kinds = {
        "VARCHAR": "text",
        "BOOLEAN": "boolean",
        "DATE": "date",
        "TIME": "text",
        "UUID": "text",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    }
    if upper in kinds:
        return kinds[upper]
    return "timestamp" if upper.startswith("TIMESTAMP") else "nested"


def typed_expressions(
    *,
    column: RawColumn,
    mapping: ColumnMapping,
    kind: str,
    decimal: str,
    names: tuple[str, str],
    params: Parameters,
) -> CellExpressions:
    """Build the expressions for one raw column.

    Args:
        column: The raw column.
        mapping: Where it comes from.
        kind: How its cell arrives, see `kind_of`.
        decimal: Decimal mark of text numbers.
        names: SQL names of the cell and of the parsed step.
        params: Collects the values to bind.

    Raises:
        ConfigurationError: The cell's type cannot become the raw column's type.
    """
    cell, parsed = names
    source_type = column.duckdb_type
    if source_type == "varchar":
        return _text_expressions(mapping, cell, parsed, params)
    if source_type in {"double", "integer", "bigint"}:
        return _number_expressions(source_type, mapping, kind, decimal, names, params)
    if source_type == "boolean":
        reading = cell if kind == "boolean" else f"try_cast(cast({cell} as varchar) as boolean)"
        return CellExpressions(parsed=reading, value=parsed, can_fail=kind != "boolean")
    if source_type == "date":
        reading = _naive(mapping, kind, cell, params)
        finite = f"case when isfinite({parsed}) then cast({parsed} as date) end"
        return CellExpressions(parsed=f"cast({reading} as timestamp)", value=finite, can_fail=True)
    if source_type == "timestamptz":
        return _instant_expressions(mapping, kind, names, params)
    raise ConfigurationError(f"Raw column {column.name} has type {source_type}, which cannot be landed.")


def _text_expressions(mapping: ColumnMapping, cell: str, parsed: str, params: Parameters) -> CellExpressions:
    """Text stays text; a pattern makes other text an error."""
    text = f"cast({cell} as varchar)"
    if mapping.pattern is None:
        return CellExpressions(parsed=text, value=parsed, can_fail=bool(mapping.value_map))
    matches = f"regexp_full_match({parsed}, {params.bind(mapping.pattern)})"
    return CellExpressions(parsed=text, value=f"case when {matches} then {parsed} end", can_fail=True)


def _number_expressions(
    source_type: str,
    mapping: ColumnMapping,
    kind: str,
    decimal: str,
    names: tuple[str, str],
    params: Parameters,
) -> CellExpressions:
    """Numbers are read as double; nan, inf, overflow, 1_000 and hex are errors, not values."""
    cell, parsed = names
    reading = f"try_cast({cell} as double)"
    if kind == "text":
        # DuckDB reads '1_000' as 1000; a historian never writes it, a shifted column might.
        plain = f"replace({cell}, ',', '.')" if decimal == "," else cell
        foreign = f"contains({cell}, '_')" + (f" or contains({cell}, '.')" if decimal == "," else "")
        reading = f"case when {foreign} then null else try_cast({plain} as double) end"
    finite = f"isfinite({parsed})"
    scaled = parsed
    if mapping.multiply != 1.0:
        scaled = f"({scaled} * {params.bind(mapping.multiply)})"
    if mapping.add != 0.0:
        scaled = f"({scaled} + {params.bind(mapping.add)})"
    if source_type == "double":
        return CellExpressions(
            parsed=reading,
            value=f"case when {finite} and isfinite({scaled}) then {scaled} end",
            can_fail=True,
        )
    whole = f"{finite} and {scaled} = trunc({scaled}) and abs({scaled}) < {_LARGEST_EXACT_INTEGER}"
    value = f"case when {whole} then try_cast({scaled} as {source_type}) end"
    return CellExpressions(parsed=reading, value=value, can_fail=True)


def _naive(mapping: ColumnMapping, kind: str, cell: str, params: Parameters) -> str:
    """Read a clock reading without a zone; null when it is none."""
    if kind != "text":
        return f"try_cast({cell} as timestamp)"
    if mapping.format is not None:
        formats = [mapping.format] if isinstance(mapping.format, str) else list(mapping.format)
        return f"try_strptime({cell}, {params.bind(formats)}::varchar[])"
    # DuckDB also reads 'epoch' and 'infinity' as times; a stamp starts with a digit.
    return f"case when {cell} between '0' and ':' then try_cast({cell} as timestamp) end"


def _instant_expressions(
    mapping: ColumnMapping, kind: str, names: tuple[str, str], params: Parameters
) -> CellExpressions:
    """Stamps become UTC instants of the interval's start."""
    cell, parsed = names
    finite = f"isfinite({parsed})"
    elapsed = mapping.interval_end_minutes if mapping.interval_end_on == "elapsed" else 0
    if mapping.epoch_seconds:
        seconds = f"try_cast({cell} as double)"
        in_range = f"{seconds} between 0 and {_LATEST_EPOCH_SECONDS}"
        reading, instant = f"case when {in_range} then to_timestamp({seconds}) end", parsed
    elif kind == "timestamptz":
        reading, instant = cell, parsed
    elif mapping.time_zone == "UTC" and mapping.format is None:
        stamp = f"try_cast({cell} as timestamptz)"
        reading = f"case when {cell} between '0' and ':' then {stamp} end" if kind == "text" else stamp
        instant = parsed
    else:
        reading = _naive(mapping, kind, cell, params)
        if mapping.interval_end_on == "clock" and mapping.interval_end_minutes:
            reading = f"({reading} - to_minutes({int(mapping.interval_end_minutes)}))"
        instant = _zoned(mapping, kind, names, params)
    if elapsed:
        instant = f"({instant} - to_minutes({int(elapsed)}))"
    return CellExpressions(parsed=reading, value=f"case when {finite} then {instant} end", can_fail=True)


def _zoned(mapping: ColumnMapping, kind: str, names: tuple[str, str], params: Parameters) -> str:
    """Turn a naive reading into an instant: the spring gap is an error, the autumn hour is told apart."""
    cell, naive = names
    if mapping.time_zone == "UTC":
        return f"timezone('UTC', {naive})"
    zone = params.bind(mapping.time_zone)
    later = f"timezone({zone}, {naive})"  # DuckDB takes the second of two equal readings
    earlier = f"({later} - to_hours(1))"
    is_repeated = f"timezone({zone}, {earlier}) = {naive}"
    is_second = _is_second(mapping, naive, params)
    # Read back: a reading in the spring gap comes back an hour later and is refused.
    local = (
        f"case when timezone({zone}, {later}) <> {naive} then null "
        f"when {is_repeated} and not ({is_second}) then {earlier} else {later} end"
    )
    if kind != "text" or mapping.format is not None:
        return local
    has_offset = f"regexp_matches({cell}, {params.bind(_WITH_OFFSET)})"
    return f"case when {has_offset} then try_cast({cell} as timestamptz) else {local} end"


def _is_second(mapping: ColumnMapping, naive: str, params: Parameters) -> str:
    """Tell whether a repeated reading is the second one; without a rule it is the first."""
    rule = mapping.repeated_hour
    if rule is None:
        return "false"
    if rule.flag_column is not None:
        return f"coalesce(cast({quoted(rule.flag_column)} as varchar) = {params.bind(rule.second_when)}, false)"
    partition = ", ".join([quoted(name) for name in rule.by_order_within] + [naive])
    return f"row_number() over (partition by {partition} order by {ROW_COLUMN}) > 1"
