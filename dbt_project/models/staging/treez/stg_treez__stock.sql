-- Where the stock of the newest published sync lies: one row an entry of a record's list.
with products as (
    select * from {{ ref('staging_treez__products') }}
),

entries as (
    {{ json_elements('products', 'source_id', json_value('payload', ['sellable_quantity_detail']), 'entry') }}
),

texts as (
    select
        source_id,
        cast(position as integer) as position,
        {{ clean(json_text('entry', ['location'])) }} as location,
        {{ clean(json_text('entry', ['location_id'])) }} as location_id,
        upper({{ clean(json_text('entry', ['inventory_type'])) }}) as inventory_type,
        {{ clean(json_text('entry', ['sellable_quantity'])) }} as quantity_text
    from entries
),

numbers as (
    select
        source_id,
        position,
        location,
        location_id,
        inventory_type,
        {{ to_number('quantity_text') }} as quantity
    from texts
)

select
    source_id,
    position,
    location,
    location_id,
    inventory_type,
    {{ as_whole('quantity') }} as stock_quantity
from numbers
