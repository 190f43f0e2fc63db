{# One reading stands above both neighbours and the next is back again: further than this unit's measure usually moves,
   and for all but temperatures by a share as well. The neighbours are good readings; one of them is enough. #}
{% macro is_lone_rise(readings, measure) -%}
    coalesce(
        {{ readings }}.{{ measure }} - {{ readings }}.{{ measure }}_around_greatest
        > {{ var("telemetry_lone_steps") }} * {{ readings }}.{{ measure }}_usual_step
        {%- if measure != "top_oil_degc" %}
            and {{ readings }}.{{ measure }}
            > {{ var("telemetry_lone_rise_share") }} * {{ readings }}.{{ measure }}_around_greatest
        {%- endif %},
        false
    )
{%- endmacro %}

{# The same downwards. A load may drop, that is an outage; but a core that hums is under voltage, and its load is then a
   fault of the measurement. #}
{% macro is_lone_drop(readings, measure) -%}
    coalesce(
        {{ readings }}.{{ measure }}_around_least - {{ readings }}.{{ measure }}
        > {{ var("telemetry_lone_steps") }} * {{ readings }}.{{ measure }}_usual_step
        {%- if measure != "top_oil_degc" %}
            and {{ readings }}.{{ measure }}
            < {{ readings }}.{{ measure }}_around_least / {{ var("telemetry_lone_rise_share") }}
        {%- endif %}
        {%- if measure == "load_mva" %}
            and {{ readings }}.vibration_mm_s > {{ readings }}.vibration_mm_s_around_least / 2
        {%- endif %},
        false
    )
{%- endmacro %}
