{# Rows that unit tests are given where dbt's own dicts don't do: it can't read an ephemeral model's types, and many
   rows alike are said in a word. No model uses these. #}

{# Our columns with the values of a dict, null where it has none, each with a comma behind it. #}
{% macro fixture_columns(row) -%}
    {%- set types = {
        'thc_percent': 'numeric(5, 2)', 'cbd_percent': 'numeric(5, 2)', 'terpenes': 'jsonb',
        'price_retail': 'numeric(10, 2)', 'price_member': 'numeric(10, 2)', 'price_sale': 'numeric(10, 2)',
        'in_stock': 'boolean', 'stock_quantity': 'integer', 'is_active': 'boolean',
    } -%}
    {%- for column in mapped_columns() %}
        {%- set value = row.get(column) %}
        cast({{ 'null' if value is none else quoted(value) }} as {{ types.get(column, 'varchar') }}) as {{ column }},
    {%- endfor %}
{%- endmacro %}

{# What a product of a unit test has unless it says otherwise. #}
{% macro fixture_product() -%}
    {{ return({'name': 'Lemon', 'category': 'flower', 'in_stock': true, 'is_active': true}) }}
{%- endmacro %}

{# The rows of int_treez__mapped: dicts with source_id, content_hash and what differs from the usual product. #}
{% macro mapped_fixture(rows) -%}
    {%- for row in rows or [{}] %}
    select
        {{ quoted(row.get('source_id', '')) }} as source_id,
        {{ quoted(row.get('content_hash', '')) }} as content_hash,
        {{- fixture_columns(dict(fixture_product(), **row)) }}
        cast(null as jsonb) as warnings
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'where false' if not rows }}
{%- endmacro %}

{# So many active products of treez: p01, p02, … #}
{% macro shelf(count) -%}
    {%- for number in range(1, count + 1) %}
    select
        'treez' as source,
        'p{{ '%02d' % number }}' as source_id,
        {{- fixture_columns(fixture_product()) }}
        cast('{}' as jsonb) as source_data
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# So many rejected records of the sync, with ids as those of `shelf`: the shortest way to be seen. #}
{% macro refused(count) -%}
    {%- for number in range(1, count + 1) %}
    select
        cast('{{ var('sync_log_id') }}' as uuid) as sync_log_id,
        'p{{ '%02d' % number }}' as source_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
