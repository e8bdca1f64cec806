-- How did the stock of one product move?
-- As it stands, of the product whose stock changed last: put `select 'treez' as source, '…' as source_id` into `asked`
-- for another, or leave out the join with it for all. One row a change of stock_quantity or in_stock, oldest first, the
-- first being the stock it was created with. Quantities in units, as each sync found them: what was sold and delivered
-- between two syncs is one change. Null in *_quantity: that column did not change, or the shop does not say.
with stock_changes as (
    select
        source,
        source_id,
        changed_at,
        change,
        cause,
        sync_log_id,
        cast(fields -> 'stock_quantity' ->> 'old' as integer) as old_quantity,
        cast(fields -> 'stock_quantity' ->> 'new' as integer) as new_quantity,
        cast(fields -> 'in_stock' ->> 'old' as boolean) as was_in_stock,
        cast(fields -> 'in_stock' ->> 'new' as boolean) as is_in_stock
    from product_changes
    where (fields -> 'stock_quantity') is not null or (fields -> 'in_stock') is not null
),

asked as (
    select
        source,
        source_id
    from stock_changes
    where change = 'updated'
    order by changed_at desc, source_id asc
    limit 1
)

select
    products.name,
    stock_changes.changed_at,
    stock_changes.old_quantity,
    stock_changes.new_quantity,
    stock_changes.was_in_stock,
    stock_changes.is_in_stock,
    stock_changes.cause,
    stock_changes.sync_log_id,
    stock_changes.source_id
from stock_changes
inner join asked on asked.source = stock_changes.source and asked.source_id = stock_changes.source_id
left join marts.products as products
    on products.source = stock_changes.source and products.source_id = stock_changes.source_id
order by stock_changes.source_id, stock_changes.changed_at
