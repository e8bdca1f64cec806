-- The app's products, where there is no app: what identifies a product. 0004 adds the other columns, here as in an
-- adopted table.

create table if not exists products (
  id uuid primary key default gen_random_uuid(),
  source text not null default 'manual',
  source_id text,
  name text not null,
  category text not null check (
    category in ('flower', 'pre_roll', 'edible', 'vape', 'concentrate', 'tincture', 'topical', 'other')
  )
);
