{# What the mapping of a Treez product reads: every text it needs, taken out of the json in one pass. #}

{# {column: paths}, the first path with anything at it wins: nested as in v2, or flat as a hand-written mock has it
   (TREEZ.md, bearer). Of these only plain values count: an object or a list is no brand. #}
{% macro treez_text_paths() -%}
    {%- set fields = 'product_configurable_fields' -%}
    {{ return({
        'name': [['e_commerce', 'menu_title'], [fields, 'name'], ['name']],
        'brand': [[fields, 'brand'], ['brand']],
        'category_text': [['category_type'], ['category']],
        'product_type': [[fields, 'subtype'], [fields, 'sub_type'], ['subtype'], ['product_type']],
        'description': [['e_commerce', 'product_description'], ['description']],
        'sku': [['product_barcodes', 0, 'sku'], ['product_barcodes', 0], ['sku']],
        'barcode': [
            ['product_barcodes', 0, 'barcode'], ['product_barcodes', 0], ['product_barcodes', 0, 'sku'], ['barcode']
        ],
        'strain_name': [[fields, 'strain_name'], ['strain_name']],
        'strain_type': [[fields, 'classification'], ['classification'], ['strain_type']],
        'image_url': [['e_commerce', 'primary_image'], ['e_commerce', 'all_images', 0], ['image_url']],
        'price_type': [['pricing', 'price_type']],
        'status_text': [['product_status']],
        'above_threshold': [['above_threshold']],
    }) }}
{%- endmacro %}

{# The same for numbers. Here an object or a list is kept as its text, so that a warning can show it. #}
{% macro treez_number_paths() -%}
    {{ return({
        'price_text': [['pricing', 'price_sell'], ['price_sell'], ['price_retail'], ['price']],
        'sale_text': [['pricing', 'discounted_price'], ['discounted_price'], ['price_sale']],
        'stock_text': [['sellable_quantity'], ['stock_quantity'], ['quantity']],
        'thc_text': [['thc_percent']],
        'cbd_text': [['cbd_percent']],
    }) }}
{%- endmacro %}

{# The CTEs that end in `facts`, one row a row of `relation`, with its two lists beside the texts. #}
{% macro treez_facts(relation) -%}
    {%- set fields = ['product_configurable_fields'] -%}
    {%- set paths = [fields] -%}
    {%- for column, places in treez_text_paths().items() | list + treez_number_paths().items() | list -%}
        {%- for path in places if path not in paths -%}{%- do paths.append(path) -%}{%- endfor -%}
    {%- endfor -%}
picked as (
    select
        content_hash,
        source_id,
        {{ json_texts('payload', paths) }} as texts,
        {{ json_types('payload', paths) }} as types,
        {{ json_value('payload', ['pricing', 'tier_pricing_detail']) }} as tiers,
        {{ json_value('payload', ['lab_results']) }} as lab_results
    from {{ relation }}
    {{ evaluated_once() }}
),

facts as (
    select
        content_hash,
        source_id,
        tiers,
        lab_results,
        types[{{ paths.index(fields) + 1 }}] is null as is_flat,
        {%- for column, places in treez_text_paths().items() %}
        coalesce(
            {%- for path in places %}
            {%- set place = paths.index(path) + 1 %}
            {{ clean("case when types[" ~ place ~ "] not in ('OBJECT', 'ARRAY') then texts[" ~ place ~ "] end") }},
            {%- endfor %}
            null
        ) as {{ column }},
        {%- endfor %}
        {%- for column, places in treez_number_paths().items() %}
        coalesce(
            {%- for path in places %}
            {{ clean('texts[' ~ (paths.index(path) + 1) ~ ']') }},
            {%- endfor %}
            null
        ) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from picked
    {{ evaluated_once() }}
)
{%- endmacro %}

{# One of the number texts where nothing else is needed of the record. #}
{% macro treez_number_text(column) -%}
    coalesce(
        {%- for path in treez_number_paths()[column] %}
        {{ clean(json_text('payload', path)) }},
        {%- endfor %}
        null
    )
{%- endmacro %}

{# Of a product with tiers, the price of one unit at the smallest start_value above zero, else of the first tier
   (INTERFACE.md): a query to be joined to each row of `facts`. #}
{% macro treez_unit_tier(facts) -%}
with tiers as (
    {{ json_elements_of_row(facts, 'content_hash', facts ~ '.tiers', 'tier') }}
),

tier_texts as (
    select
        content_hash,
        position,
        {{ clean(json_text('tier', ['start_value'])) }} as start_text,
        {{ clean(json_text('tier', ['price_per_value'])) }} as price_text
    from tiers
    {{ evaluated_once() }}
),

tier_starts as (
    select
        content_hash,
        position,
        price_text,
        {{ to_number('start_text') }} as start_value
    from tier_texts
    {{ evaluated_once() }}
),

tier_order as (
    select
        content_hash,
        price_text,
        row_number() over (
            partition by content_hash
            order by
                case when start_value > 0 then 0 else 1 end,
                case when start_value > 0 then start_value end,
                position
        ) as place
    from tier_starts
)

select
    content_hash,
    price_text as tier_price
from tier_order
where place = 1
{%- endmacro %}
