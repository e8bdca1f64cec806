"""Judge what was published: dbt's data tests and Great Expectations, against what the last successful sync left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from models.check import Found, Metrics, Severity
from models.integration import CheckSettings
from models.publish import Publish
from pipelines.database import Connection, connect
from pipelines.errors import SyncFailed
from pipelines.expectations import expectations
from pipelines.settings import Target
from pipelines.warm import Warm


def check(target: Target, warm: Warm, published: Publish, settings: CheckSettings) -> tuple[Metrics, list[Found]]:
    """The metrics of the source's active products, and what every check found. Rows of this source only.

    Of one product only the checks of single rows are run, on its row.

    A layer that can't be run is one broken check, which makes the sync partial: silence would be a pass.
    """
    with connect(target, read_only=True) as connection:
        last = last_metrics(connection, published.integration_id) if published.product is None else None
    wanted = expectations(settings, last, may_fall=published.allow_mass_deactivation)
    examined = warm.examining(published.source, wanted, published.product)
    tested = warm.testing(published, settings.max_age_hours)
    with connect(target, read_only=True) as connection:
        now = metrics(connection, published.source)
    return now, _answered("dbt_data_tests", tested) + _answered("great_expectations", examined)


def _answered(layer: str, found: Callable[[], list[Found]]) -> list[Found]:
    try:
        return found()
    except SyncFailed as error:
        return [_broken(layer, str(error))]


def _broken(name: str, reason: str) -> Found:
    return Found(
        name,
        Severity.ERROR,
        passed=False,
        message=f"the checks could not be run: {reason}",
        advice="The products are published; sync again to have them checked",
        broken=True,
    )


def metrics(connection: Connection, source: str) -> Metrics:
    """What the next sync compares itself with, counted now."""
    row = connection.one(
        """
        select count(*) as active,
            count(*) - count(price_retail) as without_price,
            count(*) - count(thc_percent) as without_lab_results,
            count(*) - count(image_url) as without_image
        from products where source = $source and source_id is not null and is_active
        """,
        source=source,
    )
    return Metrics(**{name: int(count) for name, count in (row or {}).items()})


def last_metrics(connection: Connection, integration_id: UUID) -> Metrics | None:
    """Those of the integration's last successful full sync; None where there was none."""
    row = connection.one(
        """
        select summary from sync_logs
        where integration_id = $id and status = 'success' and scope = 'full'
        order by started_at desc limit 1
        """,
        id=integration_id,
    )
    known = ((row or {}).get("summary") or {}).get("checks", {}).get("metrics")
    return None if known is None else Metrics(**known)


def summary(now: Metrics, found: list[Found]) -> dict[str, Any]:
    """`summary.checks`: the metrics, how many checks passed, and each that didn't."""
    return {
        "metrics": asdict(now),
        "passed": sum(one.passed for one in found),
        "failed": [one.as_json() for one in found if not one.passed],
    }
