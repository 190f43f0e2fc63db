{# Load at a quantile between the stated 5, 50 and 95 % quantiles, MW, by straight lines. #}
{% macro bid_at_quantile(quantile) -%}
    case
        when {{ quantile }} <= 0.5
        then p05_load_mw + (p50_load_mw - p05_load_mw) * ({{ quantile }} - 0.05) / 0.45
        else p50_load_mw + (p95_load_mw - p50_load_mw) * ({{ quantile }} - 0.5) / 0.45
    end
{%- endmacro %}

{# Newsvendor quantile: shortage over shortage plus surplus cost, within the stated 0.05-0.95; the median without prices. #}
{% macro newsvendor_quantile(costs) -%}
    least(
        greatest(
            coalesce(
                {{ costs }}.shortage_cost_usd_per_mwh / nullif(
                    {{ costs }}.shortage_cost_usd_per_mwh + {{ costs }}.surplus_cost_usd_per_mwh, 0
                ),
                0.5
            ),
            0.05
        ),
        0.95
    )
{%- endmacro %}
