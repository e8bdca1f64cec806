"""Commands about integrations: secrets given and sealed, settings changed, a shop tried; no secret is ever shown."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import sys
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from pipelines.database import connect
from pipelines.sandbox.server import Sandbox
from pipelines.seal import Seal
from pipelines.settings import ROOT
from tests.databases import TestDatabase
from tests.shop import KEY, PRODUCTS, Shop
from tests.shops import ADD
from tests.warm import PATIENCE, Prepare, Ran, run

pytestmark = pytest.mark.alternating

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
CANARY = "canary-b7d1f02e93"
SEALING = {"GUIDELIGHT_SECRET_KEY": OLD}
FROM_STDIN = [*ADD[:-1], "api_key=-", "--set", "base_url=http://127.0.0.1:9"]


def _on_stdin(given: bytes) -> None:
    """In the forked process: standard input is a pipe that holds this."""
    reading, writing = os.pipe()
    os.write(writing, given)
    os.close(writing)
    os.dup2(reading, 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


def typed(text: str | bytes) -> Prepare:
    return partial(_on_stdin, text.encode() if isinstance(text, str) else text)


def refused(ran: Ran, *words: str) -> None:
    assert ran.status == 2, ran
    assert all(word in ran.error for word in words), ran.error
    assert "Traceback" not in ran.stderr and CANARY not in ran.stdout + ran.stderr


def sealed(shop: Shop, keys: str = OLD) -> dict[str, str]:
    """What is sealed for the shop, opened, by name."""
    rows = shop.rows("select name, sealed from integration_secrets where integration_id = $id", id=shop.integration)
    return {row["name"]: Seal(keys).open(UUID(shop.integration), row["name"], row["sealed"]) for row in rows}


def config(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.value("select config from integrations where id = $id", id=shop.integration)
    return found


def test_a_secret_from_standard_input_is_sealed_and_shown_to_nobody(database: TestDatabase, tmp_path: Path) -> None:
    line = [*FROM_STDIN, "--json", "--verbose", "--database", database.url]
    added = run(line, home=tmp_path, env=SEALING, prepare=typed(f"  {CANARY} \nanother line\n"))
    assert added.status == 0 and added.json["config"]["api_key"] == {"secret": "…2e93"}
    with connect(database.target) as connection:
        (row,) = connection.rows("select * from integration_secrets")
        (integration,) = connection.rows("select * from integrations")
    assert Seal(OLD).open(row["integration_id"], "api_key", row["sealed"]) == CANARY
    assert CANARY not in repr((row, integration)) and integration["config"]["api_key"] == {"secret": "…2e93"}
    rans = [
        run([*words, "--verbose", "--database", database.url], home=tmp_path, env=SEALING)
        for words in (
            ["integrations", "list", "--json"],
            ["integrations", "show", str(integration["id"])],
            ["integrations", "set", str(integration["id"]), "--set", "page_size=7", "--json"],
            ["integrations", "rotate", "--json"],
        )
    ]
    assert [ran.status for ran in rans] == [0] * 4
    assert CANARY not in "".join(ran.stdout + ran.stderr for ran in [added, *rans])
    assert rans[3].json == {"rotated": 1, "removed": 0}


STDIN: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "nothing": (b"", ("No api_key came on standard input",)),
    "a blank line": (b"  \n", ("No api_key came",)),
    "no text": (b"\xff\xfe" + CANARY.encode(), ("no UTF-8 text",)),
    "a control character": (f"{CANARY}\x1b[0m\n".encode(), ("control character",)),
}


@pytest.mark.duckdb_only
@pytest.mark.parametrize("what", STDIN)
def test_what_can_be_no_secret(database: TestDatabase, tmp_path: Path, what: str) -> None:
    given, words = STDIN[what]
    ran = run([*FROM_STDIN, "--verbose", "--database", database.url], home=tmp_path, env=SEALING, prepare=typed(given))
    assert ran.status == 2 and all(word in ran.stderr for word in words) and CANARY not in ran.stdout + ran.stderr
    with connect(database.target) as connection:
        assert connection.value("select count(*) from integrations") == 0


@pytest.mark.duckdb_only
def test_without_a_key_nothing_is_sealed_nor_asked_for(database: TestDatabase, tmp_path: Path) -> None:
    for keys, said in (("", "needs GUIDELIGHT_SECRET_KEY, which is not set: make one"), ("nonsense", "Key 1")):
        env = {"GUIDELIGHT_SECRET_KEY": keys}
        ran = run([*FROM_STDIN, "--database", database.url], home=tmp_path, env=env, prepare=typed(f"{CANARY}\n"))
        refused(ran, said, "openssl rand -base64 32")
    twice = run([*FROM_STDIN, "--secret", "api_key=-", "--database", database.url], home=tmp_path, env=SEALING)
    refused(twice, "One secret can be read from standard input")
    with connect(database.target) as connection:
        assert connection.value("select count(*) from integrations") == 0


@pytest.mark.duckdb_only
def test_at_a_terminal_what_is_typed_is_hidden(database: TestDatabase, tmp_path: Path) -> None:
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **SEALING}
    line = [sys.executable, "-m", "pipelines.cli", *FROM_STDIN, "--database", database.url]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, line, environment)
    shown = b""
    while b"not shown as you type" not in shown:
        assert select.select([terminal], [], [], PATIENCE)[0], shown
        shown += os.read(terminal, 4096)
    os.write(terminal, f"{CANARY}\n".encode())
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:  # Linux' way of saying that the other end is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert CANARY not in shown.decode()
    with connect(database.target) as connection:
        (row,) = connection.rows("select * from integration_secrets")
    assert Seal(OLD).open(row["integration_id"], "api_key", row["sealed"]) == CANARY


def test_settings_are_changed_together_or_not_at_all(shop: Shop) -> None:
    before = config(shop)
    done = shop.command(
        "integrations", "set", shop.integration[:8], "--set", "page_size=7", "--set", 'category_map={"DABS": "vape"}',
        "--unset", "patience_seconds", "--json",
    )  # fmt: skip
    assert done.status == 0
    wanted = {name: value for name, value in before.items() if name != "patience_seconds"}
    wanted |= {"page_size": 7, "category_map": {"DABS": "vape"}}
    assert config(shop) == wanted == done.json["config"]
    set_it = ["integrations", "set", shop.integration]
    refused(shop.command(*set_it), "nothing to change")
    for options, words in (
        (["--set", "page_size=9", "--set", "colour=green"], "colour"),
        (["--set", "page_size=9", "--unset", "dispensary_id"], "dispensary_id"),
        (["--set", "page_size=9", "--unset", "patience_seconds"], "no such setting"),
        (["--set", "page_size=9", "--unset", "page_size"], "both given and removed"),
        (["--set", f"api_key={CANARY}"], "--secret api_key=env:VARIABLE"),
        (["--secret", f"api_key={CANARY}"], "env:VARIABLE"),
        (["--secret", f"api_key=env:{CANARY}"], "env:VARIABLE"),
        (["--secret", f"client_id={CANARY}"], "no such secret"),
        (["--set", "sandbox=true"], "make sync"),
        (["--unset", "api_key"], "api_key"),
    ):
        refused(shop.command(*set_it, *options), words)
    assert config(shop) == wanted
    assert shop.command(*set_it, "--unset", "page_size").status == 0
    assert "page_size" not in config(shop)


def test_a_secret_changes_its_place(shop: Shop) -> None:
    set_it = ["integrations", "set", shop.integration, "--secret"]
    done = shop.command(*set_it, "api_key=-", env=SEALING, prepare=typed(f"{CANARY}\n"))
    assert done.status == 0 and "…2e93" in done.stdout and CANARY not in done.stdout
    assert sealed(shop) == {"api_key": CANARY}
    again = shop.command(*set_it, "api_key=-", env=SEALING, prepare=typed("another-secret-1234\n"))
    assert again.status == 0 and sealed(shop) == {"api_key": "another-secret-1234"}
    assert shop.command(*set_it, "api_key=env:ELSEWHERE").status == 0
    assert config(shop)["api_key"] == {"env": "ELSEWHERE"} and sealed(shop) == {}


def test_the_shop_to_practise_on_is_not_changed(shop: Shop) -> None:
    shop.configure(sandbox=True)
    refused(shop.command("integrations", "set", shop.integration, "--set", "page_size=7"), "practise on")


def test_keys_are_rotated_and_the_old_one_dropped(shop: Shop) -> None:
    set_it = ["integrations", "set", shop.integration, "--secret", "api_key=-"]
    assert shop.command(*set_it, env=SEALING, prepare=typed(f"{shop.sandbox.api_key}\n")).status == 0
    refused(shop.command("integrations", "rotate"), "GUIDELIGHT_SECRET_KEY")
    refused(shop.command("integrations", "rotate", env={"GUIDELIGHT_SECRET_KEY": NEW}), "No key", shop.integration)
    rotated = shop.command("integrations", "rotate", env={"GUIDELIGHT_SECRET_KEY": f"{NEW},{OLD}"})
    assert rotated.status == 0 and rotated.stdout == "sealed anew with the newest key: 1\n"
    one = shop.command("integrations", "rotate", shop.integration, "--json", env={"GUIDELIGHT_SECRET_KEY": NEW})
    assert one.json == {"rotated": 1, "removed": 0}
    assert sealed(shop, NEW) == {"api_key": shop.sandbox.api_key}
    refused(shop.command("integrations", "rotate", "abc", env={"GUIDELIGHT_SECRET_KEY": NEW}), "not found: abc")
    gone = shop.sync(env=SEALING)
    assert gone.status == 2 and "No key in GUIDELIGHT_SECRET_KEY opens" in gone.ran.error


def test_a_config_that_is_no_object_stops_only_itself(stocked: Shop) -> None:
    stocked.execute(
        "insert into integrations (type, name, config) values ('leafly', 'Odd', cast($config as jsonb))",
        config=json.dumps(["api_key", CANARY]),
    )
    listed = stocked.command("integrations", "list", "--json")
    assert listed.status == 0 and [row["name"] for row in listed.json] == ["Treez - Main Store", "Odd"]
    assert listed.json[1]["config"] == ["…", "…2e93"] and CANARY not in listed.stdout
    odd = listed.json[1]["id"]
    assert stocked.command("integrations", "show", odd).status == 0
    both = stocked.command("sync", "--json")
    assert both.status == 2 and [result["status"] for result in both.json] == ["success", None]
    stocked.execute("update integrations set is_active = false")
    stocked.execute("update integrations set type = 'treez', is_active = true where name = 'Odd'")
    refused(stocked.command("sync", "--integration", odd), "The config of Odd is no JSON object")
    assert stocked.command("integrations", "test", odd).status == 1
    repaired = ["--set", "dispensary_id=x", "--set", "client_id=y", "--secret", "api_key=env:ELSEWHERE"]
    assert stocked.command("integrations", "set", odd, *repaired).status == 0


def tried(shop: Shop, **env: str) -> tuple[int, list[tuple[str, bool]], str]:
    """Exit status, (step, ok) of each step, and the last step's message."""
    ran = shop.command("integrations", "test", shop.integration, "--json", env=env)
    assert ran.json["ok"] is (ran.status == 0)
    steps = ran.json["steps"]
    return ran.status, [(step["step"], step["ok"]) for step in steps], steps[-1]["message"]


