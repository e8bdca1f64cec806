"""No credential is in any log, table, file or message, however it is given and whatever goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.shop import KEY, PRODUCTS, Shop
from tests.warm import Ran

pytestmark = pytest.mark.alternating

SEALED_WITH = "GUIDELIGHT_SECRET_KEY"

CANARY = "canary-5f0c2b7e91d84a66b3"


def everything(shop: Shop, but: tuple[str, ...] = ()) -> str:
    """Every row of every table of ours, as text."""
    found: list[Any] = []
    with shop.connection() as connection:
        tables = connection.rows(
            "select table_schema as schema, table_name as name from information_schema.tables "
            "where table_schema in ('public', 'main', 'staging_treez', 'marts')"
        )
        for table in tables:
            if table["name"] not in but:
                found += connection.rows(f'select * from {table["schema"]}."{table["name"]}"')
    assert len(tables) > 8
    return repr(found)


def files(directory: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in directory.rglob("*") if path.is_file())


def nowhere(shop: Shop, *rans: Ran, but: tuple[str, ...] = ()) -> None:
    for ran in rans:
        assert CANARY not in ran.stdout + ran.stderr
    assert CANARY not in everything(shop, but)
    assert CANARY not in files(shop.home)


FAULTS = ("key-refused:status=401", "fail-200", "redirect")


@pytest.mark.parametrize("api", ["treez-v2", "bearer"])
def test_a_key_in_the_environment(shop: Shop, monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    monkeypatch.setattr("pipelines.sandbox.answers.KEY", CANARY)
    shop.configure(api=api)
    given = {KEY: CANARY}
    synced = shop.sync(env=given)
    assert synced.counts == (PRODUCTS, PRODUCTS, 0, 0)
    words = [
        shop.command(*line, env=given)
        for line in (["sync", "--verbose"], ["logs", "show"], ["integrations", "show", shop.integration])
    ]
    rans = [synced.ran, *words]
    # Two syncs, and nothing to seal a token with: none is kept.
    assert shop.sandbox.token_requests == (2 if api == "treez-v2" else 0)
    for fault in FAULTS:
        shop.sandbox.set_faults([fault])
        rans.append(shop.sync("--verbose", env=given).ran)
    nowhere(shop, *rans)


def test_a_key_in_clear_is_used_warned_about_and_shown_to_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sandbox.answers.KEY", CANARY)
    shop.configure(api_key=CANARY)
    synced = shop.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0))
    assert [warning["kind"] for warning in synced.summary["warnings"]].count("secret in clear") == 1
    shown = [
        shop.command("integrations", *words)
        for words in (["list", "--json"], ["show", shop.integration], ["show", shop.integration, "--json"])
    ]
    assert all(ran.status == 0 for ran in shown)
    shop.configure(conflict_strategy="nonsense")
    nowhere(shop, synced.ran, *shown, shop.sync().ran, but=("integrations",))


def test_a_key_in_clear_is_sealed_by_the_next_sync_and_a_token_outlives_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sandbox.answers.KEY", CANARY)
    shop.configure(api_key=CANARY)
    sealing = {SEALED_WITH: Fernet.generate_key().decode()}
    first = shop.sync("--verbose", env=sealing)
    assert (first.status, first.summary["warnings"]) == (0, [])
    assert "api_key stood in clear in config: it is sealed now" in first.ran.stderr
    shown = shop.command("integrations", "show", shop.integration, "--json", env=sealing)
    assert shown.json["config"]["api_key"] == {"secret": f"…{CANARY[-4:]}"}
    assert shop.sandbox.token_requests == 1

    second = shop.sync("--verbose", env=sealing)
    assert second.counts == (PRODUCTS, 0, 0, PRODUCTS)
    before = f"[{second.result['sync_log_id'][:8]}] "
    for library in ("dbt: ", "dlt: "):
        assert f"{before}{library}" in second.ran.stderr, "--verbose has its log, and of each line which sync it is of"
    assert all(line.startswith((f"{before}dbt: ", f"{before}dlt: ")) for line in second.ran.messages)
    assert shop.sandbox.token_requests == 1
    names = shop.rows("select name from integration_secrets order by name")
    assert [row["name"] for row in names] == ["access_token", "api_key"]

    shop.sandbox.set_faults(["token-expired:page=1,times=1"])
    third = shop.sync("--verbose", env=sealing)
    assert third.status == 0 and shop.sandbox.token_requests == 2
    nowhere(shop, first.ran, shown, second.ran, third.ran)
    assert "sandbox-token" not in everything(shop) + files(shop.home)


@pytest.mark.long
@pytest.mark.parametrize("knows", ["both keys", "the old key"])
def test_keys_are_rotated_while_a_sync_runs(shop: Shop, knows: str) -> None:
    """It began with the new key first, as README says, or before anybody had made one; its token ends after that."""
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    both = f"{new},{old}"
    shop.configure(api_key=shop.sandbox.api_key, patience_seconds=60)
    assert shop.sync(env={SEALED_WITH: old}).status == 0
    shop.sandbox.set_faults(["token-expired:page=4,times=1"])
    gate = shop.sandbox.hold(3)
    running = shop.begin(env={SEALED_WITH: both if knows == "both keys" else old})
    gate.await_arrival()
    rotated = shop.command("integrations", "rotate", "--json", env={SEALED_WITH: both})
    assert rotated.json == {"rotated": 2, "removed": 0}
    shop.let_go()
    synced = shop.ended(running)
    assert (synced.status, synced.counts, synced.ran.messages) == (0, (PRODUCTS, 0, 0, PRODUCTS), []), synced.ran
    assert shop.sandbox.token_requests == 2, "it asked for a token of its own, and kept it"
    last = shop.sync(env={SEALED_WITH: new})
    assert (last.status, last.counts, last.ran.messages) == (0, (PRODUCTS, 0, 0, PRODUCTS), []), last.ran
    assert shop.sandbox.token_requests == (2 if knows == "both keys" else 3), "one sealed with the old key is no loss"
    assert shop.command("integrations", "rotate", env={SEALED_WITH: new}).status == 0


def test_a_key_given_as_a_setting_is_refused_without_being_repeated(shop: Shop) -> None:
    for option in (["--set", f"api_key={CANARY}"], ["--secret", f"api_key={CANARY}"]):
        ran = shop.command("integrations", "add", "--type", "treez", "--name", "N", "--set", "dispensary_id=x", *option)
        assert ran.status == 2 and CANARY not in ran.stdout + ran.stderr


def test_the_password_of_the_database(shop: Shop) -> None:
    from tests.warm import run

    for url in (
        f"postgresql://someone:{CANARY}@127.0.0.1:1/none",
        f"postgresql://someone@127.0.0.1:1/none?password={CANARY}",
        f"postgresql://someone:{CANARY}@127.0.0.1:port/none",
        f"postgresql://some one:{CANARY}%@[::/none",
    ):
        for ran in (
            run(["sync", "--verbose"], home=shop.home, env={"DATABASE_URL": url}),
            run(["migrate", "--database", url], home=shop.home),
        ):
            assert ran.status == 2 and CANARY not in ran.stdout + ran.stderr, ran


def test_a_key_that_can_not_be_sent(shop: Shop) -> None:
    for key in (f"{CANARY}\nX-Injected: 1", f"{CANARY}ü", f"{CANARY}\x00"[:-1] + "\r"):
        shop.configure(client_id=None)
        synced = shop.sync(env={KEY: key})
        assert synced.status in (1, 2)
        nowhere(shop, synced.ran)
