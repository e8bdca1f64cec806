{# A Treez product mapped to ours (INTERFACE.md, Mapping of a Treez product): facts as text, then values.

   treez_mapping(relation) gives the CTEs that end in `mapped`, one row a row of `relation`, which has
   content_hash, source_id and payload. Texts are taken out of the json first and cast second: a cast that repeats
   its argument would walk the json twice. #}
{% macro treez_mapping(relation) -%}
facts as (
    {{ treez_facts(relation) }}
),

tiers as (
    {{ json_elements(relation, 'content_hash', json_value('payload', ['pricing', 'tier_pricing_detail']), 'tier') }}
),

tier_texts as (
    select
        content_hash,
        position,
        {{ json_text('tier', ['start_value']) }} as start_text,
        {{ json_text('tier', ['price_per_value']) }} as price_text
    from tiers
),

tier_order as (
    select
        content_hash,
        price_text,
        row_number() over (
            partition by content_hash
            order by
                case when {{ to_number('start_text') }} > 0 then 0 else 1 end,
                case when {{ to_number('start_text') }} > 0 then {{ to_number('start_text') }} end,
                position
        ) as place
    from tier_texts
),

unit_tiers as (
    select
        content_hash,
        price_text as tier_price
    from tier_order
    where place = 1
),

labs as (
    {{ json_elements(relation, 'content_hash', json_value('payload', ['lab_results']), 'lab') }}
),

lab_texts as (
    select
        content_hash,
        position,
        {{ clean(json_text('lab', ['result_type'])) }} as result_type,
        upper({{ clean(json_text('lab', ['amount_type'])) }}) as amount_type,
        {{ clean('coalesce(' ~ json_text('lab', ['amount', 'maximum_value']) ~ ', ' ~ json_text('lab', ['amount', 'minimum_value']) ~ ')') }} as amount_text
    from labs
),

lab_percents as (
    select
        content_hash,
        position,
        result_type,
        amount_text,
        upper(regexp_replace(result_type, '[^A-Za-z0-9]+', '', 'g')) as kind,
        {{ to_number('amount_text') }} as percent
    from lab_texts
    where amount_type in ('PERCENTAGE', 'PERCENT', '%')
),

potencies as (
    select
        content_hash,
        {%- for name, plain, acid in [('thc', ['THC', 'DELTA9THC', 'D9THC'], ['THCA']), ('cbd', ['CBD'], ['CBDA'])] %}
        {%- set kinds = [['TOTAL' ~ plain[0], plain[0] ~ 'TOTAL'], plain, acid] %}
        coalesce(
            {%- for names in kinds %}
            max(case when kind in ({% for one in names %}'{{ one }}'{{ ', ' if not loop.last }}{% endfor %}) then percent end){{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ name }},
        min(case
            when percent is null and kind in ({% for one in kinds | sum(start=[]) %}'{{ one }}'{{ ', ' if not loop.last }}{% endfor %}) then amount_text
        end) as {{ name }}_unread{{ ',' if not loop.last }}
        {%- endfor %}
    from lab_percents
    group by content_hash
),

terpene_percents as (
    select
        content_hash,
        result_type,
        max(percent) as percent
    from lab_percents
    where percent is not null
      and {{ matches('lower(result_type)', treez_terpenes()) }}
      and kind not like '%TOTAL%'
    group by content_hash, result_type
),

terpene_objects as (
    select
        content_hash,
        '{' || string_agg({{ as_json_text('result_type') }} || ':' || {{ as_json_text('cast(percent as numeric(7, 3))') }}, ',' order by result_type) || '}' as terpenes
    from terpene_percents
    group by content_hash
),

numbers as (
    select
        content_hash,
        {{ to_number('price_text') }} as price,
        {{ to_number('sale_text') }} as sale,
        {{ to_number('stock_text') }} as stock,
        {{ to_number('thc_text') }} as thc,
        {{ to_number('cbd_text') }} as cbd
    from (
        select
            facts.content_hash,
            case
                when unit_tiers.tier_price is not null and (facts.price_type = 'TIER' or facts.price_text is null)
                    then unit_tiers.tier_price
                else facts.price_text
            end as price_text,
            facts.sale_text,
            facts.stock_text,
            facts.thc_text,
            facts.cbd_text
        from facts
        left join unit_tiers on unit_tiers.content_hash = facts.content_hash
    ) as priced
),

ranged as (
    select
        facts.*,
        potencies.thc_unread,
        potencies.cbd_unread,
        terpene_objects.terpenes,
        unit_tiers.tier_price,
        numbers.price,
        numbers.sale,
        numbers.stock,
        coalesce(potencies.thc, numbers.thc) as thc,
        coalesce(potencies.cbd, numbers.cbd) as cbd
    from facts
    inner join numbers on numbers.content_hash = facts.content_hash
    left join potencies on potencies.content_hash = facts.content_hash
    left join terpene_objects on terpene_objects.content_hash = facts.content_hash
    left join unit_tiers on unit_tiers.content_hash = facts.content_hash
),

categorised as (
    select
        ranged.*,
        coalesce(shop.category, known.category, 'other') as category,
        coalesce(shop.category, known.category) is null as category_is_unknown
    from ranged
    left join ({{ shop_categories() }}) as shop on shop.source_category = upper(ranged.category_text)
    left join {{ ref('category_map') }} as known
        on known.source = 'treez' and known.source_category = upper(ranged.category_text)
),

mapped as (
    select
        content_hash,
        source_id,
        name,
        brand,
        category,
        product_type,
        description,
        sku,
        barcode,
        cast(case when abs(round(thc, 2)) < 1000 then round(thc, 2) end as numeric(5, 2)) as thc_percent,
        cast(case when abs(round(cbd, 2)) < 1000 then round(cbd, 2) end as numeric(5, 2)) as cbd_percent,
        cast(terpenes as jsonb) as terpenes,
        strain_name,
        strain_type,
        cast(case when abs(round(price, 2)) < 100000000 then round(price, 2) end as numeric(10, 2)) as price_retail,
        cast(null as numeric(10, 2)) as price_member,
        cast(case when abs(round(sale, 2)) < 100000000 then round(sale, 2) end as numeric(10, 2)) as price_sale,
        coalesce(stock > 0, false) as in_stock,
        cast(case when abs(round(stock, 0)) < 2147483648 then round(stock, 0) end as integer) as stock_quantity,
        image_url,
        coalesce(status_text, case when is_flat then 'ACTIVE' end, '') = 'ACTIVE'
        or coalesce(above_threshold, '') = 'true' as is_active,
        cast(nullif({{ treez_warnings() }}, '[]') as jsonb) as warnings
    from categorised
)
{%- endmacro %}

{# The texts that the mapping reads, as they stand in the record: nested as in v2, or flat as a hand-written mock has them. #}
{% macro treez_facts(relation) -%}
    {%- set fields = 'product_configurable_fields' -%}
    {%- set paths = {
        'name': [['e_commerce', 'menu_title'], [fields, 'name'], ['name']],
        'brand': [[fields, 'brand'], ['brand']],
        'category_text': [['category_type'], ['category']],
        'product_type': [[fields, 'subtype'], [fields, 'sub_type'], ['subtype'], ['product_type']],
        'description': [['e_commerce', 'product_description'], ['description']],
        'strain_name': [[fields, 'strain_name'], ['strain_name']],
        'strain_type': [[fields, 'classification'], ['classification'], ['strain_type']],
        'price_type': [['pricing', 'price_type']],
        'price_text': [['pricing', 'price_sell'], ['price_sell'], ['price_retail'], ['price']],
        'sale_text': [['pricing', 'discounted_price'], ['discounted_price'], ['price_sale']],
        'stock_text': [['sellable_quantity'], ['stock_quantity'], ['quantity']],
        'thc_text': [['thc_percent']],
        'cbd_text': [['cbd_percent']],
        'status_text': [['product_status']],
        'above_threshold': [['above_threshold']],
        'image_url': [['e_commerce', 'primary_image'], ['e_commerce', 'all_images', 0], ['image_url']],
    } %}
    select
        content_hash,
        source_id,
        {{ json_value('payload', [fields]) }} is null as is_flat,
        {%- set barcode = json_value('payload', ['product_barcodes', 0]) %}
        {%- set plain = 'case when ' ~ json_is(barcode, 'string') ~ ' then ' ~ json_text('payload', ['product_barcodes', 0]) ~ ' end' %}
        {%- set sku = json_text('payload', ['product_barcodes', 0, 'sku']) %}
        coalesce({{ clean(sku) }}, {{ clean(plain) }}, {{ clean(json_text('payload', ['sku'])) }}) as sku,
        coalesce(
            {{ clean(json_text('payload', ['product_barcodes', 0, 'barcode'])) }}, {{ clean(plain) }}, {{ clean(sku) }}, {{ clean(json_text('payload', ['barcode'])) }}
        ) as barcode,
        {%- for column, places in paths.items() %}
        coalesce(
            {%- for path in places %}
            {{ clean(json_text('payload', path)) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro %}

{# What was repaired or is odd in a record: a json array of {kind, value}; never a reason for another status. #}
{% macro treez_warnings() -%}
    {%- set unread = {
        'price_retail': ('coalesce(case when price_type = \'TIER\' then tier_price end, price_text, tier_price)', 'price', 100000000),
        'price_sale': ('sale_text', 'sale', 100000000),
        'stock_quantity': ('stock_text', 'stock', 2147483648),
        'thc_percent': ('coalesce(thc_unread, thc_text)', 'thc', 1000),
        'cbd_percent': ('coalesce(cbd_unread, cbd_text)', 'cbd', 1000),
    } -%}
    '[' || concat_ws(
        ',',
        {%- for column, (text, number, limit) in unread.items() %}
        case
            when {{ number }} is null and {{ text }} is not null
                then '{"kind":"{{ column }} is no number","value":' || {{ as_json_text(text) }} || '}'
            when abs({{ number }}) >= {{ limit }}
                then '{"kind":"{{ column }} does not fit","value":' || {{ as_json_text('cast(' ~ number ~ ' as varchar)') }} || '}'
        end,
        {%- endfor %}
        case when stock = 30 then '{"kind":"stock shown as 30","value":"30"}' end,
        case
            when category_is_unknown
                then '{"kind":"unknown category","value":' || {{ as_json_text('category_text') }} || '}'
        end
    ) || ']'
{%- endmacro %}

{# The shop's own category names, of config.category_map, in capitals. #}
{% macro shop_categories() -%}
    {%- for name, category in var('category_map').items() %}
    select {{ quoted(name | upper) }} as source_category, {{ quoted(category) }} as category
    {{ 'union all' if not loop.last }}
    {%- else %}
    select cast(null as varchar) as source_category, cast(null as varchar) as category where false
    {%- endfor %}
{%- endmacro %}

{# The terpenes that laboratories report, by the part of the name that all spellings share. #}
{% macro treez_terpenes() -%}
    {{ return('(bisabolol|borneol|camphene|camphor|carene|caryophyllene|cedrene|cineole|cymene|eucalyptol|farnesene|fenchol|fenchone|geraniol|geranyl|guaiol|humulene|isopulegol|limonene|linalool|menthol|myrcene|nerol|ocimene|phellandrene|phytol|pinene|pulegone|sabinene|terpinene|terpineol|terpinolene|valencene)') }}
{%- endmacro %}
