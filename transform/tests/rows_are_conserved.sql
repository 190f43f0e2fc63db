-- Nothing is lost: per raw table and load, rows in = clean + quarantined + duplicate. Returns the
-- loads that do not balance.
select
    raw_table, _load_id, row_count_in, row_count_clean, row_count_quarantined, row_count_duplicate
from {{ ref("fct_row_conservation") }}
where row_count_in <> row_count_clean + row_count_quarantined + row_count_duplicate
