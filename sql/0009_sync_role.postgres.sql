-- A role that can do what a scheduled `guidelight sync` does, and nothing else (docs/permissions.md has it in full): it
-- makes, alters and grants nothing, and reads no budtender, no picture, no product of people's own and no column of
-- products that is the app's. A scheduler gets it by a login of its own:
--   create role guidelight_bot login password '…' in role guidelight_sync

do $$
begin
  if not exists (select from pg_roles where rolname = 'guidelight_sync') then
    create role guidelight_sync nologin noinherit;
  end if;
exception
  when insufficient_privilege then
    raise insufficient_privilege using message =
      'the role guidelight_sync is missing and may not be created: let a superuser run '
      '"create role guidelight_sync nologin noinherit"';
end $$;

-- The publish makes temporary tables. PUBLIC may connect and make them unless an administrator took that away.
do $$
declare
  privilege text;
begin
  foreach privilege in array array['connect', 'temporary'] loop
    if not has_database_privilege('guidelight_sync', current_database(), privilege) then
      execute format('grant %s on database %I to guidelight_sync', privilege, current_database());
    end if;
  end loop;
end $$;

grant usage on schema public, staging_treez, marts to guidelight_sync;

grant select on guidelight_migrations to guidelight_sync;
grant select on integrations to guidelight_sync;
grant update (config, last_sync_at, last_sync_status, last_complete_sync_at, updated_at) on integrations
to guidelight_sync;
grant select, insert, update, delete on integration_secrets, sync_logs to guidelight_sync;
grant select, insert, update on sync_turns, product_sync_state to guidelight_sync;
grant select, insert on product_changes to guidelight_sync;

create policy guidelight_migrations_select_sync on guidelight_migrations for select to guidelight_sync using (true);
create policy integration_secrets_all_sync on integration_secrets for all to guidelight_sync using (true);
create policy sync_turns_all_sync on sync_turns for all to guidelight_sync using (true);
create policy product_sync_state_all_sync on product_sync_state for all to guidelight_sync using (true);
create policy product_changes_select_sync on product_changes for select to guidelight_sync using (true);
create policy product_changes_insert_sync on product_changes for insert to guidelight_sync with check (true);

-- These three may be older than this migration's first run: the seed has people make two of them by hand, and products
-- is the app's. What it has of its own stays: the policies on it name this role alone.
drop policy if exists integrations_select_sync on integrations;
create policy integrations_select_sync on integrations for select to guidelight_sync using (true);
drop policy if exists integrations_update_sync on integrations;
create policy integrations_update_sync on integrations for update to guidelight_sync using (true);
drop policy if exists sync_logs_all_sync on sync_logs;
create policy sync_logs_all_sync on sync_logs for all to guidelight_sync using (true);

drop policy if exists products_all_sync on products;
create policy products_all_sync on products for all to guidelight_sync using (source <> 'manual');
-- A policy of the app's that lets everybody do something would let this role do it to people's own products too.
drop policy if exists products_never_manual_sync on products;
create policy products_never_manual_sync on products as restrictive for all to guidelight_sync
using (source <> 'manual');

-- By column: the publish inserts and updates these (dbt_project/macros/publish.sql), and no sync reads another.
do $$
declare
  written constant text := 'name, brand, category, product_type, description, sku, barcode, thc_percent, cbd_percent, '
    'terpenes, strain_name, strain_type, price_retail, price_member, price_sale, in_stock, stock_quantity, image_url, '
    'is_active, source_data, last_synced_at, updated_at';
  counter regclass;
begin
  execute format(
    'grant select (source, source_id, %1$s), insert (id, source, source_id, %1$s), update (%1$s) on products '
    'to guidelight_sync',
    written
  );
  -- A column of the app's may be filled from a sequence (serial), which who inserts has to be allowed to use.
  for counter in
    select distinct s.oid::regclass
    from pg_attrdef as a
    inner join pg_depend as d
      on d.classid = 'pg_attrdef'::regclass and d.objid = a.oid and d.refclassid = 'pg_class'::regclass
    inner join pg_class as s on s.oid = d.refobjid and s.relkind = 'S'
    where a.adrelid = 'products'::regclass
  loop
    execute format('grant usage on sequence %s to guidelight_sync', counter);
  end loop;
end $$;

grant select, insert, delete on staging_treez.payloads, staging_treez.sightings, staging_treez.rejected_records
to guidelight_sync;
grant select, insert, delete on staging_treez._dlt_loads to guidelight_sync;
grant select, insert on staging_treez._dlt_version to guidelight_sync;

-- category_map, which the mapping reads, and the views of syncs; not marts.products, which shows everything of products.
do $$
declare
  made regclass;
begin
  for made in
    select oid::regclass from pg_class
    where relnamespace = 'marts'::regnamespace and relkind in ('r', 'v') and relname <> 'products'
  loop
    execute format('grant select on %s to guidelight_sync', made);
  end loop;
end $$;
alter default privileges in schema marts grant select on tables to guidelight_sync;

-- What only an owner may do before a change set is evaluated and published: make statistics of tables that this sync
-- filled, without which 50,000 unchanged products took 105 s in place of 3, and lock products against other writers,
-- for which this role would have to be allowed to update every column of it.
create function staging_treez.analyze_received() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  analyze staging_treez.sightings;
  analyze staging_treez.payloads (content_hash);
  analyze public.product_sync_state (source, source_id, content_hash, mapping_version);
  analyze public.products (source, source_id);
end $$;
comment on function staging_treez.analyze_received() is 'Statistics of what the change set of a sync of treez is made of.';

create function marts.lock_products() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.products in share row exclusive mode;
end $$;
comment on function marts.lock_products() is 'Keeps other writers, not readers, from products until the transaction ends.';

revoke all on function staging_treez.analyze_received(), marts.lock_products() from public;
grant execute on function staging_treez.analyze_received(), marts.lock_products() to guidelight_sync;

-- Supabase's default grants, and 0001 to 0003 after them, gave the browser roles more than rows: truncate, which no
-- policy holds back. What is ours keeps the four that policies judge; an app's products, budtenders and pictures are
-- its own affair.
do $$
declare
  ours regclass;
begin
  for ours in
    select c.oid::regclass
    from pg_class as c
    where
      c.oid in ('integrations'::regclass, 'sync_logs'::regclass)
      or exists (
        select from pg_policy as p
        where
          p.polrelid = c.oid
          and (p.polrelid::regclass::text, p.polname) in (
            ('products', 'products_select_authenticated'),
            ('budtenders', 'budtenders_select_own'),
            ('media_assets', 'media_assets_select_authenticated')
          )
      )
  loop
    execute format('revoke all on %s from anon, authenticated', ours);
    execute format('grant select, insert, update, delete on %s to anon, authenticated', ours);
  end loop;
end $$;
