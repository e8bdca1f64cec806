-- What Supabase and the app bring, supplied where it is missing; what exists is left exactly as it is.

do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  -- Without bypassrls, as on Supabase, the seed's policies would let its updates change nothing, silently.
  if not exists (select from pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
exception
  when insufficient_privilege then
    raise insufficient_privilege using message =
      'the roles anon, authenticated and service_role are missing and may not be created: let a superuser run '
      '"create role anon nologin noinherit; create role authenticated nologin noinherit; '
      'create role service_role nologin noinherit bypassrls"';
end $$;

grant usage on schema public to anon, authenticated, service_role;

do $$
begin
  if not exists (select from pg_namespace where nspname = 'auth') then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
  -- From the catalog: to_regprocedure() fails for who has no usage on the schema.
  if not exists (
    select from pg_proc
    where pronamespace = 'auth'::regnamespace and proname = 'uid' and pronargs = 0
  ) then
    create function auth.uid() returns uuid
    language sql stable
    return coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid;
  end if;
end $$;

do $$
begin
  if to_regclass('public.budtenders') is null then
    create table budtenders (
      id uuid primary key default gen_random_uuid(),
      auth_user_id uuid unique,
      name text,
      role text not null default 'budtender'
    );
    alter table budtenders enable row level security;
    create policy budtenders_select_own on budtenders
      for select to authenticated
      using (auth_user_id = auth.uid());
    grant all on budtenders to anon, authenticated, service_role;
    comment on table budtenders is 'The staff, as the app knows them. A role of manager administers integrations.';
  end if;

  if to_regclass('public.media_assets') is null then
    create table media_assets (
      id uuid primary key default gen_random_uuid(),
      url text,
      created_at timestamptz not null default now()
    );
    alter table media_assets enable row level security;
    create policy media_assets_select_authenticated on media_assets
      for select to authenticated
      using (true);
    grant all on media_assets to anon, authenticated, service_role;
    comment on table media_assets is 'Pictures of the app. A sync never touches them.';
  end if;
end $$;

-- The ledger itself is made by `guidelight migrate`, in the transaction that runs this file.
alter table guidelight_migrations enable row level security;
revoke all on guidelight_migrations from anon, authenticated;
comment on table guidelight_migrations is
  'Which files of sql/ were applied, and for which release the views were made.';
