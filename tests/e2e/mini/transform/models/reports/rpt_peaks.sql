select reading_date, peak_kw from {{ source("ml", "peaks") }}
