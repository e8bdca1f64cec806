-- Every column that a sync needs, added where it is missing: an adopted products keeps its rows, its own columns and
-- the types that it has (DESIGN.md, Tables). Name and category can't be added to rows that lack them: the preflight
-- refuses such a table (pipelines/adoption.py).

alter table products add column if not exists id uuid default gen_random_uuid();
alter table products add column if not exists source text default 'manual';
alter table products add column if not exists source_id text;
alter table products add column if not exists name text;
alter table products add column if not exists category text;
alter table products add column if not exists brand text;
alter table products add column if not exists product_type text;
alter table products add column if not exists description text;
alter table products add column if not exists sku text;
alter table products add column if not exists barcode text;
alter table products add column if not exists thc_percent numeric(5, 2);
alter table products add column if not exists cbd_percent numeric(5, 2);
alter table products add column if not exists terpenes jsonb;
alter table products add column if not exists strain_name text;
alter table products add column if not exists strain_type text;
alter table products add column if not exists price_retail numeric(10, 2);
alter table products add column if not exists price_member numeric(10, 2);
alter table products add column if not exists price_sale numeric(10, 2);
alter table products add column if not exists in_stock boolean default true;
alter table products add column if not exists stock_quantity integer;
alter table products add column if not exists image_url text;
alter table products add column if not exists image_asset_id uuid;
alter table products add column if not exists source_data jsonb;
alter table products add column if not exists last_synced_at timestamptz;
alter table products add column if not exists is_active boolean default true;
alter table products add column if not exists created_at timestamptz default now();
alter table products add column if not exists updated_at timestamptz default now();
