{# Portable expressions over text: trimming as Python trims, and json built as text so that both engines agree. #}

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
