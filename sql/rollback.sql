-- The way back (the seed's Rollback Plan): drops sync_logs, integrations and everything else that the migrations made,
-- on both engines. In one transaction:
--   psql "$DATABASE_URL" --single-transaction --set ON_ERROR_STOP=1 --file sql/rollback.sql
--   (echo 'begin;'; cat sql/rollback.sql; echo 'commit;') | duckdb -bail data/guidelight.duckdb
-- It keeps products with its rows and columns, budtenders, media_assets, the roles and the schema auth: the app's.
-- On Postgres products also keeps the grants and the two policies of guidelight_sync; without the roles they go, too:
--   drop owned by guidelight_sync, guidelight_analyst; drop role guidelight_sync, guidelight_analyst
-- `guidelight migrate` afterwards adopts that products. A view of your own on a table dropped here stops it, unharmed.

drop schema if exists marts cascade;
drop schema if exists staging_treez cascade;

drop table if exists sync_logs;
drop table if exists sync_turns;
drop table if exists product_changes;
drop table if exists product_sync_state;
drop table if exists integration_secrets;
drop table if exists integrations;
drop table if exists guidelight_migrations;
