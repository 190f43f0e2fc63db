{# Sentences an operator or a technician reads. One place, so that a report and its test say the same. #}
{% macro storm_reason() -%}
    printf(
        '%.0f customers expected out for %.0f minutes each%s (outage probability %.0f %%)',
        expected_customers_out,
        expected_restoration_minutes,
        case when is_restoration_foretold then '' else ', usual for the network' end,
        100 * outage_probability
    ) || case
        when critical_customers_count > 0
        then printf('; %d critical customers', critical_customers_count)
        else ''
    end
    || case
        when peak_gust_forecast_mps is not null
        then printf('; gusts to %.0f m/s', peak_gust_forecast_mps)
        else '; no weather forecast'
    end
    || case
        when outage_count_28d > 0 then printf('; %d outages in 28 days', outage_count_28d) else ''
    end
{%- endmacro %}

{% macro work_order_reason(top_driver_text, second_driver_text) -%}
    printf('%.1f %% risk of failure within 28 days', 100 * failure_probability)
    || coalesce(': ' || {{ top_driver_text }}, '')
    || coalesce(', ' || {{ second_driver_text }}, '')
    || '.'
    || coalesce(printf(' Hydrogen %.0f ppm', mean_hydrogen_ppm_28d), '')
    || coalesce(printf(' (%+.0f in 28 days)', hydrogen_change_ppm), '')
    || coalesce(printf(', acetylene %.1f ppm', mean_acetylene_ppm_28d), '')
    || coalesce(printf(', oil %+.1f K against the model', mean_top_oil_residual_k_28d), '')
    || coalesce(printf(', age %.0f years.', age_years), '')
{%- endmacro %}

{# A fault of dissolved gas analysis in words: zones of Duval triangle 1, cases of IEC 60599. #}
{% macro dga_fault_text(dga_fault) -%}
    case
        {{ dga_fault }}
        when 'PD'
        then 'partial discharge (PD)'
        when 'D1'
        then 'arcing (D1)'
        when 'D2'
        then 'strong arcing (D2)'
        when 'D1/D2'
        then 'arcing (D1/D2)'
        when 'DT'
        then 'arcing and overheating (DT)'
        when 'T1'
        then 'overheating below 300 degC (T1)'
        when 'T2'
        then 'overheating of 300 to 700 degC (T2)'
        when 'T3'
        then 'overheating above 700 degC (T3)'
    end
{%- endmacro %}

{# What oil test and thermal model add to a work order: a sentence with a capital and a full stop, or nothing. #}
{% macro condition_reason() -%}
    {%- set oil_text -%}
        nullif(
            concat_ws(
                ' and ',
                case
                    when acetylene_change_ppm > {{ var("acetylene_rise_ppm") }}
                    then 'acetylene rising'
                end,
                {{ dga_fault_text("dga_fault") }}
            ),
            ''
        )
        || ' in the last oil test'
    {%- endset -%}
    {%- set parts -%}
        concat_ws(
            '; ',
            {{ oil_text }},
            case
                when thermal_residual_k >= {{ var("thermal_residual_raised_k") }}
                then printf('top oil runs %.0f K hotter than its load explains', thermal_residual_k)
            end
        )
    {%- endset -%}
    coalesce(' ' || upper(left(nullif({{ parts }}, ''), 1)) || substr({{ parts }}, 2) || '.', '')
{%- endmacro %}

{#- A CTE with one row per network whose features have moved. A model asked about what it has not learnt from may still
be right; nobody can know. -#}
{% macro drifted_features_of(drift) -%}
    select network_id, string_agg(feature, ', ' order by feature) as drifted_features
    from {{ drift }}
    where is_drifted
    group by network_id
{%- endmacro %}

{#- Why nothing is to be dispatched from a score by itself; null when nothing speaks against it. -#}
{% macro low_confidence_reason(
    missing_feature_share,
    drifted_features,
    drift_text="Moved since the model was trained"
) -%}
    nullif(
        concat_ws(
            ' ',
            case
                when {{ missing_feature_share }} >= {{ var("low_confidence_missing_share") }}
                then
                    printf(
                        '%.0f %% of what the model relies on is unknown.',
                        100 * {{ missing_feature_share }}
                    )
            end,
            '{{ drift_text }}: ' || {{ drifted_features }} || '.'
        ),
        ''
    )
{%- endmacro %}
