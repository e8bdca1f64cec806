-- Which prices changed this week?
-- One row a product and change of its regular or sale price in the last 7 days, newest first; prices in the shop's
-- currency. Null in *_sale: not on sale. A product that is new has no old price and is not here.
select
    product_changes.changed_at,
    products.name,
    products.brand,
    cast(product_changes.fields -> 'price_retail' ->> 'old' as numeric(10, 2)) as old_price,
    cast(product_changes.fields -> 'price_retail' ->> 'new' as numeric(10, 2)) as new_price,
    cast(product_changes.fields -> 'price_sale' ->> 'old' as numeric(10, 2)) as old_sale,
    cast(product_changes.fields -> 'price_sale' ->> 'new' as numeric(10, 2)) as new_sale,
    product_changes.cause,
    product_changes.source_id
from product_changes
inner join marts.products as products
    on products.source = product_changes.source and products.source_id = product_changes.source_id
where
    product_changes.change = 'updated'
    and product_changes.changed_at > now() - interval '7 days'
    and (
        (product_changes.fields -> 'price_retail') is not null
        or (product_changes.fields -> 'price_sale') is not null
    )
order by product_changes.changed_at desc, products.name asc, product_changes.source_id asc
