{# A Treez product mapped to ours (INTERFACE.md, Mapping of a Treez product): texts first (treez_facts.sql,
   treez_labs.sql), then numbers, then our columns.

   treez_mapping(relation) gives the CTEs that end in `mapped`, one row a row of `relation`, which has
   content_hash, source_id and payload, and no content_hash twice. #}
{% macro treez_mapping(relation) -%}
    {%- set texts = treez_text_paths().keys() | reject('equalto', 'price_type') | list -%}
{{ treez_facts(relation) }},

texts as (
    select
        facts.content_hash,
        facts.source_id,
        facts.is_flat,
        {%- for column in texts %}
        facts.{{ column }},
        {%- endfor %}
        case
            when unit_tier.tier_price is not null and (upper(facts.price_type) = 'TIER' or facts.price_text is null)
                then unit_tier.tier_price
            else facts.price_text
        end as price_text,
        facts.sale_text,
        facts.stock_text,
        facts.thc_text as flat_thc_text,
        facts.cbd_text as flat_cbd_text,
        coalesce({{ number_text('labs.thc') }}, labs.thc_unread, facts.thc_text) as thc_text,
        coalesce({{ number_text('labs.cbd') }}, labs.cbd_unread, facts.cbd_text) as cbd_text,
        labs.thc as lab_thc,
        labs.cbd as lab_cbd,
        labs.terpenes,
        labs.terpenes_unread
    from facts
    {% call joined_to_row('facts', 'content_hash', 'unit_tier') %}{{ treez_unit_tier('facts') }}{% endcall %}
    {% call joined_to_row('facts', 'content_hash', 'labs') %}{{ treez_lab_values('facts') }}{% endcall %}
    {{ evaluated_once() }}
),

shop as (
    {{ shop_categories() }}
),

numbers as (
    select
        texts.content_hash,
        texts.source_id,
        texts.is_flat,
        {%- for column in texts %}
        texts.{{ column }},
        {%- endfor %}
        texts.price_text,
        texts.sale_text,
        texts.stock_text,
        texts.thc_text,
        texts.cbd_text,
        texts.terpenes,
        texts.terpenes_unread,
        {{ to_number('texts.price_text') }} as price,
        {{ to_number('texts.sale_text') }} as sale,
        {{ to_number('texts.stock_text') }} as stock,
        coalesce(texts.lab_thc, {{ to_number('texts.flat_thc_text') }}) as thc,
        coalesce(texts.lab_cbd, {{ to_number('texts.flat_cbd_text') }}) as cbd,
        coalesce(shop.category, known.category) as category
    from texts
    left join shop on shop.source_category = upper(texts.category_text)
    left join {{ ref('category_map') }} as known
        on known.source = 'treez' and known.source_category = upper(texts.category_text)
    {{ evaluated_once() }}
),

mapped as (
    select
        content_hash,
        source_id,
        name,
        brand,
        coalesce(category, 'other') as category,
        product_type,
        description,
        sku,
        barcode,
        {{ as_numeric('thc', 5, 2) }} as thc_percent,
        {{ as_numeric('cbd', 5, 2) }} as cbd_percent,
        cast(nullif(terpenes, '{}') as jsonb) as terpenes,
        strain_name,
        strain_type,
        {{ as_numeric('price', 10, 2) }} as price_retail,
        cast(null as numeric(10, 2)) as price_member,
        {{ as_numeric('sale', 10, 2) }} as price_sale,
        coalesce(stock > 0, false) as in_stock,
        {{ as_whole('stock') }} as stock_quantity,
        image_url,
        coalesce(upper(status_text), case when is_flat then 'ACTIVE' end, '') = 'ACTIVE'
        or coalesce(lower(above_threshold), '') = 'true' as is_active,
        cast(nullif({{ treez_warnings() }}, '[]') as jsonb) as warnings
    from numbers
)
{%- endmacro %}

{# What was repaired or is odd in a record: a json array of {kind, value}; never a reason for another status. #}
{% macro treez_warnings() -%}
    {%- set numbers = {
        'price_retail': ('price_text', as_numeric('price', 10, 2)),
        'price_sale': ('sale_text', as_numeric('sale', 10, 2)),
        'stock_quantity': ('stock_text', as_whole('stock')),
        'thc_percent': ('thc_text', as_numeric('thc', 5, 2)),
        'cbd_percent': ('cbd_text', as_numeric('cbd', 5, 2)),
        'terpenes': ('terpenes_unread', 'null'),
    } -%}
    '[' || concat_ws(
        ',',
        {%- for column, (text, number) in numbers.items() %}
        case
            when {{ text }} is not null and {{ number }} is null
                then '{"kind":"{{ column }} ' || case when {{ is_number(text) }} then 'does not fit' else 'is no number' end
                    || '","value":' || {{ as_json_text(text) }} || '}'
        end,
        {%- endfor %}
        case when stock = 30 then '{"kind":"stock shown as 30","value":"30"}' end,
        case
            when category is null
                then '{"kind":"unknown category","value":' || {{ as_json_text('category_text') }} || '}'
        end
    ) || ']'
{%- endmacro %}

{# The shop's own category names, of config.category_map, each once in capitals: names that differ only in case are
   one, and a doubled row would double a product. #}
{% macro shop_categories() -%}
    {%- for name, category in var('category_map').items() %}
    {%- if loop.first %}
    select
        source_category,
        min(category) as category
    from (
    {%- endif %}
        select
            upper({{ quoted(name | trim) }}) as source_category,
            {{ quoted(category) }} as category
        {{ 'union all' if not loop.last else ') as named group by source_category' }}
    {%- else %}
    select
        cast(null as varchar) as source_category,
        cast(null as varchar) as category
    where false
    {%- endfor %}
{%- endmacro %}
