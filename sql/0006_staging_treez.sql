-- What was received from Treez, each content once (DESIGN.md, Tables). dlt appends to these tables; dbt makes the views
-- beside them, and those of marts. Neither schema is open to browser roles: they have no usage on it.

create schema if not exists marts;
create schema if not exists staging_treez;

create table staging_treez.payloads (
  content_hash text primary key,
  raw_hash text not null,
  source_id text not null,
  payload jsonb not null
);
comment on table staging_treez.payloads is 'Each content ever received and still referred to, once.';
comment on column staging_treez.payloads.content_hash is 'SHA-256 of the canonical form.';
comment on column staging_treez.payloads.raw_hash is 'SHA-256 of the bytes as first received.';

create table staging_treez.sightings (
  sync_log_id uuid not null,
  integration_id uuid not null,
  source_id text not null,
  content_hash text not null,
  page integer not null,
  extracted_at timestamptz not null,
  primary key (sync_log_id, source_id)
);
comment on table staging_treez.sightings is
  'One row a product and sync: with which content it was listed, on which page.';

create table staging_treez.rejected_records (
  sync_log_id uuid not null,
  integration_id uuid not null,
  source_id text,
  reason text not null,
  page integer not null,
  received_at timestamptz not null,
  record_text text not null,
  record_length integer not null
);
comment on table staging_treez.rejected_records is 'Records that could not be used, and why.';
comment on column staging_treez.rejected_records.record_text is
  'The text, NUL and lone surrogates as \uXXXX, cut at 64 KB.';
comment on column staging_treez.rejected_records.record_length is 'The text''s true length, in characters.';
