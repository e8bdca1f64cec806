-- The seed's two tables (seed/api-integration-layer.md), columns and defaults as written there, then ours.
-- They may be here already: the seed has people create them by hand.

create table if not exists integrations (
  id uuid primary key default gen_random_uuid(),
  type text not null,
  name text not null,
  is_active boolean not null default true,
  config jsonb not null default '{}',
  sync_enabled boolean not null default false,
  sync_interval_minutes integer default 60,
  last_sync_at timestamptz,
  last_sync_status text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  created_by uuid
);

alter table integrations add column if not exists last_complete_sync_at timestamptz;

comment on table integrations is 'API integration configurations for external systems like Treez.';
comment on column integrations.config is 'API credentials and settings. Should be treated as sensitive.';
comment on column integrations.last_complete_sync_at is
  'Start of the last published full sync whose listing was proven complete.';

create table if not exists sync_logs (
  id uuid primary key default gen_random_uuid(),
  integration_id uuid not null,
  sync_type text not null,
  status text not null,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  duration_ms integer,
  products_fetched integer default 0,
  products_created integer default 0,
  products_updated integer default 0,
  products_unchanged integer default 0,
  errors_count integer default 0,
  error_message text,
  error_details jsonb,
  summary jsonb,
  triggered_by uuid
);

alter table sync_logs add column if not exists published_at timestamptz;
alter table sync_logs add column if not exists listing_complete boolean;
-- DuckDB adds no column that is not null: the constraint comes second.
alter table sync_logs add column if not exists scope text default 'full';
alter table sync_logs alter column scope set not null;
alter table sync_logs add column if not exists release text;

comment on table sync_logs is 'History of sync operations for debugging and monitoring.';
comment on column sync_logs.published_at is 'When the sync''s changes were committed. Null: products is as it was.';
comment on column sync_logs.listing_complete is 'Whether the source''s listing was proven complete.';
comment on column sync_logs.scope is 'full, product (one product only) or replay (from staging).';
comment on column sync_logs.release is 'The release of guidelight-sync that ran.';
