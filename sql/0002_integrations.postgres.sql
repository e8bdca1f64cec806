-- Keys, indexes and policies of the seed's two tables, named as the seed names them. DuckDB has no partial index, no
-- cascade and no policies, and checks foreign keys too eagerly: there the store keeps the rules.

do $$
begin
  if not exists (
    select from pg_constraint
    where conrelid = 'integrations'::regclass and conname = 'integrations_created_by_fkey'
  ) then
    alter table integrations add foreign key (created_by) references budtenders (id);
  end if;
  if not exists (
    select from pg_constraint
    where conrelid = 'sync_logs'::regclass and conname = 'sync_logs_integration_id_fkey'
  ) then
    alter table sync_logs add foreign key (integration_id) references integrations (id) on delete cascade;
  end if;
  if not exists (
    select from pg_constraint
    where conrelid = 'sync_logs'::regclass and conname = 'sync_logs_triggered_by_fkey'
  ) then
    alter table sync_logs add foreign key (triggered_by) references budtenders (id);
  end if;
end $$;

create unique index if not exists integrations_type_active_idx on integrations (type)
where is_active = true;

create index if not exists sync_logs_integration_idx on sync_logs (integration_id);
create index if not exists sync_logs_started_at_idx on sync_logs (started_at desc);

alter table integrations enable row level security;

drop policy if exists integrations_select_manager on integrations;
create policy integrations_select_manager on integrations
for select to authenticated
using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');

drop policy if exists integrations_insert_manager on integrations;
create policy integrations_insert_manager on integrations
for insert to authenticated
with check ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');

drop policy if exists integrations_update_manager on integrations;
create policy integrations_update_manager on integrations
for update to authenticated
using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');

drop policy if exists integrations_delete_manager on integrations;
create policy integrations_delete_manager on integrations
for delete to authenticated
using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');

alter table sync_logs enable row level security;

drop policy if exists sync_logs_select_manager on sync_logs;
create policy sync_logs_select_manager on sync_logs
for select to authenticated
using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');

drop policy if exists sync_logs_insert_service on sync_logs;
create policy sync_logs_insert_service on sync_logs
for insert to service_role
with check (true);

drop policy if exists sync_logs_update_service on sync_logs;
create policy sync_logs_update_service on sync_logs
for update to service_role
using (true);

grant all on integrations, sync_logs to anon, authenticated, service_role;
