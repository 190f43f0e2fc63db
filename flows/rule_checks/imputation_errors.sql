-- Mean absolute percentage error of hidden readings that were filled in, per run length and over all. Beside it the error of
-- the mean of the same hour a week before and after, where there is one of them.
with
    good as (
        select network_id, series_id, interval_start_at, load_mw
        from memory.main.int_load_readings_screened
        where flag_code is null
    ),
    compared as (
        select
            hidden.network_id,
            hidden.run_hours,
            hidden.true_load_mw,
            imputed.load_mw as imputed_mw,
            list_avg([before.load_mw, after.load_mw]) as baseline_mw
        from memory.main.hidden as hidden
        left join memory.main.int_load_readings_imputed as imputed
            on hidden.network_id = imputed.network_id
            and hidden.series_id = imputed.series_id
            and hidden.interval_start_at = imputed.interval_start_at
        left join good as before
            on hidden.network_id = before.network_id
            and hidden.series_id = before.series_id
            and hidden.interval_start_at - interval 7 day = before.interval_start_at
        left join good as after
            on hidden.network_id = after.network_id
            and hidden.series_id = after.series_id
            and hidden.interval_start_at + interval 7 day = after.interval_start_at
    )
select
    network_id,
    case when grouping(run_hours) = 1 then 'all runs' else 'runs of ' || run_hours || ' h' end as rule,
    count(*) as hour_count,
    count(imputed_mw) as filled_count,
    100 * avg(abs(imputed_mw - true_load_mw) / true_load_mw) as error_pct,
    100 * avg(abs(baseline_mw - true_load_mw) / true_load_mw) as baseline_pct
from compared
group by grouping sets ((network_id), (network_id, run_hours))
order by network_id, coalesce(run_hours, 99)
