"""`guidelight doctor`: all is well with a shop that syncs; each thing that is not is named, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from pipelines.doctor import packages
from pipelines.errors import ConfigurationError
from pipelines.settings import ROOT
from tests.databases import Engine, TestDatabase
from tests.security.test_sync_role import scheduled
from tests.shop import KEY, Shop
from tests.shops import Shops
from tests.test_adoption import APP, APP_RIGHTS
from tests.warm import run

Break = Callable[[Shop], dict[str, str] | None]

LOOKED_AT = {
    *("python", "packages", "key", "disk", "database", "migrations", "rights", "products", "clock"),
    *("secrets", "integrations", "integration"),
}
SEALED = Fernet.generate_key().decode()


def wrong(shop: Shop, env: dict[str, str] | None = None) -> dict[str, str]:
    """What the doctor finds wrong, and how to mend it."""
    ran = shop.command("doctor", "--json", env=env)
    found = {one["check"]: one["message"] for one in ran.json["checks"] if not one["ok"]}
    assert ran.status == (1 if found else 0) and ran.json["ok"] is (not found), ran
    return found


def test_a_shop_that_syncs_is_well(stocked: Shop) -> None:
    ran = stocked.command("doctor", "--json")
    assert {one["check"] for one in ran.json["checks"]} == LOOKED_AT
    assert wrong(stocked) == {}
    told = stocked.command("doctor")
    assert told.status == 0 and told.stdout.splitlines()[-1] == f"all {len(ran.json['checks'])} are well"


@pytest.mark.postgres_only
def test_a_scheduler_of_few_rights_is_well(stocked: Shop) -> None:
    with scheduled(stocked) as shop:
        assert wrong(shop) == {}
        stocked.execute("revoke insert on product_changes from guidelight_sync")
        assert wrong(shop).keys() == {"rights"}
        assert "insert on public.product_changes" in wrong(shop)["rights"]
        stocked.execute("update guidelight_migrations set digest = 'another' where name = 'views'")
        assert "run `guidelight migrate` as postgres" in wrong(shop)["migrations"]


def shut(shop: Shop) -> None:
    shop.sandbox.set_faults(["key-refused"])


def keyless(shop: Shop) -> dict[str, str]:
    return {"GUIDELIGHT_SECRET_KEY": "nonsense"}


def sealed_with_another(shop: Shop) -> dict[str, str]:
    words = ("integrations", "set", shop.integration, "--secret", "api_key=-")
    sealed = shop.command(*words, env={"GUIDELIGHT_SECRET_KEY": SEALED}, prepare=type_the_key)
    assert sealed.status == 0, sealed
    return {"GUIDELIGHT_SECRET_KEY": Fernet.generate_key().decode()}


def type_the_key() -> None:
    import io
    import sys

    sys.stdin = io.TextIOWrapper(io.BytesIO(b"a-key-of-the-shop\n"))


def full(shop: Shop) -> dict[str, str]:
    return {"GUIDELIGHT_BUILD": "/proc/build"}


def behind(shop: Shop) -> None:
    shop.execute("delete from guidelight_migrations where name like '0009%'")


def disabled(shop: Shop) -> None:
    shop.execute("update integrations set is_active = false")


CASES: list[tuple[Break, set[str], str]] = [
    (shut, {"integration"}, "key: Treez refuses the key"),
    (keyless, {"key", "secrets", "integration"}, "Key 1 in GUIDELIGHT_SECRET_KEY is none"),
    (sealed_with_another, {"secrets", "integration"}, "add the key it was sealed with"),
    (full, {"disk"}, "0 MB are free for the build at /proc/build"),
    (behind, {"migrations"}, "run `guidelight migrate`"),
    (disabled, {"integrations"}, "No integration is enabled"),
]


@pytest.mark.alternating
@pytest.mark.parametrize(("spoil", "names", "says"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_wrong_is_named_with_what_to_do(stocked: Shop, spoil: Break, names: set[str], says: str) -> None:
    found = wrong(stocked, spoil(stocked))
    assert found.keys() == names
    assert says in " ".join(found.values())


@pytest.mark.duckdb_only
def test_a_clock_that_ran_ahead(stocked: Shop) -> None:
    stocked.execute("update sync_logs set started_at = now() + interval '1 hour'")
    assert "s behind that of the newest sync" in wrong(stocked)["clock"]


def test_a_secret_that_is_nowhere(stocked: Shop) -> None:
    assert KEY in wrong(stocked, {KEY: ""})["integration"]


@pytest.mark.postgres_only
def test_an_enum_of_the_app_that_lacks_a_category(shops: Shops, engine: Engine) -> None:
    with shops.adopting(engine, APP + APP_RIGHTS) as shop:
        assert wrong(shop) == {}
        shop.execute("alter type product_category rename value 'vape' to 'pen'")
        assert "lacks vape" in wrong(shop)["products"]


def test_no_database_yet(empty_database: TestDatabase, tmp_path: Path) -> None:
    ran = run(["doctor", "--json", "--database", empty_database.url], home=tmp_path)
    found: dict[str, Any] = {one["check"]: one for one in ran.json["checks"] if not one["ok"]}
    assert ran.status == 1 and "guidelight migrate" in str(found)


def test_a_database_that_is_none(tmp_path: Path) -> None:
    ran = run(["doctor", "--json", "--database", "mysql://here"], home=tmp_path)
    assert ran.status == 1 and [one["check"] for one in ran.json["checks"] if not one["ok"]] == ["database"]


def test_the_packages_are_the_lock_files(tmp_path: Path) -> None:
    packages(ROOT / "requirements.lock")
    lock = tmp_path / "lock"
    lock.write_text("typer==0.1 \\\n    --hash=sha256:0\nno-such-package==1.0\npywin32==1 ; sys_platform == 'win32'\n")
    with pytest.raises(ConfigurationError, match=r"typer is [\d.]+, no-such-package is missing. Run `make install`"):
        packages(lock)
