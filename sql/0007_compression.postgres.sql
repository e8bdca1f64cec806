-- lz4 on the json columns that are ours, where this server was built with it: a third off a large publish
-- (STACK.md). Of products only where we made it: its policies of 0003 tell.

do $$
declare
  ours record;
begin
  if not exists (
    select from pg_settings where name = 'default_toast_compression' and 'lz4' = any(enumvals)
  ) then
    return;
  end if;
  for ours in
    select a.attrelid::regclass as table_name, a.attname as column_name
    from pg_attribute as a
    where
      a.atttypid = 'jsonb'::regtype
      and a.attnum > 0 and not a.attisdropped
      and (
        a.attrelid = any(array[
          'integrations', 'sync_logs', 'product_sync_state', 'product_changes', 'staging_treez.payloads'
        ]::regclass[])
        or a.attrelid in (
          select polrelid from pg_policy
          where polrelid = 'products'::regclass and polname = 'products_select_authenticated'
        )
      )
  loop
    execute format('alter table %s alter column %I set compression lz4', ours.table_name, ours.column_name);
  end loop;
end $$;
