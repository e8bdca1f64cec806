{# Portable expressions over values: trimming as Python trims, numbers that fit, and json built as text so that both
   engines agree. #}

{# Trimmed of every space that Python's str.strip() knows; null where nothing is left. #}
{% macro clean(expression) -%}
    {%- set spaces = ' \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000' -%}
    nullif(trim({{ expression }}, '{{ spaces }}'), '')
{%- endmacro %}

{# A value as json text, 'null' for null. #}
{% macro as_json_text(expression) -%}
    coalesce(cast(to_json({{ expression }}) as varchar), 'null')
{%- endmacro %}

{# A text literal. #}
{% macro quoted(value) -%}
    '{{ value | string | replace("'", "''") }}'
{%- endmacro %}

{# The condition of a check that judges each row by itself: of a sync of one product only that row. #}
{% macro of_this_sync(source_id) -%}
    {{ source_id }} is not null
    {%- if var('product') %} and {{ source_id }} in ({{ quoted_list(var('product')) }}){% endif %}
{%- endmacro %}

{# Text literals, with commas between them. #}
{% macro quoted_list(values) -%}
    {% for value in values %}{{ quoted(value) }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# Whether a text is a number as JSON or a person writes it; 60 characters are more than any column holds. #}
{% macro is_number(column) -%}
    ({{ matches(column, '^\\s*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]{1,2})?\\s*$') }} and length({{ column }}) <= 60)
{%- endmacro %}

{# A number of ten decimals as its shortest text. #}
{% macro number_text(number) -%}
    regexp_replace(cast({{ number }} as varchar), '[.]?0+$', '')
{%- endmacro %}

{# A number rounded to a column's scale, null where it doesn't fit its precision: the cast alone would fail the sync. #}
{% macro as_numeric(number, precision, scale) -%}
    cast(case when abs(round({{ number }}, {{ scale }})) < {{ 10 ** (precision - scale) }} then round({{ number }}, {{ scale }}) end as numeric({{ precision }}, {{ scale }}))
{%- endmacro %}

{# A number rounded to a whole one, null where it doesn't fit an integer. #}
{% macro as_whole(number) -%}
    cast(case when abs(round({{ number }}, 0)) < 2147483648 then round({{ number }}, 0) end as integer)
{%- endmacro %}
