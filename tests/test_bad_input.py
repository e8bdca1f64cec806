"""Wrong use and configuration: one line that says what to do, the right exit status, nothing changed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines import database as database_module
from pipelines.database import connect
from tests.databases import TestDatabase
from tests.shop import KEY, Shop, Synced
from tests.warm import Ran, run, until

pytestmark = pytest.mark.alternating


def refused(ran: Ran, *words: str, status: int = 2) -> None:
    """One line on standard error with these words, and this exit status."""
    assert ran.status == status, ran
    assert all(word in ran.error for word in words), ran.error
    assert "Traceback" not in ran.stderr


def refused_sync(shop: Shop, synced: Synced, *words: str) -> None:
    """Exit 2, the same words as JSON, no log row, no request."""
    refused(synced.ran, *words)
    assert synced.result == {
        "success": False,
        "sync_log_id": None,
        "stats": {"fetched": 0, "created": 0, "updated": 0, "unchanged": 0, "errors": 0},
        "error": synced.ran.error,
        "status": None,
    }
    assert shop.logs() == [] and shop.sandbox.requests == []


def test_an_integration_that_does_not_exist(shop: Shop) -> None:
    refused_sync(shop, shop.sync("--integration", "no-such-id"), "Integration not found: no-such-id")


def test_an_id_that_is_no_beginning_of_any(shop: Shop) -> None:
    refused_sync(shop, shop.sync("--integration", "%"), "Integration not found: %")


def test_an_integration_that_is_not_active(shop: Shop) -> None:
    assert shop.command("integrations", "disable", shop.integration).status == 0
    synced = shop.sync("--integration", shop.integration)
    refused_sync(shop, synced, "Integration is not active", f"integrations enable {shop.integration}")
    refused_sync(shop, shop.sync(), "no active integration", "guidelight integrations add")
    refused_sync(shop, shop.sync("--type", "treez"), "no active integration of type treez")


def test_an_unknown_type(shop: Shop) -> None:
    shop.execute("update integrations set type = 'leafly'")
    refused_sync(shop, shop.sync(), "Unknown integration type: leafly", "treez")
    refused_sync(shop, shop.sync("--type", "treez"), "no active integration of type treez")


SETTINGS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no dispensary": ({"dispensary_id": None}, ("dispensary_id", "Field required")),
    "no key": ({"api_key": None}, ("api_key",)),
    "no client id for v2": ({"api": "treez-v2", "client_id": None}, ("client_id",)),
    "an unknown setting": ({"pagesize": 7}, ("pagesize",)),
    "a bad number": ({"requests_per_second": "fast"}, ("requests_per_second",)),
    "no address": ({"base_url": "ftp://nowhere"}, ("base_url",)),
    "a category that isn't ours": ({"category_map": {"X": "sweets"}}, ("category_map",)),
    "an unset variable": ({"api_key": {"env": "NOT_SET_ANYWHERE"}}, ("NOT_SET_ANYWHERE", "not set")),
    "a sealed key": ({"api_key": {"secret": "…1234"}}, ("sealed",)),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_a_setting_that_is_missing_or_of_no_use(shop: Shop, what: str) -> None:
    settings, words = SETTINGS[what]
    shop.configure(**settings)
    refused_sync(shop, shop.sync(), *words)


def test_a_config_that_is_no_object(shop: Shop) -> None:
    shop.execute("update integrations set config = cast('[1, 2]' as jsonb)")
    refused_sync(shop, shop.sync(), "config")


def test_options_that_exclude_each_other(shop: Shop) -> None:
    refused_sync(shop, shop.sync("--integration", shop.integration, "--type", "treez"), "exclude each other")
    refused_sync(shop, shop.sync("--sync-type", "weekly"), "Unknown sync type: weekly", "webhook")
    nobody = "99999999-9999-4999-8999-999999999999"
    refused_sync(shop, shop.sync("--triggered-by", nobody), f"no budtender {nobody}")


def test_words_that_no_command_knows(shop: Shop) -> None:
    for words in (
        ["sink"],
        ["sync", "--fast"],
        ["integrations", "add", "--type", "treez"],
        ["sync", "--triggered-by", "x"],
    ):
        ran = run(words, home=shop.home)
        assert ran.status == 2 and ran.stderr and "Traceback" not in ran.stderr, ran


ADDING = {
    "a secret in clear": (["--set", "api_key=abc"], "--secret api_key=env:VARIABLE"),
    "a secret that is none": (["--secret", "api_key=abc"], "env:VARIABLE"),
    "no value": (["--set", "dispensary_id"], "key=value"),
    "the sandbox's mark": (["--set", "sandbox=true"], "make sync"),
    "an unknown setting": (["--set", "colour=green"], "colour"),
}


@pytest.mark.parametrize("what", ADDING)
def test_an_integration_that_can_not_be_added(database: TestDatabase, tmp_path: Path, what: str) -> None:
    options, words = ADDING[what]
    usual = ["--set", "dispensary_id=x", "--set", "client_id=y", "--secret", "api_key=env:KEY"]
    chosen = usual + options
    ran = run(
        ["integrations", "add", "--type", "treez", "--name", "N", *chosen, "--database", database.url], home=tmp_path
    )
    refused(ran, words)
    with connect(database.target) as connection:
        assert connection.value("select count(*) from integrations") == 0


def test_a_second_active_integration_of_a_type(shop: Shop) -> None:
    add = ["integrations", "add", "--type", "treez", "--name", "Second"]
    settings = ["--set", "dispensary_id=x", "--set", "client_id=y", "--secret", "api_key=env:KEY"]
    refused(shop.command(*add, *settings), "only one of a type", f"integrations disable {shop.integration}")
    refused(shop.command("integrations", "add", "--type", "leafly", "--name", "L"), "Unknown integration type: leafly")


UNREACHABLE = {
    "a port where nobody listens": ("postgresql://nobody@127.0.0.1:1/none", "can't be reached"),
    "a socket that isn't there": ("postgresql:///none?host=/nowhere/at/all", "can't be reached"),
    "another scheme": ("mysql://root@localhost/x", "neither a postgresql:// URL nor the path"),
    "a file that is no database": ("{home}/words.duckdb", "can't be opened as a DuckDB file"),
    "a directory": ("{home}", ""),
    "a reserved name": ("{home}/main.duckdb", "choose another file name"),
    "a path through a file": ("{home}/words.duckdb/x.duckdb", ""),
}


@pytest.mark.parametrize("what", UNREACHABLE)
def test_a_database_that_is_none(tmp_path: Path, what: str) -> None:
    url, words = UNREACHABLE[what]
    (tmp_path / "words.duckdb").write_text("these are words, no database" * 500)
    where = url.format(home=tmp_path)
    refused(run(["sync", "--database", where], home=tmp_path), words)
    refused(run(["sync"], home=tmp_path, env={"DATABASE_URL": where}), words)
    refused(run(["logs", "list", "--database", where], home=tmp_path), words)


def test_a_command_that_reads_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "none.duckdb"
    refused(run(["logs", "list", "--database", str(path)], home=tmp_path), str(path), "guidelight migrate")
    assert not path.exists()


def test_a_command_that_reads_does_not_migrate(empty_database: TestDatabase, tmp_path: Path) -> None:
    with connect(empty_database.target) as connection:
        connection.execute("select 1")
    for words in (["logs", "list"], ["integrations", "list"], ["logs", "show"]):
        refused(run([*words, "--database", empty_database.url], home=tmp_path), "guidelight migrate")


def test_a_log_that_does_not_exist(shop: Shop) -> None:
    refused(shop.command("logs", "show"), "no sync log yet")
    refused(shop.command("logs", "show", "abc"), "Sync log not found: abc")
    refused(shop.command("integrations", "show", "abc"), "Integration not found: abc")


@pytest.mark.postgres_only
def test_a_role_without_rights(database: TestDatabase, tmp_path: Path) -> None:
    with connect(database.target) as connection:
        connection.script(
            "do $$ begin if not exists (select from pg_roles where rolname = 'reader') then "
            "create role reader login; end if; end $$; drop view if exists anything;"
            "delete from guidelight_migrations where name like '0007%'"
        )
    url = database.url.replace("postgres@", "reader@", 1)
    ran = run(["sync", "--database", url], home=tmp_path)
    assert ran.status == 2 and len(ran.stderr.splitlines()) == 1 and "Traceback" not in ran.stderr, ran.stderr


def _impatient() -> None:
    """Half a second of patience for a DuckDB file, in the process that is forked."""
    opening: Any = database_module.connect
    opening.__wrapped__.__kwdefaults__["patience"] = 0.5


HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[str]]:
    """The file, open for writing in a process of someone else's."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "open\n"
    try:
        yield holder
    finally:
        holder.communicate("\n")


