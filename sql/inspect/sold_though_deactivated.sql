-- Which products are sold although the shop has deactivated them?
-- Treez sells a deactivated product as long as its stock is above a threshold: they are offered here too.
-- sellable_quantity: units, as the shop says it.
select
    products.name,
    products.brand,
    products.source_id,
    received.payload ->> 'product_status' as product_status,
    received.payload ->> 'sellable_quantity' as sellable_quantity
from staging_treez.products as received
inner join marts.products as products on products.source = 'treez' and products.source_id = received.source_id
where products.is_active and (received.payload ->> 'product_status') <> 'ACTIVE'
order by products.name, products.source_id
