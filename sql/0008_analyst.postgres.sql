-- A role that reads what analysts need, and writes nothing: staging, marts and the changes of products. Of the logs it
-- sees marts.sync_counts, a view of ours without their texts; of integrations, secrets, turns and sync state nothing.
-- People get it by a login of their own: create role ann login password '…' in role guidelight_analyst.

do $$
begin
  if not exists (select from pg_roles where rolname = 'guidelight_analyst') then
    create role guidelight_analyst nologin noinherit;
  end if;
exception
  when insufficient_privilege then
    raise insufficient_privilege using message =
      'the role guidelight_analyst is missing and may not be created: let a superuser run '
      '"create role guidelight_analyst nologin noinherit"';
end $$;

-- marts.products shows the app's products without touching that table: its grants and policies stay the app's. A function
-- reads it, and no view, because a view on a column forbids the app to retype or drop it; each value has a type of ours,
-- whatever the adopted column's is. Unchecked, for a column that can't be read so must not stop a migration.
set local check_function_bodies = off;
create function marts.read_products() returns table (
  id text,
  source text,
  source_id text,
  name text,
  brand text,
  category text,
  product_type text,
  description text,
  sku text,
  barcode text,
  thc_percent numeric,
  cbd_percent numeric,
  terpenes jsonb,
  strain_name text,
  strain_type text,
  price_retail numeric,
  price_member numeric,
  price_sale numeric,
  in_stock boolean,
  stock_quantity integer,
  image_url text,
  is_active boolean,
  last_synced_at timestamptz,
  created_at timestamptz,
  updated_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    p.id::text,
    p.source::text,
    p.source_id::text,
    p.name::text,
    p.brand::text,
    p.category::text,
    p.product_type::text,
    p.description::text,
    p.sku::text,
    p.barcode::text,
    p.thc_percent::numeric,
    p.cbd_percent::numeric,
    p.terpenes::jsonb,
    p.strain_name::text,
    p.strain_type::text,
    p.price_retail::numeric,
    p.price_member::numeric,
    p.price_sale::numeric,
    p.in_stock::boolean,
    p.stock_quantity::integer,
    p.image_url::text,
    p.is_active::boolean,
    p.last_synced_at::timestamptz,
    p.created_at::timestamptz,
    p.updated_at::timestamptz
  from public.products as p
$$;
revoke all on function marts.read_products() from public;
grant execute on function marts.read_products() to guidelight_analyst;

create view marts.products as
select
  id,
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
from marts.read_products();
comment on view marts.products is 'The app''s products for analysts: one row a product, without the record as received.';

grant usage on schema public, staging_treez, marts to guidelight_analyst;
grant select on all tables in schema staging_treez, marts to guidelight_analyst;

-- dbt drops and creates the views that it runs, and grants go with them: what the migrating role makes there in time
-- to come is readable from the start.
alter default privileges in schema staging_treez, marts grant select on tables to guidelight_analyst;

grant select on product_changes, guidelight_migrations to guidelight_analyst;

create policy product_changes_select_analyst on product_changes
for select to guidelight_analyst
using (true);

-- So that `guidelight staging` and `guidelight status` can tell this role whether the views are this release's.
create policy guidelight_migrations_select_analyst on guidelight_migrations
for select to guidelight_analyst
using (true);
