"""What is forgotten, and what is not: staging of old syncs, logs beyond their days, never a kept sync's."""

from __future__ import annotations

from pipelines.database import connect
from pipelines.retention import FULL_SYNCS_KEPT, prune
from tests.shop import PRODUCTS, Shop


def kept(shop: Shop) -> int:
    found: int = shop.value("select count(distinct sync_log_id) from staging_treez.sightings")
    return found


def copied(shop: Shop, days: int) -> None:
    """A published sync so many days ago, which saw what the first one did."""
    shop.execute(
        f"""
        insert into sync_logs (integration_id, sync_type, status, started_at, published_at)
        values ($id, 'scheduled', 'success', now() - interval '{days} days', now() - interval '{days} days')
        """,
        id=shop.integration,
    )
    shop.execute(
        f"""
        insert into staging_treez.sightings
        select log.id, seen.integration_id, seen.source_id, seen.content_hash, seen.page, seen.extracted_at
        from sync_logs as log
        cross join (
            select * from staging_treez.sightings where sync_log_id = (
                select id from sync_logs order by started_at desc limit 1
            )
        ) as seen
        where log.started_at > now() - interval '{days} days 1 hour'
            and log.started_at < now() - interval '{days} days' + interval '1 hour'
        """
    )


def pruned(shop: Shop) -> dict[str, int]:
    with connect(shop.database.target) as connection, connection.transaction():
        return prune(connection, "treez")


def test_the_newest_ten_full_syncs_stay_in_staging(stocked: Shop) -> None:
    for days in range(1, FULL_SYNCS_KEPT + 3):
        copied(stocked, days)
    assert kept(stocked) == FULL_SYNCS_KEPT + 3
    stocked.execute("insert into staging_treez.payloads values ('an-orphan', 'raw', 'x', cast('{}' as jsonb))")
    assert pruned(stocked) == {"sightings": 3 * PRODUCTS, "payloads": 1}
    assert kept(stocked) == FULL_SYNCS_KEPT
    assert stocked.value("select count(*) from staging_treez.payloads") == PRODUCTS
    assert len(stocked.logs()) == FULL_SYNCS_KEPT + 3, "logs have their own days"
    synced = stocked.sync()
    assert synced.status == 0 and synced.summary["pruned"] == {"sightings": PRODUCTS}
    assert f"{PRODUCTS} of sightings" in stocked.command("logs", "show").stdout


def test_a_log_beyond_its_days_stays_while_staging_holds_its_sync(stocked: Shop) -> None:
    copied(stocked, 500)
    stocked.execute(
        "insert into sync_logs (integration_id, sync_type, status, started_at) "
        "values ($id, 'scheduled', 'failed', now() - interval '600 days')",
        id=stocked.integration,
    )
    pruned(stocked)
    assert [log["status"] for log in stocked.logs()] == ["success", "success"]
    assert kept(stocked) == 2
