{# A mean wind no station has measured, or one that stands for one reading far above the readings before and after. #}
{% macro is_wind_fault(wind_speed_mps, wind_around_mps) -%}
    coalesce(
        {{ wind_speed_mps }} not between 0
        and {{ var("mean_wind_maximum_mps") }}
        or {{ wind_speed_mps }}
        > {{ var("lone_wind_share") }} * {{ wind_around_mps }} + {{ var("lone_wind_rise_mps") }},
        false
    )
{%- endmacro %}
