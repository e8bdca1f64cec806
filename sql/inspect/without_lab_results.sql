-- Which products lack lab results?
-- Offered products of categories that laboratories test, without one measurement in the newest published sync.
select
    products.category,
    products.name,
    products.brand,
    products.stock_quantity,
    products.source_id
from marts.products as products
inner join staging_treez.products as received on received.source_id = products.source_id
left join staging_treez.stg_treez__lab_results as lab_results on lab_results.source_id = products.source_id
where
    products.source = 'treez'
    and products.is_active
    and products.category <> 'other'
    and lab_results.source_id is null
order by products.category, products.name, products.source_id
