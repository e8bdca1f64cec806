"""Bring a database to this release: the migrations, then dbt's views when the release changed."""

from __future__ import annotations

from collections.abc import Callable

from pipelines import migrate
from pipelines.database import connect
from pipelines.settings import Target
from pipelines.transform import release
from pipelines.warm import Warm

VIEWS = "views"
"""The ledger's name for the views and category_map; its digest is the release that made them."""

_LOCK = 7_310_421_166


def bring_up_to_date(target: Target, warm: Warm, tell: Callable[[str], None]) -> list[str]:
    """Migrate, and make the views of this release; return what was done, nothing when all was current.

    Views are not made by each sync: dbt on Postgres drops and creates those it runs, and grants and dependants go
    with them (DESIGN.md, Tables). Raises ConfigurationError, and SyncFailed with dbt's reason.
    """
    done = migrate.migrate(target, waiting=tell)
    with connect(target, waiting=tell) as connection:
        if migrate.recorded(connection, VIEWS) == release():
            return done
        migrate.require_owner(connection, "this release's views")
    if target.engine == "duckdb":
        # dbt opens the file itself: nothing of ours may hold it meanwhile.
        warm.make_views()
        with connect(target, waiting=tell, at_end=True) as connection:
            migrate.record(connection, VIEWS, release())
        return [*done, VIEWS]
    with connect(target) as connection, connection.transaction():
        connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
        if migrate.recorded(connection, VIEWS) != release():
            warm.make_views()
            migrate.record(connection, VIEWS, release())
            done.append(VIEWS)
    return done
