"""`integrations add` at a terminal: what is missing is asked for, and the shop is tried before it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from pipelines.database import connect
from pipelines.seal import Seal
from tests.databases import TestDatabase
from tests.shop import PRODUCTS, GatedSandbox
from tests.terminal import Terminal
from tests.warm import run

SEALED_WITH = Fernet.generate_key().decode()
CANARY = "canary-91b3e0cc57"


def add(database: TestDatabase, home: Path, shop: GatedSandbox, *options: str, **env: str) -> Terminal:
    """At a terminal, for a shop that stands on this machine."""
    place = ["--set", f"base_url={shop.base_url}", "--set", "allow_private_address=true", "--set", "patience_seconds=1"]
    line = ["integrations", "add", *place, *options, "--database", database.url]
    return Terminal(line, home=home, env=env)


def integrations(database: TestDatabase) -> list[dict[str, object]]:
    with connect(database.target) as connection:
        return connection.rows("select * from integrations where is_active")


@pytest.mark.alternating
def test_from_the_shop_to_practise_on_to_the_first_real_sync(
    database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sandbox.answers.KEY", CANARY)
    with connect(database.target) as connection:
        connection.execute(
            "insert into integrations (type, name, config) values ('treez', 'Sandbox', cast($config as jsonb))",
            config=json.dumps({"sandbox": True, "dispensary_id": "s", "client_id": "s", "api_key": "k"}),
        )
    sealing = {"GUIDELIGHT_SECRET_KEY": SEALED_WITH}
    with GatedSandbox(products=PRODUCTS, rate=None) as shop:
        with add(database, tmp_path, shop, **sealing) as terminal:
            terminal.answer("The point of sale", "")
            terminal.answer("What people call it", "Main [red]Store")
            terminal.answer("api ", "treez-v9")
            terminal.answer("available options", "")
            terminal.answer("dispensary_id: ", "not a subdomain")
            terminal.answer("That can't be it", shop.dispensary_id)
            terminal.answer("client_id: ", shop.client_id)
            terminal.answer("api_key (not shown as you type)", CANARY)
        assert terminal.status == 0, terminal.shown
        for step in ("settings", "address", "key", "first page"):
            assert f"ok     {step}" in terminal.shown
        assert (
            f"of {PRODUCTS} that the shop announces" in terminal.shown and "`guidelight sync` does it" in terminal.shown
        )
        (row,) = integrations(database)
        assert row["name"] == "Main [red]Store" and str(row["id"]) in terminal.shown
        with connect(database.target) as connection:
            sealed = connection.value("select sealed from integration_secrets where name = 'api_key'")
        assert Seal(SEALED_WITH).open(row["id"], "api_key", sealed) == CANARY  # type: ignore[arg-type]
        assert CANARY not in terminal.raw + repr(row)
        synced = run(["sync", "--json", "--database", database.url], home=tmp_path, env=sealing)
    assert synced.status == 0 and synced.json["stats"]["created"] == PRODUCTS


@pytest.mark.duckdb_only
def test_a_shop_that_can_not_be_reached_is_kept_where_the_person_says_so(
    database: TestDatabase, tmp_path: Path
) -> None:
    known = ["--type", "treez", "--name", "Main", "--set", "client_id=c", "--set", "dispensary_id=sandbox"]
    with GatedSandbox(products=PRODUCTS, rate=None) as shop:
        with add(database, tmp_path, shop, *known, TREEZ_API_KEY=CANARY) as terminal:
            terminal.answer("The variable that holds api_key (TREEZ_API_KEY)", "no name")
            terminal.answer("That can't be it", "")
            terminal.answer("Correct the answers, keep it all the same, or leave?", "leave")
        assert terminal.status == 1 and "nothing was kept" in terminal.shown and "wrong  key" in terminal.shown
        assert integrations(database) == [] and CANARY not in terminal.raw
        with add(database, tmp_path, shop, *known) as terminal:
            terminal.answer("The variable", "ELSEWHERE")
            terminal.answer("keep it all the same, or leave?", "")
        assert terminal.status == 0 and "ELSEWHERE is not set here" in terminal.shown
        assert "guidelight integrations test" in terminal.shown
        (row,) = integrations(database)
        with add(database, tmp_path, shop, "--set", "page_size=none") as terminal:
            terminal.answer("The point of sale", "")
        assert terminal.status == 2 and "page_size" in terminal.shown
        with add(database, tmp_path, shop, "--type", "treez") as terminal:
            pass
        assert terminal.status == 2 and f"guidelight integrations disable {row['id']}" in terminal.shown


@pytest.mark.duckdb_only
def test_a_mistyped_answer_is_corrected_and_the_others_are_offered(database: TestDatabase, tmp_path: Path) -> None:
    with GatedSandbox(products=PRODUCTS, rate=None) as shop:
        known = ["--type", "treez", "--name", "Main", "--set", "dispensary_id=" + shop.dispensary_id]
        with add(database, tmp_path, shop, *known, GUIDELIGHT_SECRET_KEY=SEALED_WITH) as terminal:
            terminal.answer("api ", "")
            terminal.answer("client_id: ", shop.client_id)
            terminal.answer("api_key (not shown as you type)", "")
            terminal.await_words("That can't be it")
            terminal.answer("api_key (not shown as you type)", CANARY)
            terminal.answer("or leave? [correct/keep/leave] (correct)", "")
            terminal.answer("api [treez-v2/bearer] (treez-v2)", "")
            terminal.answer(f"client_id ({shop.client_id})", "")
            terminal.answer("api_key (not shown as you type)", shop.api_key)
        assert terminal.status == 0 and "`guidelight sync` does it" in terminal.shown
    assert "\x1b[31mwrong  key" in terminal.raw, "what is wrong is red"
    assert CANARY not in terminal.raw and len(integrations(database)) == 1


@pytest.mark.duckdb_only
@pytest.mark.parametrize("key", [3, 4], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("question", ["What people call it", "api_key (not shown as you type)"])
def test_who_leaves_in_the_middle_is_told_that_nothing_was_kept(
    database: TestDatabase, tmp_path: Path, key: int, question: str
) -> None:
    named = [] if question.startswith("What") else ["--name", "Main"]
    settings = ["--type", "treez", *named, "--set", "client_id=c", "--set", "dispensary_id=d"]
    with Terminal(
        ["integrations", "add", *settings, "--database", database.url],
        home=tmp_path, env={"GUIDELIGHT_SECRET_KEY": SEALED_WITH},
    ) as terminal:  # fmt: skip
        terminal.await_words(question)
        terminal.press(chr(key))
    assert terminal.status == 130 and terminal.shown.rstrip().splitlines()[-1] == "nothing was kept"
    assert integrations(database) == []


@pytest.mark.duckdb_only
def test_away_from_a_terminal_nothing_is_asked(database: TestDatabase, tmp_path: Path) -> None:
    ran = run(["integrations", "add", "--type", "treez", "--database", database.url], home=tmp_path)
    assert ran.status == 2 and "Give --name" in ran.error
    ran = run(["integrations", "add", "--type", "treez", "--name", "N", "--database", database.url], home=tmp_path)
    assert ran.status == 2 and "api_key" in ran.error and integrations(database) == []
    with Terminal(["integrations", "add", "--database", database.url], home=tmp_path, env={"CI": "true"}) as terminal:
        pass
    assert terminal.status == 2 and "Give --type and --name" in terminal.shown
