-- What did the last sync change?
-- One row a product that the newest published sync created, updated or found absent. fields: {column: {old, new}}, of a
-- created product the new values only. No row: everything was as the shop has it.
with newest as (
    select sync_log_id
    from marts.sync_counts
    where published_at is not null
    order by published_at desc
    limit 1
)

select
    product_changes.change,
    product_changes.cause,
    products.name,
    product_changes.fields,
    product_changes.source_id
from product_changes
inner join newest on newest.sync_log_id = product_changes.sync_log_id
left join marts.products as products
    on products.source = product_changes.source and products.source_id = product_changes.source_id
order by product_changes.change, products.name, product_changes.source_id
