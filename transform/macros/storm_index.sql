{# What an hour of gusts does to lines: the cube of the excess over what trees and poles are used to, in units of that.
   Source: Klawa and Ulbrich 2003, "A model for the estimation of storm losses", eq. 1. #}
{% macro storm_index(gust_mps) -%}
    power(greatest({{ gust_mps }} / {{ var("storm_gust_mps") }} - 1, 0), 3)
{%- endmacro %}
