-- What a sync keeps beside its log: who has the turn, what was seen and written, what changed, sealed secrets.

create table if not exists sync_turns (
  source text primary key,
  sync_log_id uuid,
  integration_id uuid,
  host text,
  boot_id text,
  pid_namespace text,
  pid integer,
  process_started text,
  taken_at timestamptz,
  heartbeat_at timestamptz
);
comment on table sync_turns is 'One row a source: which sync has the turn, in which process, and its heartbeat.';

create table if not exists product_sync_state (
  source text not null,
  source_id text not null,
  integration_id uuid,
  content_hash text not null,
  mapping_version text not null,
  name text,
  brand text,
  category text,
  product_type text,
  description text,
  sku text,
  barcode text,
  thc_percent numeric(5, 2),
  cbd_percent numeric(5, 2),
  terpenes jsonb,
  strain_name text,
  strain_type text,
  price_retail numeric(10, 2),
  price_member numeric(10, 2),
  price_sale numeric(10, 2),
  in_stock boolean,
  stock_quantity integer,
  image_url text,
  is_active boolean,
  warnings jsonb,
  written jsonb,
  absent_since timestamptz,
  updated_at timestamptz not null,
  primary key (source, source_id)
);
comment on table product_sync_state is
  'For each product the content and mapping last seen, the values that it maps to, and what a sync last wrote.';
comment on column product_sync_state.mapping_version is
  'Release and category_map under which the values were mapped.';
comment on column product_sync_state.warnings is 'What the mapping repaired or found odd in this content.';
comment on column product_sync_state.written is
  'What a sync last wrote into products, where it differs from the values.';
comment on column product_sync_state.absent_since is
  'When a complete listing first lacked the product; null: listed.';

-- Append-only and never pruned: no foreign key to sync_logs, which are.
create table if not exists product_changes (
  sync_log_id uuid not null,
  integration_id uuid not null,
  source text not null,
  source_id text not null,
  change text not null check (change in ('created', 'updated', 'absent')),
  cause text not null check (cause in ('source', 'mapping', 'edit overwritten', 'absence', 'return')),
  fields jsonb not null,
  changed_at timestamptz not null,
  primary key (sync_log_id, source, source_id)
);
comment on table product_changes is
  'Each change that a sync made to a product, once, under the sync that published it.';
comment on column product_changes.fields is
  '{column: {"old", "new"}}; of a created product the new values only; source_data as its two content hashes.';

create table if not exists integration_secrets (
  integration_id uuid not null,
  name text not null,
  sealed text not null,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (integration_id, name)
);
comment on table integration_secrets is
  'Secrets and access tokens, sealed by the application (GUIDELIGHT_SECRET_KEY).';
