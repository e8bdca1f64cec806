-- Who or what changed this product?
-- As it stands, of the product that a sync changed last: put `select 'treez' as source, '…' as source_id` into `asked`
-- for another, or leave out the join with it for all. One row a column that got another value, newest first. cause:
-- `source`, the shop changed its record; `mapping`, a release or category_map reads the same record otherwise;
-- `edit overwritten`, a person had changed it in the app, to old_value; `absence` and `return`, it left the shop's
-- listing or came back. source_data is the record itself, as the hashes of its two contents. A person's edit has no row
-- until a sync overwrites it.
with written as (
    select column_name
    from (
        values
        ('name'), ('brand'), ('category'), ('product_type'), ('description'), ('sku'), ('barcode'), ('thc_percent'),
        ('cbd_percent'), ('terpenes'), ('strain_name'), ('strain_type'), ('price_retail'), ('price_member'),
        ('price_sale'), ('in_stock'), ('stock_quantity'), ('image_url'), ('is_active'), ('source_data')
    ) as ours (column_name)
),

asked as (
    select
        source,
        source_id
    from product_changes
    where change <> 'created'
    order by changed_at desc, source_id asc
    limit 1
)

select
    product_changes.changed_at,
    products.name,
    written.column_name,
    cast(product_changes.fields -> written.column_name ->> 'old' as text) as old_value,
    cast(product_changes.fields -> written.column_name ->> 'new' as text) as new_value,
    product_changes.change,
    product_changes.cause,
    counts.sync_type,
    product_changes.sync_log_id,
    product_changes.source_id
from product_changes
inner join asked on asked.source = product_changes.source and asked.source_id = product_changes.source_id
cross join written
left join marts.products as products
    on products.source = product_changes.source and products.source_id = product_changes.source_id
left join marts.sync_counts as counts on counts.sync_log_id = product_changes.sync_log_id
where (product_changes.fields -> written.column_name) is not null
order by product_changes.changed_at desc, product_changes.source_id asc, written.column_name asc
