-- What is out of stock?
-- Products that are offered but can't be sold, and since when, longest first. stock_quantity in units: 0, negative
-- where oversold, null where the shop doesn't say. Null in out_since: it was so when the first sync saw it.
with stock_changes as (
    select
        source,
        source_id,
        max(changed_at) as out_since
    from product_changes
    where change = 'updated' and (fields -> 'in_stock' ->> 'new') = 'false'
    group by source, source_id
)

select
    products.name,
    products.brand,
    products.category,
    products.stock_quantity,
    stock_changes.out_since,
    products.source_id
from marts.products as products
left join stock_changes
    on stock_changes.source = products.source and stock_changes.source_id = products.source_id
where products.is_active and not coalesce(products.in_stock, false)
order by stock_changes.out_since asc nulls first, products.name asc, products.source_id asc
