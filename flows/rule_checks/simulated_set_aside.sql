-- Rows of one raw table that the cleaning layer set aside: quarantined, or superseded by another row of their key. In
-- braces stand the raw table, its staging model, what names and dates a row, and the columns that tell landed rows apart.
insert into memory.main.findings
select '{raw_table}', 'QUARANTINED ' || split_part(quarantine_reason, ':', 1), {entity}, {found_at}
from warehouse.quarantine.quarantine_{raw_table}
where network_id = $network_id
union all
select '{raw_table}', 'DUPLICATE', {entity}, {found_at}
from warehouse.{candidates} as rows_in
anti join warehouse.intermediate.int_{raw_table}_deduplicated as clean using ({row_key})
anti join warehouse.quarantine.quarantine_{raw_table} as rejected using ({row_key})
where network_id = $network_id
