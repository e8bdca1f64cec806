-- Who may see it: managers read the changes, browser roles nothing else of it.

alter table integration_secrets
add foreign key (integration_id) references integrations (id) on delete cascade;

create index product_changes_product_idx on product_changes (source, source_id);

alter table sync_turns enable row level security;
alter table product_sync_state enable row level security;
alter table integration_secrets enable row level security;
alter table product_changes enable row level security;

-- Supabase grants everything in public to the browser roles by default: what has no policy gets no grant either.
revoke all on sync_turns, product_sync_state, integration_secrets, product_changes from anon, authenticated;
grant all on sync_turns, product_sync_state, integration_secrets, product_changes to service_role;

create policy product_changes_select_manager on product_changes
for select to authenticated
using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');
grant select on product_changes to authenticated;