@pytest.mark.duckdb_only
def test_a_file_that_somebody_keeps_open(stocked: Shop) -> None:
    assert stocked.database.target.path is not None
    before = stocked.published()
    with held_by_another(stocked.database.target.path) as holder:
        running = stocked.begin(prepare=_impatient)
        ran = running.wait()
        refused(ran, f"is held by process {holder.pid}", "close it there")
        assert ran.json["error"] == ran.error
    assert stocked.published() == before


@pytest.mark.duckdb_only
def test_a_file_that_somebody_has_open_for_a_moment(stocked: Shop) -> None:
    assert stocked.database.target.path is not None
    with held_by_another(stocked.database.target.path) as holder:
        running = stocked.begin()
        until(lambda: "waiting for guidelight.duckdb" in running.stderr, "the sync says that it waits")
        assert f"process {holder.pid}" in running.stderr
    assert stocked.ended(running).status == 0


def test_an_answer_where_the_address_is_another_service(shop: Shop) -> None:
    """Bound, never answering: no HTTP at all."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        shop.configure(base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}", patience_seconds=0.5)
        synced = shop.sync()
    assert (synced.status, synced.row["status"]) == (1, "failed") and "\n" not in synced.row["error_message"]


def test_the_key_is_refused(shop: Shop) -> None:
    synced = shop.sync(env={KEY: "not-the-key"})
    assert (synced.status, synced.row["status"]) == (1, "failed")
    assert "check api_key" in synced.row["error_message"]
    assert json.dumps(synced.row, default=str).count("not-the-key") == 0


def test_no_home_and_no_place_to_write(shop: Shop) -> None:
    synced = shop.sync(env={"HOME": "/nowhere/at/all"})
    assert synced.status == 0, synced.ran
    assert not Path("/nowhere/at/all").exists()
