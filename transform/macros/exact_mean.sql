{# A mean that does not depend on the order in which threads add: parallel sums of doubles differ in the last digits,
   and the same input must give the same table. Exact to six decimals, up to 1e28. Null when nothing is counted. #}
{% macro exact_mean(expression, filter=none) -%}
    {%- set only = " filter (where " ~ filter ~ ")" if filter else "" -%}
    cast(sum(cast({{ expression }} as decimal(32, 6))){{ only }} as double)
    / nullif(count({{ expression }}){{ only }}, 0)
{%- endmacro %}

{# The exact sum that goes with exact_mean. #}
{% macro exact_sum(expression, filter=none) -%}
    {%- set only = " filter (where " ~ filter ~ ")" if filter else "" -%}
    cast(sum(cast({{ expression }} as decimal(32, 6))){{ only }} as double)
{%- endmacro %}
