-- A role that reads what analysts need, and writes nothing: staging, marts, products and their changes. Of the logs it
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

grant usage on schema public, staging_treez, marts to guidelight_analyst;
grant select on all tables in schema staging_treez, marts to guidelight_analyst;

-- dbt drops and creates the views that it runs, and grants go with them: what the migrating role makes there in time
-- to come is readable from the start.
alter default privileges in schema staging_treez, marts grant select on tables to guidelight_analyst;

grant select on products, product_changes, guidelight_migrations to guidelight_analyst;

create policy product_changes_select_analyst on product_changes
for select to guidelight_analyst
using (true);

-- So that `guidelight staging` and `guidelight status` can tell this role whether the views are this release's.
create policy guidelight_migrations_select_analyst on guidelight_migrations
for select to guidelight_analyst
using (true);

-- products is the app's: a policy that names this role alone changes nothing for anybody else. It asks a function of
-- ours, so that rollback.sql, which drops marts, takes the policy with it.
create function marts.analysts_read_products() returns boolean
language sql immutable
return true;

drop policy if exists products_select_analyst on products;
create policy products_select_analyst on products
for select to guidelight_analyst
using (marts.analysts_read_products());
