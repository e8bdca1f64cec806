{# A Treez product mapped to ours (INTERFACE.md, Mapping of a Treez product): texts first (treez_facts.sql,
   treez_labs.sql), then numbers, then our columns.

   treez_mapping(relation) gives the CTEs that end in `mapped`, one row a row of `relation`, which has
   content_hash, source_id and payload, and no content_hash twice. #}
{% macro treez_mapping(relation) -%}
    {%- set texts = treez_text_paths().keys() | reject('equalto', 'price_type') | list -%}
{{ treez_facts(relation) }},

{{ treez_tiers(relation) }},

{{ treez_labs(relation) }},

texts as (
    select
        facts.content_hash,
        facts.source_id,
        facts.is_flat,
        {%- for column in texts %}
        facts.{{ column }},
        {%- endfor %}
        case
            when unit_tiers.tier_price is not null and (upper(facts.price_type) = 'TIER' or facts.price_text is null)
                then unit_tiers.tier_price
            else facts.price_text
        end as price_text,
        facts.sale_text,
        facts.stock_text,
        facts.thc_text as flat_thc_text,
        facts.cbd_text as flat_cbd_text,
        coalesce({{ number_text('potencies.thc') }}, potencies.thc_unread, facts.thc_text) as thc_text,
        coalesce({{ number_text('potencies.cbd') }}, potencies.cbd_unread, facts.cbd_text) as cbd_text,
        potencies.thc as lab_thc,
        potencies.cbd as lab_cbd,
        terpene_objects.terpenes,
        terpene_objects.terpenes_unread
    from facts
    left join unit_tiers on unit_tiers.content_hash = facts.content_hash
    left join potencies on potencies.content_hash = facts.content_hash
    left join terpene_objects on terpene_objects.content_hash = facts.content_hash
),

numbers as materialized (
    select
        content_hash,
        source_id,
        is_flat,
        {%- for column in texts %}
        {{ column }},
        {%- endfor %}
        price_text,
        sale_text,
        stock_text,
        thc_text,
        cbd_text,
        terpenes,
        terpenes_unread,
        {{ to_number('price_text') }} as price,
        {{ to_number('sale_text') }} as sale,
        {{ to_number('stock_text') }} as stock,
        coalesce(lab_thc, {{ to_number('flat_thc_text') }}) as thc,
        coalesce(lab_cbd, {{ to_number('flat_cbd_text') }}) as cbd
    from texts
),

shop as (
    {{ shop_categories() }}
),

categories as (
    select
        numbers.content_hash,
        coalesce(shop.category, known.category) as category
    from numbers
    left join shop on shop.source_category = upper(numbers.category_text)
    left join {{ ref('category_map') }} as known
        on known.source = 'treez' and known.source_category = upper(numbers.category_text)
),

mapped as (
    select
        numbers.content_hash,
        numbers.source_id,
        numbers.name,
        numbers.brand,
        coalesce(categories.category, 'other') as category,
        numbers.product_type,
        numbers.description,
        numbers.sku,
        numbers.barcode,
        {{ as_numeric('numbers.thc', 5, 2) }} as thc_percent,
        {{ as_numeric('numbers.cbd', 5, 2) }} as cbd_percent,
        cast(nullif(numbers.terpenes, '{}') as jsonb) as terpenes,
        numbers.strain_name,
        numbers.strain_type,
        {{ as_numeric('numbers.price', 10, 2) }} as price_retail,
        cast(null as numeric(10, 2)) as price_member,
        {{ as_numeric('numbers.sale', 10, 2) }} as price_sale,
        coalesce(numbers.stock > 0, false) as in_stock,
        {{ as_whole('numbers.stock') }} as stock_quantity,
        numbers.image_url,
        coalesce(upper(numbers.status_text), case when numbers.is_flat then 'ACTIVE' end, '') = 'ACTIVE'
        or coalesce(lower(numbers.above_threshold), '') = 'true' as is_active,
        cast(nullif({{ treez_warnings() }}, '[]') as jsonb) as warnings
    from numbers
    inner join categories on categories.content_hash = numbers.content_hash
)
{%- endmacro %}

{# What was repaired or is odd in a record: a json array of {kind, value}; never a reason for another status. #}
{% macro treez_warnings() -%}
    {%- set numbers = {
        'price_retail': ('numbers.price_text', as_numeric('numbers.price', 10, 2)),
        'price_sale': ('numbers.sale_text', as_numeric('numbers.sale', 10, 2)),
        'stock_quantity': ('numbers.stock_text', as_whole('numbers.stock')),
        'thc_percent': ('numbers.thc_text', as_numeric('numbers.thc', 5, 2)),
        'cbd_percent': ('numbers.cbd_text', as_numeric('numbers.cbd', 5, 2)),
        'terpenes': ('numbers.terpenes_unread', 'null'),
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
        case when numbers.stock = 30 then '{"kind":"stock shown as 30","value":"30"}' end,
        case
            when categories.category is null
                then '{"kind":"unknown category","value":' || {{ as_json_text('numbers.category_text') }} || '}'
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
