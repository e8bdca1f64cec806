-- The app's products, where there is no app: what identifies a product, and who may do what. 0004 adds the other
-- columns, here as in an adopted table. An adopted table's own policies and grants are never touched.

do $$
begin
  if to_regclass('public.products') is not null then
    return;
  end if;

  create table products (
    id uuid primary key default gen_random_uuid(),
    source text not null default 'manual',
    source_id text,
    name text not null,
    category text not null check (
      category in ('flower', 'pre_roll', 'edible', 'vape', 'concentrate', 'tincture', 'topical', 'other')
    ),
    unique (source, source_id)
  );
  comment on table products is 'What staff recommend: one row a product. Rows with source manual are people''s own.';

  alter table products enable row level security;
  create policy products_select_authenticated on products
    for select to authenticated
    using (true);
  create policy products_insert_manager on products
    for insert to authenticated
    with check ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');
  create policy products_update_manager on products
    for update to authenticated
    using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');
  create policy products_delete_manager on products
    for delete to authenticated
    using ((select role from budtenders where auth_user_id = auth.uid()) = 'manager');

  grant all on products to anon, authenticated, service_role;
end $$;
