"""A shop whose every text gives orders, synced for real: what is said of it, what is stored, what GitHub is told."""

from __future__ import annotations

import socket
from pathlib import Path

import orjson
import pytest

from pipelines.cli import app
from pipelines.errors import ConfigurationError
from pipelines.job_summary import annotated, read, summary
from tests.loopback import Server, answer
from tests.security.texts import ALL, CODE, MARK, REFUSED, orderly
from tests.shop import PRODUCTS, Shop
from tests.test_job_summary import gfm
from tests.test_report import page_of
from tests.warm import run

pytestmark = pytest.mark.alternating

IDS = [text.strip() for text in ALL]


def hostile(shop: Shop) -> None:
    """Serve a product of each text beside the shop's own; its integration is no better."""
    usual = shop.active(1)[0] | {"e_commerce": None}
    for number, text in enumerate((*ALL, *REFUSED)):
        fields = usual["product_configurable_fields"] | dict.fromkeys(("name", "brand", "subtype"), text)
        price = {"price_type": "FLAT", "price_sell": -1 if number < 20 else 30}
        category = text if number % 3 else f"unknown {text}"
        shop.sandbox.products.append(
            usual
            | {"product_id": text, "product_configurable_fields": fields, "category_type": category}
            | {"product_barcodes": [text], "pricing": price}
        )
    shop.sandbox.products.append(usual | {"product_id": "worst", "name": f"\x00\ud800{MARK}\x1b[2J" * 200_000})
    shop.serve()
    shop.configure(category_map=dict.fromkeys(ALL, "flower"))
    shop.execute("update integrations set name = $name", name="".join(ALL))


