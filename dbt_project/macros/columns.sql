{# Our columns of `products`: what a sync writes, in the order in which tables and reports show them.
   source_data is written too, from the payload, and compared by its content hash. #}
{% macro mapped_columns() -%}
    {{ return([
        'name', 'brand', 'category', 'product_type', 'description', 'sku', 'barcode',
        'thc_percent', 'cbd_percent', 'terpenes', 'strain_name', 'strain_type',
        'price_retail', 'price_member', 'price_sale', 'in_stock', 'stock_quantity', 'image_url', 'is_active',
    ]) }}
{%- endmacro %}

{# Our columns as a relation has them, each with a comma behind it: the middle of a select list. #}
{% macro mapped_columns_of(relation) -%}
    {%- for column in mapped_columns() %}
        {{ relation }}.{{ column }},
    {%- endfor %}
{%- endmacro %}

{# {column: type} of the app's own `products`, to which every value is cast; none while dbt only parses. Beside the
   columns stands {enum type: its labels}, under 'enum labels'. #}
{% macro product_types() -%}
    {%- if not execute -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set products = source('guidelight', 'products') -%}
    {%- set types = column_types(products) -%}
    {%- do types.update({'enum labels': enum_labels(products)}) -%}
    {{ return(types) }}
{%- endmacro %}

{# A mapped column as it will stand in `products`: null where an adopted column's enum or digits can't hold the value,
   shortened where its text is too short. Such products stand in summary.warnings (pipelines/warnings.py). #}
{% macro as_product_column(alias, column, types) -%}
    {%- set type = types.get(column, 'varchar') -%}
    {%- set value = alias ~ '.' ~ column -%}
    {%- set labels = types.get('enum labels', {}).get(type) -%}
    {%- set sizes = type.split('(')[1].rstrip(')').split(',') if type.lower().startswith(('numeric(', 'decimal(')) else [] -%}
    {%- if labels -%}
        {%- set listed -%}
            {%- for label in labels %}{{ quoted(label) }}{{ ', ' if not loop.last }}{% endfor -%}
        {%- endset -%}
        case
            when {{ value }} in ({{ listed }}) then cast({{ value }} as {{ type }})
            when lower({{ value }}) in ({{ listed }}) then cast(lower({{ value }}) as {{ type }})
        end
    {%- elif sizes and sizes[0] | int - sizes[1] | int < (3 if column.endswith('_percent') else 8) -%}
        cast(
            case
                when abs(round({{ value }}, {{ sizes[1] }})) < 1{{ '0' * (sizes[0] | int - sizes[1] | int) }} then {{ value }}
            end as {{ type }}
        )
    {%- elif type | lower == 'smallint' -%}
        cast(case when abs({{ value }}) < 32768 then {{ value }} end as smallint)
    {%- else -%}
        cast({{ value }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{# Whether the mapped value differs from what `products` holds. #}
{% macro differs(new, old, column, types) -%}
    {%- set type = types.get(column, 'varchar') -%}
    ({{ comparable(as_product_column(new, column, types), type) }} is distinct from {{ comparable(old ~ '.' ~ column, type) }})
{%- endmacro %}

{# What a sync changes of a product, as the text of a json object (DESIGN.md, product_changes): {column: {old, new}},
   of a created one the new values only, source_data as its two content hashes. `relation` is `compared` of the
   products model. #}
{% macro changed_fields(relation, types) -%}
    '{' || concat_ws(
        ',',
        {%- for column in mapped_columns() %}
        {%- set new = as_json_text(as_product_column(relation, column, types)) %}
        case
            when {{ relation }}.is_new and {{ relation }}.{{ column }} is not null
                then '"{{ column }}":{"new":' || {{ new }} || '}'
            when {{ is_overwritten(relation, column) }}
                then '"{{ column }}":{"old":' || {{ relation }}.{{ column }}_before || ',"new":' || {{ new }} || '}'
        end,
        {%- endfor %}
        case
            when {{ relation }}.is_new then '"source_data":{"new":"' || {{ relation }}.content_hash || '"}'
            when {{ relation }}.writes_source_data
                then '"source_data":{"old":' || {{ as_json_text(relation ~ '.old_content_hash') }}
                    || ',"new":"' || {{ relation }}.content_hash || '"}'
        end
    ) || '}'
{%- endmacro %}

{# What a sync writes into a product that is no longer listed, as the text of a json object. #}
{% macro absent_values(relation) -%}
    '{' || concat_ws(
        ','
        {%- for column in ['is_active', 'in_stock'] %},
        case when {{ relation }}.{{ column }} is distinct from false then '"{{ column }}":false' end
        {%- endfor %}
    ) || '}'
{%- endmacro %}
