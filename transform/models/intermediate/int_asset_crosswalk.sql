with
    versions as (select * from {{ ref("int_eam_transformers_versioned") }}),
    units as (
        select
            network_id,
            asset_id,
            installed_on,
            min(known_from) as known_from,
            bool_or(is_deleted) as is_deleted,
            bool_or(is_fallback) as is_fallback
        from versions
        group by network_id, asset_id, installed_on
    ),
    -- A unit bears its id until the next one takes it over. Without an installation day it has
    -- borne it for ever.
    crosswalk as (
        select
            network_id,
            asset_id,
            asset_id || '@' || coalesce(cast(installed_on as varchar), 'unknown') as asset_key,
            cast(
                coalesce(installed_on, date '{{ var("earliest_installation") }}') as timestamptz
            ) as valid_from,
            cast(
                lead(installed_on) over (
                    partition by network_id, asset_id order by installed_on nulls first
                ) as timestamptz
            ) as valid_to,
            known_from,
            count(*) over (partition by network_id, asset_id) > 1 as is_asset_id_reused,
            is_deleted,
            is_fallback
        from units
    )
select *
from crosswalk
