create index rejected_records_sync_log_idx on staging_treez.rejected_records (sync_log_id);
