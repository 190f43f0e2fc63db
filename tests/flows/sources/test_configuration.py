from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from flows.errors import ConfigurationError, SourceError
from flows.sources.configuration import (
    check_mapping,
    delivered_files,
    describe_keys,
    list_sources,
    load_source,
)

if TYPE_CHECKING:
    from flows.sources.raw_tables import RawTable

CHECKOUT = Path(__file__).resolve().parents[3]


def _document(**changes: object) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": "sample",
        "description": "d",
        "owner": "o",
        "network_id": "TST",
        "on_failure": "block",
        "on_reject": "quarantine",
        "deliveries": [
            {
                "files": ["load_*.csv"],
                "format": "csv",
                "columns": ["series", "mw"],
                "tables": [{"raw_table": "scada_load_readings", "columns": {"load_mw": "mw"}}],
            }
        ],
    }
    return document | changes


def _write(folder: Path, document: dict[str, Any]) -> None:
    (folder / "sample.yml").write_text(yaml.safe_dump(document))


def test_a_plain_text_stands_for_a_delivered_column(tmp_path: Path) -> None:
    _write(tmp_path, _document())

    source = load_source("sample", tmp_path)

    assert source.deliveries[0].tables[0].columns["load_mw"].from_column == "mw"


def test_every_committed_source_description_is_valid(sources_dir: Path, raw_tables: dict[str, RawTable]) -> None:
    for name in list_sources(sources_dir):
        check_mapping(load_source(name, sources_dir), raw_tables)


def test_the_expected_sources_are_described(sources_dir: Path) -> None:
    assert {"vic_load_weather", "ett_transformer", "eia930_load", "pge_outages"} <= set(list_sources(sources_dir))


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    _write(tmp_path, _document())

    with pytest.raises(ConfigurationError, match="known sources: sample"):
        load_source("other", tmp_path)


def test_a_path_is_not_a_source_name(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    _write(tmp_path, _document())

    with pytest.raises(ConfigurationError, match="No source"):
        load_source("../sample", inner)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"on_failure": "ignore"}, "key on_failure"),
        ({"surprise": 1}, "key surprise"),
        ({"deliveries": []}, "key deliveries"),
        ({"freshness": {"warn_after_hours": -1, "error_after_hours": 2}}, "freshness.warn_after_hours"),
    ],
)
def test_a_wrong_key_is_named_with_what_was_found(changes: dict[str, Any], expected: str, tmp_path: Path) -> None:
    _write(tmp_path, _document(**changes))

    with pytest.raises(ConfigurationError, match=expected) as caught:
        load_source("sample", tmp_path)

    assert "found" in str(caught.value)
    assert "Hint:" in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"from": "mw", "constant": 1}, "exactly one of"),
        ({}, "exactly one of"),
        ({"from": "mw", "time_zone": "Mars/Base"}, "unknown time zone"),
        ({"from_file_name": "abc"}, "needs one group"),
        ({"from": "mw", "repeated_hour": {"flag_column": "series"}}, "by_order_within"),
        ({"from": "mw", "pattern": "("}, "no regular expression"),
        ({"from": "absent"}, "not among the declared columns: absent"),
        ({"from": "mw", "repeated_hour": {"by_order_within": ["absent"]}}, "not among the declared columns"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(mapping: dict[str, Any], expected: str, tmp_path: Path) -> None:
    document = _document()
    document["deliveries"][0]["tables"][0]["columns"]["load_mw"] = mapping
    _write(tmp_path, document)

    with pytest.raises(ConfigurationError, match=expected) as caught:
        load_source("sample", tmp_path)

    assert str(caught.value).count("; found ") == 1, "what follows from the one defect is not said"


@pytest.mark.parametrize(
    "changes", [{"csv": {"encoding": "klingon"}}, {"columns": ["mw", "MW"]}, {"columns": ["mw", "_cell_x"]}]
)
def test_impossible_delivery_options_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    document = _document()
    document["deliveries"][0] |= changes
    _write(tmp_path, document)

    with pytest.raises(ConfigurationError):
        load_source("sample", tmp_path)


def test_a_name_that_differs_from_the_file_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, _document(name="other"))

    with pytest.raises(ConfigurationError, match="expected 'sample'"):
        load_source("sample", tmp_path)


def test_text_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sample.yml").write_text("a: [")

    with pytest.raises(ConfigurationError, match="is not YAML"):
        load_source("sample", tmp_path)


@pytest.mark.parametrize(("raw_table", "column"), [("no_table", "load_mw"), ("scada_load_readings", "no_column")])
def test_a_target_the_raw_layer_lacks_is_named(
    raw_table: str, column: str, tmp_path: Path, raw_tables: dict[str, RawTable]
) -> None:
    document = _document()
    document["deliveries"][0]["tables"] = [{"raw_table": raw_table, "columns": {column: "mw"}}]
    _write(tmp_path, document)

    with pytest.raises(ConfigurationError, match="found 'no_"):
        check_mapping(load_source("sample", tmp_path), raw_tables)


def test_a_folder_gives_only_the_files_of_the_source(tmp_path: Path) -> None:
    _write(tmp_path, _document())
    inbox = tmp_path / "inbox" / "deep"
    inbox.mkdir(parents=True)
    for name in ("load_2.csv", "load_1.csv", "README.md"):
        (inbox / name).write_text("x")

    files = delivered_files(load_source("sample", tmp_path), [tmp_path / "inbox"])

    assert [file.name for file in files] == ["load_1.csv", "load_2.csv"]


def test_a_file_of_another_source_is_refused_by_name(tmp_path: Path) -> None:
    _write(tmp_path, _document())
    source = load_source("sample", tmp_path)

    with pytest.raises(SourceError, match="expects load_"):
        delivered_files(source, [tmp_path / "sample.yml"])
    with pytest.raises(SourceError, match="No file or folder"):
        delivered_files(source, [tmp_path / "absent"])


def test_every_key_is_documented_in_the_data_readme() -> None:
    readme = (CHECKOUT / "data/README.md").read_text(encoding="utf-8")

    missing = [key for _, key, _ in describe_keys() if f"`{key}`" not in readme]

    assert missing == []
