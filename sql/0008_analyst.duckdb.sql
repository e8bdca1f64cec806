-- marts.products, as analysts open it on Postgres too (0008_analyst.postgres.sql): the app's products without the record
-- as received. No roles here: who can read the file can read all of it.

create view marts.products as
select
  cast(id as varchar) as id,
  source,
  source_id,
  name,
  brand,
  category,
  product_type,
  description,
  sku,
  barcode,
  thc_percent,
  cbd_percent,
  terpenes,
  strain_name,
  strain_type,
  price_retail,
  price_member,
  price_sale,
  in_stock,
  stock_quantity,
  image_url,
  is_active,
  last_synced_at,
  created_at,
  updated_at
from main.products;
