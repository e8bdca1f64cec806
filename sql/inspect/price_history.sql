-- What prices has one product had?
-- As it stands, of the product whose price changed last: put `select 'treez' as source, '…' as source_id` into `asked`
-- for another. One row a change of the regular price, oldest first, the first being the price it was created with.
with price_changes as (
    select
        source,
        source_id,
        changed_at,
        change,
        cause,
        cast(fields -> 'price_retail' ->> 'old' as numeric(10, 2)) as old_price,
        cast(fields -> 'price_retail' ->> 'new' as numeric(10, 2)) as new_price
    from product_changes
    where (fields -> 'price_retail') is not null
),

asked as (
    select
        source,
        source_id
    from price_changes
    where change = 'updated'
    order by changed_at desc, source_id asc
    limit 1
)

select
    products.name,
    price_changes.changed_at,
    price_changes.old_price,
    price_changes.new_price,
    price_changes.cause,
    price_changes.source_id
from price_changes
inner join asked on asked.source = price_changes.source and asked.source_id = price_changes.source_id
inner join marts.products as products
    on products.source = price_changes.source and products.source_id = price_changes.source_id
order by price_changes.changed_at
