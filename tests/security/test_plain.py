"""Text on its way out: one line for people, the same value in JSON, the same value to dbt; none of it an order."""

from __future__ import annotations

from uuid import UUID

import orjson
import pytest
from dbt.config.utils import parse_cli_yaml_string
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.errors import PageError, SourceError, TurnRefused
from pipelines.plain import plain, plain_json
from pipelines.transform import Publish
from tests.security.texts import ALL, REFUSED, orderly

_ID = UUID(int=7)
_OWN = ["sync_log_id", "integration_id", "conflict_strategy"]

texts = (
    st.text(st.characters(), max_size=60)
    | st.text(":# [\n\r\x1b\x85\u2028\u200b\ufeffa", max_size=30)
    | st.sampled_from(ALL)
    | st.tuples(st.text(max_size=5), st.sampled_from(ALL)).map("".join)
)
"""Lone surrogates included: what Python has of a command line, a file name or a lenient reader."""

storable = texts.filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))


@pytest.mark.parametrize("text", (*ALL, *REFUSED))
def test_no_text_of_the_catalogue_gives_an_order(text: str) -> None:
    orderly(plain(text))
    orderly(f"error: {plain(text)}")
    assert "\n" not in plain(text)


@given(texts)
def test_no_text_gives_an_order(text: str) -> None:
    line = plain(text)
    orderly(line)
    assert line.isprintable()
    assert plain(line) == line


@given(texts)
def test_what_is_seen_of_a_text_stays(text: str) -> None:
    seen = [letter for letter in text if letter.isprintable() and letter != " "]
    assert [letter for letter in plain(text) if letter != " "] == seen


@pytest.mark.parametrize(
    "text", ["", "Blue Dream – “3.5 g”", "مرحبا", "日本語", "café 🌿", "a: b", "std::move", "#1 ## 2"]
)
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert plain(text) == text


@given(
    st.recursive(
        storable | st.none() | st.integers(0, 9), lambda inner: st.lists(inner) | st.dictionaries(storable, inner)
    )
)
@example({text: [text] for text in ALL})
def test_json_means_the_same_and_gives_no_order(value: object) -> None:
    for option in (0, orjson.OPT_INDENT_2):
        said = plain_json(orjson.dumps(value, option=option).decode())
        orderly(said)
        assert orjson.loads(said) == value


@given(storable, st.dictionaries(storable, st.just("flower"), max_size=3))
@example("\u2028", dict.fromkeys(ALL, "flower"))
@example("\x85\x7f\ufffe\U0001f33f\U000e0001", {"\x9f\u2029\uffff": "flower"})
def test_dbt_reads_what_it_was_told(product: str, category_map: dict[str, str]) -> None:
    wanted = Publish(
        "treez", _ID, _ID, "1", category_map, listing_complete=True, allow_mass_deactivation=False,
        max_deactivation_percent=20, sightings=1, sightings_digest=2, rejected=0, errors=0, product=product,
    )  # fmt: skip
    told = parse_cli_yaml_string(wanted.as_vars(), "vars")
    assert (told["product"], told["category_map"]) == ([product], category_map)
    # dbt renders a var that is text as a template of its own: none of those may be anybody's words.
    assert [name for name, value in told.items() if isinstance(value, str) and not value.isalnum()] == _OWN


@given(texts)
def test_an_error_is_one_line_that_gives_no_order(text: str) -> None:
    for error in (SourceError(text), PageError(text, 1), TurnRefused(text)):
        orderly(f"error: {error}")
        assert str(error).isprintable()
