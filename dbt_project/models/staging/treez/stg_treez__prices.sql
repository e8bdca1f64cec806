-- Every price of the newest published sync: one row for a flat price, one a tier.
with products as (
    select * from {{ ref('staging_treez__products') }}
),

flat as (
    select
        source_id,
        {{ treez_number_text('price_text') }} as price_text,
        {{ treez_number_text('sale_text') }} as sale_text
    from products
),

tiers as (
    {{ json_elements('products', 'source_id', json_value('payload', ['pricing', 'tier_pricing_detail']), 'tier') }}
),

tier_texts as (
    select
        source_id,
        position,
        {{ clean(json_text('tier', ['start_value'])) }} as start_text,
        {{ clean(json_text('tier', ['price_per_value'])) }} as price_text
    from tiers
),

names as (
    select
        source_id,
        {{ clean(json_text('payload', ['pricing', 'tier_name'])) }} as tier_name,
        {{ clean(json_text('payload', ['pricing', 'tier_method'])) }} as tier_method
    from products
),

numbers as (
    select
        source_id,
        'FLAT' as price_type,
        0 as position,
        cast(null as numeric(38, 10)) as from_quantity,
        {{ to_number('price_text') }} as price,
        {{ to_number('sale_text') }} as sale_price
    from flat
    where price_text is not null
    union all
    select
        source_id,
        'TIER' as price_type,
        cast(position as integer) as position,
        {{ to_number('start_text') }} as from_quantity,
        {{ to_number('price_text') }} as price,
        cast(null as numeric(38, 10)) as sale_price
    from tier_texts
)

select
    numbers.source_id,
    numbers.price_type,
    numbers.position,
    case when numbers.price_type = 'TIER' then names.tier_name end as tier_name,
    case when numbers.price_type = 'TIER' then names.tier_method end as tier_method,
    {{ as_numeric('numbers.from_quantity', 12, 3) }} as from_quantity,
    {{ as_numeric('numbers.price', 12, 2) }} as price,
    {{ as_numeric('numbers.sale_price', 12, 2) }} as sale_price
from numbers
inner join names on names.source_id = numbers.source_id
