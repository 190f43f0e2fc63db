{# Aggregates of one measure over a block of readings, enough to drop one spike without sorting: count, sum, least and
   greatest. `valid` says which readings count. #}
{% macro block_aggregates(measure, expression, valid) %}
    cast(count({{ expression }}) filter (where {{ valid }}) as integer) as {{ measure }}_count,
    {{ exact_sum(expression, valid) }} as {{ measure }}_sum,
    min({{ expression }}) filter (where {{ valid }}) as {{ measure }}_least,
    max({{ expression }}) filter (where {{ valid }}) as {{ measure }}_greatest,
{% endmacro %}

{# True when the greatest reading of a block stands out from the mean of the others by more than `limit`
   (an expression; `others` in it stands for that mean). #}
{% macro is_high_spike(measure, limit) -%}
    coalesce(
        {{ measure }}_count >= 3
        and {{ measure }}_greatest
        - ({{ measure }}_sum - {{ measure }}_greatest) / ({{ measure }}_count - 1)
        > {{ limit }},
        false
    )
{%- endmacro %}

{% macro is_low_spike(measure, limit) -%}
    coalesce(
        {{ measure }}_count >= 3
        and ({{ measure }}_sum - {{ measure }}_least) / ({{ measure }}_count - 1)
        - {{ measure }}_least
        > {{ limit }},
        false
    )
{%- endmacro %}

{# Mean of the others, for limits that are a ratio. #}
{% macro mean_of_others(measure) -%}
    (({{ measure }}_sum - {{ measure }}_greatest) / nullif({{ measure }}_count - 1, 0))
{%- endmacro %}

{# Four or more equal readings in six hours: the sensor is stuck. Noise makes equal values of a live one improbable. #}
{% macro is_stuck(measure) -%}
    coalesce({{ measure }}_count >= 4 and {{ measure }}_least = {{ measure }}_greatest, false)
{%- endmacro %}

{# Mean of a block without its spike; null when the block is stuck. #}
{% macro block_mean(measure, limit, low=false, is_stuck_checked=false) -%}
    case
        {%- if is_stuck_checked %} when {{ is_stuck(measure) }} then null {%- endif %}
        when {{ is_high_spike(measure, limit) }}
        then ({{ measure }}_sum - {{ measure }}_greatest) / ({{ measure }}_count - 1)
        {%- if low %}
            when {{ is_low_spike(measure, limit) }}
            then ({{ measure }}_sum - {{ measure }}_least) / ({{ measure }}_count - 1)
        {%- endif %}
        else {{ measure }}_sum / nullif({{ measure }}_count, 0)
    end
{%- endmacro %}

{# Greatest of a block; the mean of the others stands in for a spike. #}
{% macro block_peak(measure, limit, is_stuck_checked=false) -%}
    case
        {%- if is_stuck_checked %} when {{ is_stuck(measure) }} then null {%- endif %}
        when {{ is_high_spike(measure, limit) }}
        then ({{ measure }}_sum - {{ measure }}_greatest) / ({{ measure }}_count - 1)
        else {{ measure }}_greatest
    end
{%- endmacro %}
