-- One row a product of a source; products without a source_id (people's own) are not compared. An adopted table may
-- have a unique key of its own on these two columns, in either order.

do $$
begin
  if not exists (
    select from pg_index as i
    where
      i.indrelid = 'products'::regclass
      and i.indisunique and i.indisvalid
      and i.indpred is null and i.indexprs is null
      and i.indnkeyatts = 2
      and (
        select array_agg(a.attname::text order by a.attname)
        from pg_attribute as a
        where a.attrelid = i.indrelid and a.attnum = any(i.indkey[0:1])
      ) = array['source', 'source_id']
  ) then
    create unique index products_source_source_id_key on products (source, source_id);
  end if;
end $$;
