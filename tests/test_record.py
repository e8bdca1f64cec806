"""The canonical form: equal contents have the same, other contents have another."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.record import DEEPEST, TEXT_KEPT, NotCanonical, RejectedRecord, canonical, storable

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
NUMBERS = st.one_of(
    st.integers(-(10**25), 10**25),
    st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
RECORDS = st.dictionaries(TEXT, VALUES, max_size=6)


def written(value: Any, spell: Any = str, reverse: bool = False, gap: str = "") -> str:
    """JSON by hand: numbers exactly as `spell` writes them, members in either order, `gap` between all parts."""
    if isinstance(value, dict):
        pairs = [f"{gap}{json.dumps(k)}{gap}:{gap}{written(v, spell, reverse, gap)}" for k, v in value.items()]
        return "{" + ",".join(reversed(pairs) if reverse else pairs) + gap + "}"
    if isinstance(value, list):
        return "[" + ",".join(gap + written(item, spell, reverse, gap) for item in value) + gap + "]"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(spell(value))
    return json.dumps(value)


def plain(number: int | Decimal) -> str:
    return format(Decimal(number), "f")


def with_fraction(number: int | Decimal) -> str:
    text = plain(number)
    return text + ("00" if "." in text else ".0")


def with_exponent(number: int | Decimal) -> str:
    return f"{plain(Decimal(number) * 1000)}e-3"


def form(text: str) -> bytes:
    return canonical(text.encode())[1]


@settings(deadline=None)
@given(RECORDS)
def test_key_order_white_space_and_number_spelling_do_not_matter(record: dict[str, Any]) -> None:
    reference = form(written(record, plain))
    assert form(written(record, plain, reverse=True, gap=" \n")) == reference
    assert form(written(record, with_fraction)) == reference
    assert form(written(record, with_exponent, reverse=True)) == reference


@settings(deadline=None)
@given(RECORDS)
def test_it_is_its_own_canonical_form(record: dict[str, Any]) -> None:
    once = form(written(record, plain))
    assert canonical(once)[1] == once


@settings(deadline=None)
@given(RECORDS)
def test_it_holds_the_contents_of_the_record_exactly(record: dict[str, Any]) -> None:
    back = json.loads(form(written(record, plain)), parse_float=Decimal)
    assert back == json.loads(written(record, plain), parse_float=Decimal)


@settings(deadline=None)
@given(RECORDS, RECORDS)
def test_it_differs_exactly_when_contents_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = json.loads(written(one, plain), parse_float=Decimal) == json.loads(
        written(other, plain), parse_float=Decimal
    )
    # In Python True equals 1; in JSON it doesn't.
    if not any(word in written(one) + written(other) for word in ("true", "false")):
        assert (form(written(one, plain)) == form(written(other, plain))) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":true}', '{"a":1}'),
        ('{"a":null}', "{}"),
        ('{"a":"1"}', '{"a":1}'),
        ('{"a":123456789.12345678}', '{"a":123456789.12345679}'),
        ('{"a":12345678901234567890}', '{"a":12345678901234567891}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"Price":1}', '{"price":1}'),
        ('{"a":"x "}', '{"a":"x"}'),
    ],
)
def test_contents_that_only_look_alike_differ(one: str, other: str) -> None:
    assert form(one) != form(other)


@pytest.mark.parametrize("zero", ["0", "-0", "0.0", "-0.00", "0e5", "0e-999", "0e999"])
def test_zero_has_one_spelling(zero: str) -> None:
    assert form(f'{{"a":{zero}}}') == b'{"a":0}'


def test_escapes_do_not_matter() -> None:
    assert form('{"n":"Caf\\u00e9 \\ud83c\\udf3f"}') == form('{"n":"Café 🌿"}')


def test_of_a_doubled_key_the_last_counts() -> None:
    assert form('{"a":1,"a":2}') == form('{"a":2}')


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[1]", "not an array"),
        (b"null", "not null"),
        (b'"x"', "not text"),
        (b"", "not valid JSON"),
        (b'{"a":1', "not valid JSON"),
        (b'{"a":1}x', "not valid JSON"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e999}', "beyond the range"),
        (b'{"a":' + b"9" * 5000 + b"}", "beyond the range"),
        (b'{"a":1e-999}', "beyond 10^400"),
        (b'{"a":1e-99999999999999999999}', "beyond 10^400"),
        (b'{"a":"\\ud800"}', "lone surrogate"),
        (b'{"a":"NaN \\udfff"}', "lone surrogate"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"\\u0000":1}', "NUL"),
        (b'{"a":"\x00"}', "control character"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "nested more than"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested more than"),
    ],
)
def test_what_cannot_be_stored_is_refused_in_words_that_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(NotCanonical) as refusal:
        canonical(raw)
    assert reason in str(refusal.value)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        record, written_form = canonical(raw)
    except NotCanonical:
        return
    assert orjson.loads(written_form) == orjson.loads(orjson.dumps(record))


def test_brackets_in_texts_are_no_nesting() -> None:
    assert canonical(orjson.dumps({"a": "[" * 500, "b": '"{' * 500}))[0]["a"] == "[" * 500
    wide: dict[str, Any] = {"a": [[] for _ in range(500)]}
    assert canonical(orjson.dumps(wide))[0] == wide
    deep = b'{"a":' + b"[" * (DEEPEST - 1) + b"1.0" + b"]" * (DEEPEST - 1) + b"}"
    assert canonical(deep)[1].count(b"[") == DEEPEST - 1


@settings(deadline=None)
@given(st.text(max_size=40))
def test_storable_text_has_neither_nul_nor_lone_surrogates(text: str) -> None:
    kept = storable(text)
    assert "\x00" not in kept
    kept.encode()


def test_a_rejected_record_keeps_the_beginning_of_its_text_and_its_length() -> None:
    raw = b'{"a":"\x00\xff' + b"x" * TEXT_KEPT
    kept = RejectedRecord.of(raw, page=3, reason="why", source_id="p1")
    assert kept.text.startswith('{"a":"\\u0000\\xff')
    assert len(kept.text) == TEXT_KEPT
    assert kept.text_length == TEXT_KEPT + 6 + 1 + 4


@pytest.mark.parametrize("number", ["0." + "1" * 20_000, "0.5" + "1" * 900, "1." + "1" * 900 + "e-3"])
def test_a_fraction_that_no_column_holds_is_refused(number: str) -> None:
    """Postgres's jsonb ends at 16,383 decimals: one such record would fail the load of all."""
    with pytest.raises(NotCanonical, match=r"holds a number of [0-9]+ characters"):
        canonical(b'{"a": %s}' % number.encode())
