-- What was rejected, and why?
-- The records of the syncs of the last 7 days that could not be used, newest sync first. reason ends a sentence that
-- begins with "A record". Null in source_id: the record has no usable id; in name: it was never in products. beginning:
-- the first 80 characters of the record's text.
select
    counts.started_at,
    rejected_records.source_id,
    products.name,
    rejected_records.reason,
    rejected_records.page,
    rejected_records.sync_log_id,
    rejected_records.record_length,
    left(rejected_records.record_text, 80) as beginning
from staging_treez.rejected_records
inner join marts.sync_counts as counts on counts.sync_log_id = rejected_records.sync_log_id
left join marts.products as products on products.source = 'treez' and products.source_id = rejected_records.source_id
where counts.started_at > now() - interval '7 days'
order by counts.started_at desc, rejected_records.page asc, rejected_records.source_id asc
