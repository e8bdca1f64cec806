-- Which products were merged into which?
-- One row a product that left the shop's listing and that another product's record names as merged into it, the newest
-- first. The old product is inactive and keeps its history; the new one carries on.
select
    product_changes.changed_at,
    gone.name as old_name,
    product_changes.source_id as old_source_id,
    merged.name as new_name,
    merged.source_id as new_source_id,
    merged.is_active as new_is_active
from product_changes
inner join staging_treez.products as records
    on strpos(
        cast(records.payload -> 'merged_from_product_ids' as text), '"' || product_changes.source_id || '"'
    ) > 0
inner join marts.products as merged
    on merged.source = product_changes.source and merged.source_id = records.source_id
left join marts.products as gone
    on gone.source = product_changes.source and gone.source_id = product_changes.source_id
where product_changes.change = 'absent' and product_changes.source = 'treez'
order by product_changes.changed_at desc, old_name asc, product_changes.source_id asc, new_source_id asc
