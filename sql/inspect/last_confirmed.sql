-- When was this product last confirmed?
-- Every offered product of a source, the longest unconfirmed first; add `and products.source_id = '…'` to ask for one.
-- last_synced_at is the last sync that wrote the row, which for a product that never changes is long ago. is_rejected:
-- the last complete sync listed it with a record that could not be used, so that it is as it was before.
select
    products.name,
    freshness.last_confirmed_at,
    freshness.last_synced_at,
    freshness.is_rejected,
    products.source_id
from marts.product_freshness as freshness
inner join marts.products as products on products.source = freshness.source and products.source_id = freshness.source_id
where freshness.is_active
order by freshness.last_confirmed_at asc nulls first, products.name asc, products.source_id asc
