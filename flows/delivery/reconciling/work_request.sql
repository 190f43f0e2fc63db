-- Transformers of the last live scores that belong on the list: over the threshold, or in the
-- worst part of the fleet.
select distinct
    concat_ws('/', network_id, asset_id) as business_key,
    printf('failure probability %.4f', failure_probability) as why
from
    (
        select
            *,
            percent_rank() over (
                partition by network_id order by failure_probability desc
            ) as fleet_rank_share
        from
            (
                select *
                from ml.transformer_failure_scores
                where score_kind = 'live'
                qualify
                    materialization_id = first_value(materialization_id) over (
                        partition by network_id order by scored_at desc, materialization_id desc
                    )
            ) as latest
    ) as ranked
where
    failure_probability >= $raised_failure_probability
    or fleet_rank_share <= $work_order_fleet_share
