-- dlt's own tables, as dlt 1.31 makes them where they are missing: on Postgres a scheduled sync may make none
-- (0009_sync_role.postgres.sql).

create table if not exists staging_treez._dlt_version (
  version bigint not null,
  engine_version bigint not null,
  inserted_at timestamptz not null,
  schema_name varchar not null,
  version_hash varchar not null,
  schema varchar not null
);

create table if not exists staging_treez._dlt_loads (
  load_id varchar(64) not null,
  schema_name varchar,
  status bigint not null,
  inserted_at timestamptz not null,
  schema_version_hash varchar
);
