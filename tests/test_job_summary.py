"""The job summary: what it says of real syncs on both engines, and that a shop's text becomes nothing but text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipelines.github_text import annotation, markdown, one_line
from pipelines.job_summary import ERRORS_SHOWN, LONGEST, Read, annotated, main, read, results_of, summary
from tests.shop import PRODUCTS, Shop

pytestmark = pytest.mark.alternating

JOINER = "\u2060"
EVIL = (
    "a | b \\| c",
    "`code` ``|`` ~~gone~~ **bold** _it_",
    "[x](https://evil.example) www.evil.example https://evil.example <https://evil.example>",
    "<script>alert(1)</script><details><!-- -->&lt;&#124;",
    "@octocat see #12, GH-12 and a@b.example",
    "\n\n# heading\r\n| --- |\n::error::x\n##[error]x",
    "1. one",
    "- [ ] task",
    "    code",
    "\u202etxt.exe\x00\ud800",
    "</summary></details>$x$ :boom:",
    "\\",
)

gfm = MarkdownIt("commonmark").enable(["table", "strikethrough"])
texts = st.text(max_size=200) | st.text(alphabet="|`\\<>[]()!@#*_~&;:/$-+.=\n\r\t %0aw ", max_size=60)


def cells(text: str) -> list[Token]:
    return [token for token in gfm.parse(text) if token.type == "inline"]


def plain(token: Token) -> str:
    """The text of a cell or a paragraph, which must hold text and nothing else."""
    assert {child.type for child in token.children or []} <= {"text"}, token
    return "".join(child.content for child in token.children or [])


def reads(shown: str) -> str:
    """What a person reads, after it was seen that GitHub makes no mention, reference or address of it."""
    assert not re.search(r"@\w|#\w|GH-\d|www\.|://", shown, re.IGNORECASE), shown
    return shown.replace(JOINER, "")


@given(texts, texts)
@example(EVIL[0], EVIL[1])
@example(EVIL[2], EVIL[3])
@example(EVIL[4], EVIL[5])
@example(EVIL[9], EVIL[11])
def test_no_text_breaks_a_table_or_becomes_markdown(left: str, right: str) -> None:
    found = cells(f"| a | b |\n| --- | --- |\n| {markdown(left)} | {markdown(right)} |\n")
    assert [reads(plain(token)) for token in found] == [
        "a", "b", *(one_line(text, 120).replace(JOINER, "") for text in (left, right)),
    ]  # fmt: skip


@given(texts)
@example(EVIL[5])
@example(EVIL[6])
@example(EVIL[7])
@example(EVIL[8])
@example(EVIL[10])
def test_no_text_breaks_out_of_a_list_or_a_fold(text: str) -> None:
    tokens = gfm.parse(f"<details><summary>x</summary>\n\n- {markdown(text)}\n- last\n\n</details>\n")
    assert [token.content for token in tokens if token.type == "html_block"] == [
        "<details><summary>x</summary>\n",
        "</details>\n",
    ]
    inline = [token for token in tokens if token.type == "inline"]
    shown = [reads(plain(token)) for token in inline]
    assert shown == [found for found in (one_line(text, 120).replace(JOINER, ""), "last") if found]
    assert [token.type for token in tokens].count("list_item_open") == 2


@given(texts, texts)
@example("a: b, c%0A", "100%\r\n::set-output name=x::y")
def test_an_annotation_is_one_command_that_says_the_text(title: str, message: str) -> None:
    line = annotation("warning", title, message)
    assert not re.search(r"[\r\n\x00-\x1f\u2028\u2029]", line)
    command = re.fullmatch(r"::warning title=([^,:]*)::(.*)", line)
    assert command is not None, line
    decoded = [re.sub("%([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), part) for part in command.groups()]
    assert decoded == [one_line(title, 200), one_line(message, 1_000)]


@given(texts, st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest and line == line.strip()
    line.encode()


def of(*results: Any, shop: Shop) -> Read:
    return read([result.result for result in results], shop.database.url)


def sections(text: str) -> dict[str, list[str]]:
    """The cells and items under each bold heading."""
    found: dict[str, list[str]] = {}
    heading = ""
    for token in cells(text):
        children = token.children or []
        if any(child.type == "strong_open" for child in children):
            heading = "".join(child.content for child in children)
            found[heading] = []
        elif heading:
            found[heading].append(token.content)
    return found


def test_it_tells_what_changed(stocked: Shop) -> None:
    assert stocked.command("sync").status == 0
    dear, cheap = stocked.active(2)
    for record, price in ((dear, 2), (cheap, 1.5)):
        record["pricing"] |= {"price_type": "FLAT", "price_sell": 10 * price, "tier_method": None}
    stocked.serve()
    stocked.sync()
    gone = stocked.products()[stocked.remove(stocked.active(3)[2:])[0]]["name"]
    for record, name in ((dear, EVIL[0]), (cheap, EVIL[3])):
        record["pricing"]["price_sell"] = 10
        record["e_commerce"] = {"menu_title": name}
    stocked.serve()
    synced = stocked.sync()
    found = of(synced, shop=stocked)
    text = summary(found)
    assert annotated(found) == []
    assert text.startswith("### Sync: success\n") and "#### Treez &#45; Main Store: changed products" in text
    told = sections(text)
    moves = told["Prices that moved most (2)"]
    assert moves[5:10] == [markdown(EVIL[0]), "price&#95;retail", "20.00", "10.00", "-50.0%"]
    assert moves[10:15] == [markdown(EVIL[3]), "price&#95;retail", "15.00", "10.00", "-33.3%"]
    assert told["Absent (1)"][0] == markdown(gone)
    (table, *_) = [line for line in text.splitlines() if line.startswith("| Treez")]
    counts = [str(PRODUCTS - 1), "0", "2", str(PRODUCTS - 3), "1", "0", "0"]
    assert [cell.strip() for cell in table.split("|")][2:10] == ["success", *counts]
    assert f"`{synced.row['id'].__str__()[:8]}`" in table


def test_a_first_sync_names_twenty_and_the_true_number(shop: Shop) -> None:
    found = of(shop.sync(), shop=shop)
    told = sections(summary(found))
    assert len(found.told[0].changed.created) == 20
    assert f"New (20 of {PRODUCTS})" in told


def test_a_partial_sync_warns_and_folds_its_errors(stocked: Shop) -> None:
    for number in range(3):
        stocked.record(number)["product_configurable_fields"] = {"name": ""}
        stocked.record(number)["e_commerce"] = None
    stocked.serve()
    found = of(synced := stocked.sync(), shop=stocked)
    assert synced.status == 3
    (line,) = annotated(found)
    assert line.startswith("::warning title=Treez - Main Store%3A published%2C with 3 errors::")
    text = summary(found)
    assert text.startswith("### Sync: partial\n")
    assert "<details><summary>Errors (3)</summary>" in text
    assert all(markdown(stocked.record(number)["product_id"]) in text for number in range(3))


def test_failed_checks_stand_apart_and_are_not_folded(stocked: Shop) -> None:
    synced = stocked.sync()
    problems = [{"kind": "check", "message": f"price_retail is {EVIL[3]}", "concerns": "products"}]
    problems += [{"kind": "page", "message": EVIL[5], "concerns": "page 2"}] * 199
    stocked.execute(
        "update sync_logs set status = 'partial', errors_count = 1201, error_details = cast($details as jsonb) "
        "where id = $id",
        details=orjson.dumps({"counts": {"check": 1, "page": 1200}, "problems": problems}).decode(),
        id=synced.row["id"],
    )
    told = synced.result | {"status": "partial", "error": "price_retail is below zero"}
    text = summary(read([told], stocked.database.url))
    assert sections(text)["Failed checks (1)"][0].startswith(markdown("price_retail is <script>"))
    assert f"<summary>Errors ({ERRORS_SHOWN} of 1,200)</summary>" in text
    assert text.count("page 2") == ERRORS_SHOWN


def test_a_failed_sync_and_a_refused_one_are_errors(stocked: Shop) -> None:
    failed = stocked.sync(env={"GUIDELIGHT_TEST_KEY": "wrong"})
    running = stocked.hold(2)
    refused = stocked.ended(stocked.begin())
    stocked.let_go()
    assert running.wait().status == 0
    found = of(failed, refused, shop=stocked)
    assert [line.partition("::")[2].partition("::")[0] for line in annotated(found)] == [
        "error title=Treez - Main Store%3A failed",
        "error title=Treez - Main Store%3A already syncing",
    ]
    text = summary(found)
    assert text.startswith("### Sync: failed, already syncing\n")
    assert markdown(failed.result["error"], 500) in text and markdown(refused.result["error"], 500) in text


@pytest.mark.duckdb_only
def test_it_stays_under_githubs_limit_and_says_what_it_left_out(stocked: Shop) -> None:
    synced = stocked.sync()
    problems = [{"kind": "page", "message": "|" * 5_000, "concerns": "`" * 5_000} for _ in range(200)]
    stocked.execute(
        "update sync_logs set error_details = cast($details as jsonb) where id = $id",
        details=orjson.dumps({"counts": {"page": 200}, "problems": problems}).decode(),
        id=synced.row["id"],
    )
    text = summary(read([synced.result] * 12, stocked.database.url))
    assert LONGEST / 2 < len(text.encode()) <= LONGEST
    assert re.search(r"\n\d+ more sections do not fit here", text)
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.duckdb_only
def test_without_the_database_it_says_less_and_why(shop: Shop, tmp_path: Path) -> None:
    result = {"success": False, "sync_log_id": str(uuid4()), "stats": {}, "error": "lost", "status": "failed"}
    found = read([result], str(tmp_path / "nothing.duckdb"))
    assert "The logs could not be read" in summary(found) and "lost" in summary(found)
    assert annotated(found) == ["::error title=An integration%3A failed::lost"]
    assert "The logs could not be read" in summary(read([result], shop.database.url))


@pytest.mark.parametrize("printed", ["", "\n", '[{"success": tr'])
def test_a_command_that_printed_no_result_is_an_error(printed: str) -> None:
    (result,) = results_of(printed)
    found = Read(read([result], "nothing/here.duckdb").told)
    assert annotated(found)[0].startswith("::error title=An integration%3A not begun::guidelight printed no result")


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ("name = 'Real'", 0, None),
        ("sync_enabled = false", 0, "::warning title=Nothing is enabled::"),
        ("""config = '{"sandbox": true}'""", 2, "::error title=Nothing real to sync::"),
    ],
)
def test_nothing_due_is_well_only_where_something_real_will_be(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, status: int, said: str | None
) -> None:
    shop.execute(f"update integrations set {change}")
    file = tmp_path / "sync.json"
    file.write_text("[]")
    assert main([str(file), "--database", shop.database.url]) == status
    out, err = capsys.readouterr()
    assert out.startswith("### Sync: nothing was due\n")
    assert err == "" if said is None else err.startswith(said)
