-- How each integration fares: when products last followed it, and what stands in the way now.
with integrations as (
    select * from {{ source('guidelight', 'integrations') }}
),

logs as (
    select * from {{ source('guidelight', 'sync_logs') }}
),

-- A sync of one product says nothing about the others, and one that still runs has not ended either way.
ended as (
    select
        id,
        integration_id,
        status,
        started_at,
        published_at,
        errors_count,
        row_number() over (partition by integration_id order by started_at desc, id desc) as place
    from logs
    where scope = 'full' and status <> 'running'
),

good as (
    select
        id,
        integration_id,
        started_at,
        published_at,
        row_number() over (partition by integration_id order by started_at desc, id desc) as place
    from ended
    where published_at is not null
),

failures as (
    select
        ended.integration_id,
        count(*) as failures_in_a_row
    from ended
    left join good on good.integration_id = ended.integration_id and good.place = 1
    where ended.status = 'failed' and (good.id is null or ended.started_at > good.started_at)
    group by ended.integration_id
),

measured as (
    select
        integrations.id as integration_id,
        integrations.type as source,
        integrations.name,
        integrations.is_active,
        integrations.sync_enabled,
        newest.id as last_sync_id,
        newest.status as last_sync_status,
        good.id as last_good_sync_id,
        good.published_at as last_good_sync_at,
        cast(floor(extract(epoch from (now() - good.published_at)) / 60) as integer) as age_minutes,
        cast(coalesce(failures.failures_in_a_row, 0) as integer) as failures_in_a_row,
        coalesce(integrations.sync_interval_minutes, 60) as interval_minutes,
        coalesce(newest.errors_count, 0) as last_errors_count
    from integrations
    left join ended as newest on newest.integration_id = integrations.id and newest.place = 1
    left join good on good.integration_id = integrations.id and good.place = 1
    left join failures on failures.integration_id = integrations.id
),

judged as (
    select
        integration_id,
        source,
        name,
        interval_minutes,
        last_sync_id,
        last_sync_status,
        last_errors_count,
        last_good_sync_id,
        last_good_sync_at,
        age_minutes,
        failures_in_a_row,
        case
            -- Switched off on purpose: what it lacks is nobody's fault.
            when not is_active then 'disabled'
            -- The newest sync published nothing: whatever went before, somebody must look. One is enough, for a sync
            -- has tried again by itself before it gave up.
            when failures_in_a_row > 0 then 'failing'
            -- Registered, but no sync has ended yet: products hold nothing of it.
            when last_good_sync_at is null then 'never'
            -- One scheduled sync may be late or be lost (GitHub drops runs); after two intervals it is no accident.
            -- Without a schedule no age is too old.
            when sync_enabled and age_minutes > 2 * interval_minutes then 'late'
            -- Published and recent, but something could not be used or a check failed.
            when last_sync_status = 'partial' then 'partial'
            -- Published, in time, without an error.
            else 'healthy'
        end as state
    from measured
)

select
    integration_id,
    source,
    name,
    state,
    last_good_sync_id,
    last_good_sync_at,
    age_minutes,
    failures_in_a_row,
    last_sync_id,
    last_sync_status,
    -- What to do next stands in each state that needs a person.
    case state
        when 'disabled'
            then 'switched off; `guidelight integrations enable` lets it be synced'
        when 'failing'
            then 'failed syncs in a row: ' || cast(failures_in_a_row as varchar) || '; `guidelight logs show` says why'
        when 'never'
            then 'not synced yet; run `guidelight sync`'
        when 'late'
            then
                'no good sync for ' || cast(age_minutes as varchar) || ' minutes, though one is due every '
                || cast(interval_minutes as varchar) || '; look whether the schedule runs'
        when 'partial'
            then
                'published with errors: ' || cast(last_errors_count as varchar)
                || '; `guidelight logs show` says which'
        -- Healthy: said in the same words whether it is scheduled or not.
        else 'the last sync had no errors'
    end as reason
from judged
