-- What the seed's tables stand on, where there is no app and no Supabase: the type name jsonb, and the app's tables
-- that ours refer to.

create type if not exists jsonb as json;

create table if not exists budtenders (
  id uuid primary key default gen_random_uuid(),
  auth_user_id uuid unique,
  name text,
  role text not null default 'budtender'
);

create table if not exists media_assets (
  id uuid primary key default gen_random_uuid(),
  url text,
  created_at timestamptz not null default now()
);