def said(shop: Shop, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command says in this very process, seen to give no order; words after a `--` are no options."""
    at = words.index("--") if "--" in words else len(words)
    capsys.readouterr()
    app([*words[:at], "--database", shop.database.url, *words[at:]], standalone_mode=False)
    captured = capsys.readouterr()
    orderly(captured.err)
    return orderly(captured.out)


def test_what_a_shop_says_gives_no_orders(stocked: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    hostile(stocked)
    ran = stocked.command("sync", "--verbose")
    assert ran.status == 3, ran.stderr
    orderly(ran.stdout)
    orderly(ran.stderr)
    assert "PARTIAL in" in ran.stdout and ran.stdout.count(MARK) > 10
    _is_stored_as_it_is(stocked)
    for words in WORDS:
        text = said(stocked, capsys, *(stocked.integration if word == "ID" else word for word in words))
        assert MARK in text or words in SILENT
        if words[0] not in ("integrations", "inspect"):
            orjson.loads(said(stocked, capsys, *words, "--json"))
    for identity in IDS[::3]:
        assert "created (source" in said(stocked, capsys, "history", "--", identity)
        assert orjson.loads(said(stocked, capsys, "history", "--json", "--", identity))["source_id"] == identity
        said(stocked, capsys, "staging", "show", "--", identity)
    for nobody in (f"x{ALL[0]}", f"x{ALL[3]}", "x'"):
        for command in (["history"], ["staging", "show"], ["logs", "show"], ["integrations", "show"]):
            with pytest.raises(ConfigurationError) as error:
                said(stocked, capsys, *command, "--", nobody)
            orderly(f"error: {error.value}")
    _is_harmless_on_github(stocked)
    assert page_of(stocked).text.count(MARK) > 100


WORDS = [
    ("logs", "list"), ("logs", "show", "--verbose"), ("staging", "list"), ("staging", "show", "--limit", "100"),
    ("staging", "rejected"), ("status",), ("verify",), ("integrations", "list"), ("integrations", "show", "ID"),
    ("integrations", "test", "ID"), ("integrations", "disable", "ID"), ("inspect", "last_sync_changes"),
]  # fmt: skip
"""Every command that reads, in words."""

SILENT = (("logs", "list"), ("staging", "list"), ("verify",))
"""Those that quote nothing of the shop's."""


def _is_stored_as_it_is(shop: Shop) -> None:
    products = shop.products()
    assert len(products) == PRODUCTS + len(ALL) and set(IDS) < set(products)
    for text in ALL:
        row = products[text.strip()]
        record = row["source_data"] if isinstance(row["source_data"], dict) else orjson.loads(row["source_data"])
        assert (row["name"], row["brand"], record["product_id"]) == (text.strip(), text.strip(), text)
    texts = shop.rows("select record_text from staging_treez.rejected_records order by page, received_at")
    assert [MARK in row["record_text"] for row in texts] == [True] * (len(REFUSED) + 1)
    log = shop.logs()[-1]
    assert {problem["kind"] for problem in log["error_details"]["problems"]} == {"rejected record", "check"}
    assert shop.value("select count(*) from products where category = 'flower' and source_id = $id", id=IDS[1]) == 1


def _is_harmless_on_github(shop: Shop) -> None:
    log = shop.logs()[-1]
    stats = {"fetched": 1, "created": 1, "updated": 0, "unchanged": 0, "errors": log["errors_count"]}
    result = {"sync_log_id": str(log["id"]), "status": log["status"], "stats": stats, "success": True}
    found = read([result | {"error": "\n".join(ALL)}], shop.database.url)
    (line,) = annotated(found)
    assert line.startswith("::warning title=") and line.splitlines() == [line]
    assert not set(line) & set("\x1b\x9b\x07\x7f\u202e\u2066")
    tokens = gfm.parse(summary(found))
    inline = {child.type for token in tokens for child in token.children or []}
    assert inline <= {"text", "code_inline", "strong_open", "strong_close"}, inline
    assert all(
        token.content.startswith(("<details><summary>", "</details>")) for token in tokens if token.type == "html_block"
    )
    pages = [path.read_text() for path in (shop.home / "build" / "data_docs").rglob("*.html")]
    assert pages
    for page in pages:
        assert "<script>alert('" not in page and "<img src=x" not in page and f"<h1>{MARK}" not in page


ONE = (
    "'; drop table products; -- \" \\ $id $$ %s %(x)s {0} {{ 1/0 }} {% raw %} {# ../../etc/passwd ?#& "
    "::error:: ##[error] \x1b[2J \x85\u2028\U0001f33f"
)


@pytest.mark.parametrize("client_id", ["treez-v2", None], ids=["asked for by query", "asked for by path"])
def test_one_product_whose_id_is_code(stocked: Shop, client_id: str | None) -> None:
    if client_id is None:
        stocked.configure(client_id=None)
    record = stocked.active(1)[0]
    stocked.sandbox.products.append(record | {"product_id": ONE})
    stocked.serve()
    stocked.configure(category_map={ONE: "flower"})
    synced = stocked.sync("--product", ONE)
    assert (synced.status, synced.counts) == (0, (1, 1, 0, 0)), synced.problems
    orderly(synced.ran.stdout)
    orderly(synced.ran.stderr)
    assert synced.result["product"]["source_id"] == ONE
    assert set(stocked.products()) > {ONE} and len(stocked.products()) == PRODUCTS + 1


def unreadable(connection: socket.socket) -> None:
    """Headers that are none, of which a library might complain aloud, quoting them."""
    connection.sendall(f"HTTP/1.1 200 \x1b[2J\r\nX-\x1b[2J{MARK}\r\n::error::{MARK}\r\n\r\n".encode())
    connection.close()


REASONS = {
    "headers that are none": unreadable,
    "the key is refused": answer(200, orjson.dumps({"resultCode": "FAIL", "resultReason": "\n".join(ALL[:4])})),
    "an answer that says why": answer(418, orjson.dumps({"resultCode": "\x1b[2J", "resultReason": ALL[6] + ALL[15]})),
    "a redirect": answer(302, Location=f"http://{ALL[3]}.example/"),
    "a page of a proxy": answer(200, f"<html>{''.join(ALL)}".encode()),
    "no JSON": answer(200, "".join(ALL).encode()),
}


@pytest.mark.parametrize("how", REASONS)
def test_an_answer_that_gives_orders(shop: Shop, how: str) -> None:
    with Server(REASONS[how]) as server:
        shop.configure(base_url=server.url.removesuffix("/list"), patience_seconds=0.5)
        synced = shop.sync("--verbose")
    assert synced.status == 1
    orderly(synced.ran.stderr)
    orderly(synced.ran.stdout)
    assert synced.row["error_message"].isprintable()
    shown = shop.command("logs", "show", "--verbose")
    assert "error: " in orderly(shown.stdout)


def test_words_that_are_no_text(tmp_path: Path) -> None:
    for words in (["history", "\udcff"], ["sync", "--json", "--integration", "\ud800x"]):
        ran = run(words, home=tmp_path)
        assert ran.status == 2
        assert "no UTF-8 text" in ran.error
        assert ("no UTF-8 text" in ran.json["error"]) if "--json" in words else (ran.stdout == "")


def test_integrations_whose_names_are_code(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ("--set", "dispensary_id=x", "--set", "client_id=y", "--secret", "api_key=env:KEY")
    add = ("integrations", "add", "--type", "treez", *settings, "--json")
    for name in CODE[:3] + ALL[:4]:
        shop.execute("update integrations set is_active = false")
        added = orjson.loads(said(shop, capsys, *add, "--name", name))
        assert added["name"] == name.strip()
        assert shop.value("select name from integrations where id = $id", id=added["id"]) == name.strip()
    assert said(shop, capsys, "integrations", "list").count(MARK) == 7
