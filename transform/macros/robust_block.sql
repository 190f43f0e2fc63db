{# Six readings summed up so that one bad one can be left out without sorting: count, sum, least and greatest. #}
{# Aggregates of one measure over a block; null is no reading. #}
{% macro block_aggregates(measure) %}
    cast(count({{ measure }}) as integer) as {{ measure }}_count,
    {{ exact_sum(measure) }} as {{ measure }}_sum,
    min({{ measure }}) as {{ measure }}_least,
    max({{ measure }}) as {{ measure }}_greatest,
{% endmacro %}

{# Mean of a block without its `extreme`: least or greatest. #}
{% macro mean_without(measure, extreme) -%}
    (({{ measure }}_sum - {{ measure }}_{{ extreme }}) / nullif({{ measure }}_count - 1, 0))
{%- endmacro %}

{# The greatest reading stands out from the others: by kelvins for oil, which has inertia, by a ratio elsewhere. #}
{% macro is_high_spike(measure) -%}
    coalesce(
        {{ measure }}_count >= 3
        and {{ measure }}_greatest - {{ mean_without(measure, "greatest") }}
        > {% if measure == "top_oil_degc" -%} {{ var("top_oil_spike_k") }}
        {%- else -%}
            {{ var("spike_rise_share") }} * {{ mean_without(measure, "greatest") }}
            + {{ var("spike_floor")[measure] }}
        {%- endif %},
        false
    )
{%- endmacro %}

{# The least reading drops out of the others. A load may drop: that is an outage. #}
{% macro is_low_spike(measure) -%}
    {%- if measure == "load_mva" -%} false
    {%- else -%}
        coalesce(
            {{ measure }}_count >= 3
            and {{ mean_without(measure, "least") }} - {{ measure }}_least
            > {% if measure == "top_oil_degc" -%} {{ var("top_oil_spike_k") }}
            {%- else -%}
                0.8 * {{ mean_without(measure, "least") }} + {{ var("spike_floor")[measure] }}
            {%- endif %},
            false
        )
    {%- endif -%}
{%- endmacro %}

{# Four or more equal readings in six hours: the sensor is stuck. A live one is never that quiet, but a gas that is not
   there is measured as nothing all day long. #}
{% macro is_stuck(measure) -%}
    coalesce(
        {{ measure }}_count >= 4
        and {{ measure }}_least = {{ measure }}_greatest
        and {{ measure }}_greatest > {{ var("spike_floor")[measure] }},
        false
    )
{%- endmacro %}

{# Mean of a block without its spike; null when the sensor is stuck, or when readings in two units are mixed (both ends
   stand out). #}
{% macro block_mean(measure) -%}
    case
        when
            {{ is_stuck(measure) }}
            or ({{ is_high_spike(measure) }} and {{ is_low_spike(measure) }})
        then null
        when {{ is_high_spike(measure) }}
        then {{ mean_without(measure, "greatest") }}
        when {{ is_low_spike(measure) }}
        then {{ mean_without(measure, "least") }}
        else {{ measure }}_sum / nullif({{ measure }}_count, 0)
    end
{%- endmacro %}

{# Greatest of a block; the mean of the others stands in for a spike. #}
{% macro block_peak(measure) -%}
    case
        when {{ is_stuck(measure) }}
        then null
        when {{ is_high_spike(measure) }}
        then {{ mean_without(measure, "greatest") }}
        else {{ measure }}_greatest
    end
{%- endmacro %}

{# Load in MVA, also when the block was sent in kVA; null when the two are mixed or nothing explains the value. #}
{% macro load_in_mva(load) -%}
    case
        when rated_mva is null or {{ load }} <= {{ var("load_share_maximum") }} * rated_mva
        then {{ load }}
        when {{ is_kva_block() }}
        then {{ load }} / 1000
    end
{%- endmacro %}

{# True when all load readings of a block are beyond any loading as MVA and none is as kVA. #}
{% macro is_kva_block() -%}
    coalesce(
        load_mva_least > {{ var("load_share_maximum") }} * rated_mva
        and load_mva_greatest / 1000 <= {{ var("load_share_maximum") }} * rated_mva,
        false
    )
{%- endmacro %}
