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


@pytest.fixture
def days(page: str, tmp_path: Path) -> dict[str, str]:
    assert page
    return {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "quality" / "days").iterdir()}


def test_has_a_page_for_each_day_of_arrival_with_ways_between_them(page: str, days: dict[str, str]) -> None:
    assert sorted(days) == ["2026-11-20", "2026-11-21"]
    assert '<a class="blocked" href="days/2026-11-21.html"' in page
    assert 'href="2026-11-21.html"' in days["2026-11-20"]
    assert 'href="2026-11-20.html"' in days["2026-11-21"]
    assert 'href="../index.html"' in days["2026-11-20"]


def test_a_day_says_what_arrived_then_and_what_became_of_it(days: dict[str, str]) -> None:
    assert "Rows: 5,601, cut 1,391 · deliveries: 2" in days["2026-11-20"]
    assert "does not add up" in days["2026-11-20"]
    assert "not yet cleaned" in days["2026-11-20"]
    assert "12 could not be read in full" in days["2026-11-20"]


def test_a_day_counts_the_cuts_of_its_own_deliveries(days: dict[str, str]) -> None:
    assert "interval_start_at after landing" in days["2026-11-20"]
    assert "Nothing was cut" in days["2026-11-21"]


def test_a_day_names_its_rejected_files_and_failed_checks(days: dict[str, str]) -> None:
    assert "load_&lt;b&gt;2026&lt;/b&gt;.csv" in days["2026-11-20"]
    assert "row 7 has 3 fields, expected 5 (row 7)" in days["2026-11-20"]
    assert "every hour from first to last reading, per series" not in days["2026-11-20"]
    assert "every hour from first to last reading, per series" in days["2026-11-21"]


def test_draws_a_bar_for_each_day_that_has_readings(page: str) -> None:
    assert page.count("<title>2026-11-") == 19
    assert "<title>2026-11-20: 24 of 119 (20.17%)</title>" in page
    assert "full height 20.2 %" in page


def test_names_the_worst_terminals_and_points_first(page: str) -> None:
    assert "Remote terminals" in page
    assert page.index("RTU07") < page.index("RTU08")
    assert page.index("SUB01.XF1.TOPOIL") < page.index("SUB02.XF1.&lt;i&gt;MW&lt;/i&gt;")
    assert "RTU09" not in page  # three readings say nothing
    assert "540 of 600, mostly BAD: IV" in page