ALL_WELL = [("settings", True), ("address", True), ("key", True), ("first page", True)]


def test_a_shop_that_is_well(shop: Shop) -> None:
    assert shop.command("integrations", "disable", shop.integration).status == 0
    before = everything(shop)
    status, steps, message = tried(shop, **SEALING)
    assert (status, steps) == (0, ALL_WELL)
    assert f"of {PRODUCTS} that the shop announces" in message and "begins with “" in message
    words = shop.command("integrations", "test", shop.integration)
    assert words.status == 0 and re.findall("^ok ", words.stdout, re.MULTILINE) == ["ok "] * 4
    shop.configure(client_id=None)
    assert tried(shop)[:2] == (0, ALL_WELL)
    shop.configure(client_id=Sandbox.client_id)
    assert everything(shop) == before


def everything(shop: Shop) -> list[Any]:
    tables = ("integrations", "sync_logs", "integration_secrets", "sync_turns", "staging_treez.payloads")
    return [
        [{name: value for name, value in row.items() if name != "config"} for row in shop.rows(f"select * from {name}")]
        for name in tables
    ]


@pytest.mark.duckdb_only
def test_a_shop_that_is_not_well(shop: Shop) -> None:
    shop.configure(dispensary_id="elsewhere")
    assert_fails(shop, ALL_WELL[:2], "key", "There is no dispensary elsewhere")
    shop.configure(dispensary_id=Sandbox.dispensary_id)
    assert_fails(shop, ALL_WELL[:2], "key", "refuses the key", **{KEY: CANARY})
    assert_fails(shop, [], "settings", f"environment variable {KEY}", **{KEY: ""})
    shop.sandbox.set_faults(["token-expired:times=1000"])
    assert_fails(shop, ALL_WELL[:3], "first page", "with a new token as well")
    shop.sandbox.set_faults(["html:page=1"])
    assert_fails(shop, ALL_WELL[:3], "first page", "web page (HTML)")
    shop.sandbox.set_faults([])
    shop.configure(allow_private_address=None)
    assert_fails(shop, ALL_WELL[:1], "address", "no public address")
    shop.configure(base_url="https://no-such-host.invalid")
    assert_fails(shop, ALL_WELL[:1], "address", "no-such-host.invalid")
    shop.configure(conflict_strategy="nonsense")
    assert_fails(shop, [], "settings", "conflict_strategy")
    refused(shop.command("integrations", "test", "abc"), "Integration not found: abc")


def assert_fails(shop: Shop, before: list[tuple[str, bool]], step: str, words: str, **env: str) -> None:
    status, steps, message = tried(shop, **env)
    assert status == 1 and steps == [*before, (step, False)], (steps, message)
    assert words in message and CANARY not in message and "\n" not in message


@pytest.mark.duckdb_only
def test_the_practice_shop_is_served_while_it_is_tried(database: TestDatabase, tmp_path: Path) -> None:
    with connect(database.target) as connection:
        connection.execute(
            "insert into integrations (type, name, config) values ('treez', 'Sandbox', cast($config as jsonb))",
            config=json.dumps(
                {"sandbox": True, "dispensary_id": "sandbox", "client_id": "sandbox-client", "api_key": "sandbox-key"}
            ),
        )
        known = connection.value("select id from integrations")
    ran = run(["integrations", "test", str(known), "--json", "--database", database.url], home=tmp_path)
    assert ran.status == 0 and ran.json["ok"] is True
    under_ci = run(["integrations", "test", str(known), "--database", database.url], home=tmp_path, env={"CI": "1"})
    refused(under_ci, "under CI")
