from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows.web.quality_page import render_quality_page

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


@pytest.fixture
def page(troubled_snapshot: duckdb.DuckDBPyConnection, tmp_path: Path) -> str:
    output = render_quality_page(
        troubled_snapshot, tmp_path / "quality" / "index.html", tmp_path / "docs" / "index.html"
    )
    return output.read_text(encoding="utf-8")


def test_says_blocked_when_a_blocking_check_did_not_pass(page: str) -> None:
    assert '<section class="verdict blocked">' in page
    assert "every hour from first to last reading, per series" in page
    assert "could not run, blocks" in page


def test_shows_what_was_cut_and_why_with_the_largest_reason_first(page: str) -> None:
    assert page.index("reading_at before 1990") < page.index("interval_start_at after landing")
    assert "not stated" in page


def test_shows_a_load_whose_rows_do_not_add_up(page: str) -> None:
    assert "rows do not add up" in page
    assert "4,210 rows that arrived" in page
    assert 's-missing"' in page


def test_shows_a_refused_load_and_what_stands_in_for_it(page: str) -> None:
    assert "load refused, older one stands in" in page
    assert "older load stands in" in page


def test_counts_the_last_word_on_each_check_and_leaves_out_the_summing_gate(page: str) -> None:
    assert "<b>2 / 6</b>" in page
    assert "raw/soc_incidents" not in page


def test_escapes_what_comes_from_data(page: str) -> None:
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;F019&lt;/b&gt;" in page


def test_fetches_nothing_and_links_to_the_data_docs_relatively(page: str) -> None:
    assert "http://" not in page
    assert "https://" not in page
    assert 'href="../docs/index.html"' in page


def test_opens_before_anything_was_published(empty_snapshot: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    page = render_quality_page(empty_snapshot, tmp_path / "page.html").read_text(encoding="utf-8")

    assert "Nothing checked yet" in page
    assert "Nothing arrived yet" in page
    assert "every expectation" not in page


def test_says_good_when_everything_passed_and_adds_up(
    troubled_snapshot: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    troubled_snapshot.execute("delete from lineage.check_result where status <> 'PASS'")
    troubled_snapshot.execute("delete from lineage.load")
    troubled_snapshot.execute("delete from marts.fct_row_conservation where not is_balanced")
    troubled_snapshot.execute("update reports.rpt_data_quality set is_fallback = false")

    page = render_quality_page(troubled_snapshot, tmp_path / "page.html").read_text(encoding="utf-8")

    assert '<section class="verdict good">' in page
