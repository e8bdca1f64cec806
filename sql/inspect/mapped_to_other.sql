-- Which of the shop's categories become `other`?
-- How many products each has, and one of them. is_known: our map says other on purpose (merchandise); where it is false
-- a line in the integration's category_map would give them a place.
select
    upper(trim(received.payload ->> 'category_type')) as category_type,
    max(case when known.source_category is not null then 1 else 0 end) = 1 as is_known,
    count(*) as products,
    sum(case when products.is_active then 1 else 0 end) as active_products,
    min(products.name) as example
from staging_treez.products as received
inner join marts.products as products on products.source = 'treez' and products.source_id = received.source_id
left join marts.category_map as known
    on known.source = 'treez' and known.source_category = upper(trim(received.payload ->> 'category_type'))
where products.category = 'other'
group by upper(trim(received.payload ->> 'category_type'))
order by is_known asc, products desc, category_type asc
