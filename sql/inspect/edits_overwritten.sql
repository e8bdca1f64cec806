-- Which edits did a sync overwrite?
-- One row a column of a product that the app had otherwise than the shop and that a sync put right, newest first:
-- edited_to is what stood in the app, became what the shop says. An edit that the shop's own change overtook has the
-- cause `source` and is not here.
with written as (
    select column_name
    from (
        values
        ('name'), ('brand'), ('category'), ('product_type'), ('description'), ('sku'), ('barcode'), ('thc_percent'),
        ('cbd_percent'), ('terpenes'), ('strain_name'), ('strain_type'), ('price_retail'), ('price_member'),
        ('price_sale'), ('in_stock'), ('stock_quantity'), ('image_url'), ('is_active')
    ) as ours (column_name)
)

select
    product_changes.changed_at,
    products.name,
    written.column_name,
    cast(product_changes.fields -> written.column_name ->> 'old' as text) as edited_to,
    cast(product_changes.fields -> written.column_name ->> 'new' as text) as became,
    product_changes.sync_log_id,
    product_changes.source_id
from product_changes
cross join written
left join marts.products as products
    on products.source = product_changes.source and products.source_id = product_changes.source_id
where product_changes.cause = 'edit overwritten' and (product_changes.fields -> written.column_name) is not null
order by product_changes.changed_at desc, products.name asc, product_changes.source_id asc, written.column_name asc
