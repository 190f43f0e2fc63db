with
    drivers as (select * from {{ ref("ref_failure_drivers") }}),
    dimension as (
        select
            feature_name,
            driver_text,
            recommended_work_type,
            recommended_action,
            false as is_fallback
        from drivers
    )
select *
from dimension
