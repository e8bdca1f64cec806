-- Every price of the newest published sync: one row for a flat price, one a tier.
with products as (
    select
        source_id,
        content_hash,
        payload
    from {{ ref('staging_treez__products') }}
),

flat as (
    select
        source_id,
        {{ clean('coalesce(' ~ json_text('payload', ['pricing', 'price_sell']) ~ ', ' ~ json_text('payload', ['price']) ~ ')') }} as price_text,
        {{ clean(json_text('payload', ['pricing', 'discounted_price'])) }} as sale_text
    from products
),

tiers as (
    {{ json_elements('products', 'source_id', json_value('payload', ['pricing', 'tier_pricing_detail']), 'tier') }}
),

names as (
    select
        source_id,
        {{ clean(json_text('payload', ['pricing', 'tier_name'])) }} as tier_name,
        {{ clean(json_text('payload', ['pricing', 'tier_method'])) }} as tier_method
    from products
),

tier_texts as (
    select
        source_id,
        position,
        {{ json_text('tier', ['start_value']) }} as start_text,
        {{ json_text('tier', ['price_per_value']) }} as price_text
    from tiers
)

select
    source_id,
    'FLAT' as price_type,
    0 as position,
    cast(null as varchar) as tier_name,
    cast(null as varchar) as tier_method,
    cast(null as numeric(12, 3)) as from_quantity,
    cast({{ to_number('price_text') }} as numeric(12, 2)) as price,
    cast({{ to_number('sale_text') }} as numeric(12, 2)) as sale_price
from flat
where price_text is not null
union all
select
    tier_texts.source_id,
    'TIER' as price_type,
    cast(tier_texts.position as integer) as position,
    names.tier_name,
    names.tier_method,
    cast({{ to_number('tier_texts.start_text') }} as numeric(12, 3)) as from_quantity,
    cast({{ to_number('tier_texts.price_text') }} as numeric(12, 2)) as price,
    cast(null as numeric(12, 2)) as sale_price
from tier_texts
inner join names on names.source_id = tier_texts.source_id
