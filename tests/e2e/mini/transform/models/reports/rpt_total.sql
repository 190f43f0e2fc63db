select sum(load_kwh) as total_kwh from {{ ref("fct_daily") }}
