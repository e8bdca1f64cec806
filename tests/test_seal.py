"""Sealed text: opened with any of the keys, in its own place only, and not without them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from models.integration import Integration
from pipelines import seal, secrets, store, vault
from pipelines.configure import settings_of
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.seal import Seal
from tests.databases import TestDatabase

SHOP = UUID("11111111-1111-4111-8111-111111111111")
OTHER = UUID("22222222-2222-4222-8222-222222222222")
OLD, NEW = (urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))
CANARY = "canary-2d0b8e6f4c"

any_text = st.text(st.characters())
"""Surrogates included."""


@given(any_text, st.uuids(), st.text(max_size=20))
def test_what_is_sealed_is_opened_as_it_was(text: str, integration: UUID, name: str) -> None:
    one = Seal(NEW)
    sealed = one.seal(integration, name, text)
    assert one.open(integration, name, sealed) == text
    assert sealed.isascii() and (len(text) < 8 or text not in sealed)


def test_a_new_key_beside_the_old_one_then_alone() -> None:
    sealed = Seal(OLD).seal(SHOP, "api_key", CANARY)
    both = Seal(f" {NEW} , {OLD} ")
    assert both.open(SHOP, "api_key", sealed) == CANARY
    renewed = both.renew(SHOP, "api_key", sealed)
    assert Seal(NEW).open(SHOP, "api_key", renewed) == CANARY
    with pytest.raises(ConfigurationError, match="No key in GUIDELIGHT_SECRET_KEY opens the sealed api_key") as gone:
        Seal(NEW).open(SHOP, "api_key", sealed)
    assert f"integrations set {SHOP} --secret api_key=-" in str(gone.value)


@pytest.mark.parametrize(("integration", "name"), [(OTHER, "api_key"), (SHOP, "other_key")])
def test_what_was_moved_to_another_place_is_refused(integration: UUID, name: str) -> None:
    sealed = Seal(NEW).seal(SHOP, "api_key", CANARY)
    for attempt in (Seal(NEW).open, Seal(NEW).renew):
        with pytest.raises(ConfigurationError, match="sealed for another place"):
            attempt(integration, name, sealed)


@pytest.mark.parametrize("text", [b"not ours", b"[]", b'{"a": 1}', b"null"])
def test_what_the_same_key_sealed_for_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigurationError, match="sealed for another place"):
        Seal(NEW).open(SHOP, "api_key", Fernet(NEW).encrypt(text).decode())


@pytest.mark.parametrize("sealed", ["", "x", "ü", CANARY, "gAAAAA==", "\x00"])
def test_what_was_never_sealed_is_refused_without_being_repeated(sealed: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Seal(NEW).open(SHOP, "api_key", sealed)
    assert CANARY not in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("keys", "place"), [(CANARY, 1), (f"{NEW},{CANARY}", 2), (f"{NEW},", 2), (f"{NEW};{OLD}", 1), ("ü" * 44, 1)]
)
def test_a_key_that_is_none_is_counted_and_not_repeated(keys: str, place: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Key {place} in GUIDELIGHT_SECRET_KEY is none") as refusal:
        Seal(keys)
    assert CANARY not in str(refusal.value) and NEW not in str(refusal.value)
    assert "openssl rand -base64 32" in str(refusal.value)


def test_what_the_messages_say_makes_a_key_does() -> None:
    """`openssl rand -base64` writes + and / where Fernet's own keys have - and _."""
    Seal("+/" * 21 + "8=").seal(SHOP, "api_key", CANARY)


def test_no_key_is_none_and_a_blank_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        if value is None:
            monkeypatch.delenv("GUIDELIGHT_SECRET_KEY", raising=False)
        else:
            monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", value)
        assert seal.seal() is None
        with pytest.raises(ConfigurationError, match="Sealing needs GUIDELIGHT_SECRET_KEY, which is not set: make one"):
            seal.needed("Sealing")


CONFIG = {"dispensary_id": "shop", "client_id": "me", "page_size": 7}


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with connect(database.target) as opened:
        yield opened


def registered(connection: Connection, api_key: object, *, active: bool = True) -> Integration:
    added = store.add(connection, source="treez", name="Main", config=CONFIG | {"api_key": api_key})  # type: ignore[dict-item]
    return added if active else store.switch(connection, added, on=False)


def resolved(connection: Connection, integration: Integration) -> str:
    return secrets.resolve(connection, integration, settings_of("treez", "Main", integration.config))


def test_a_sealed_key_is_resolved_or_one_line_says_why_not(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = registered(connection, {"secret": "…4321"})
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", OLD)
    with pytest.raises(ConfigurationError, match="should be sealed in the database, and is not there"):
        resolved(connection, one)
    vault.put(connection, Seal(OLD), one.id, "api_key", CANARY)
    assert resolved(connection, one) == CANARY
    for keys, said in ((NEW, "No key in GUIDELIGHT_SECRET_KEY opens"), ("", "GUIDELIGHT_SECRET_KEY is not set")):
        monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", keys)
        with pytest.raises(ConfigurationError, match=said):
            resolved(connection, one)
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", OLD)
    vault.put(connection, Seal(OLD), one.id, "api_key", "  ")
    with pytest.raises(ConfigurationError, match="is blank"):
        resolved(connection, one)


def test_a_key_that_is_none_is_refused_even_where_nothing_is_sealed(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_KEY", CANARY)
    one = registered(connection, {"env": "THE_KEY"})
    assert resolved(connection, one) == CANARY
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", "nonsense")
    with pytest.raises(ConfigurationError, match="Key 1"):
        resolved(connection, one)


def test_a_row_copied_to_another_integration_is_refused(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", NEW)
    victim = registered(connection, {"secret": "…4321"}, active=False)
    other = registered(connection, {"secret": "…4321"})
    vault.put(connection, Seal(NEW), victim.id, "api_key", CANARY)
    connection.execute(
        "insert into integration_secrets (integration_id, name, sealed) "
        "select cast($other as uuid), name, sealed from integration_secrets",
        other=other.id,
    )
    with pytest.raises(ConfigurationError, match="sealed for another place"):
        resolved(connection, other)
    with pytest.raises(ConfigurationError, match="sealed for another place"):
        vault.rotate(connection, Seal(NEW))


def test_rotation_of_one_and_of_all(connection: Connection) -> None:
    first, second = registered(connection, "x", active=False), registered(connection, "x", active=False)
    for one in (first, second):
        vault.put(connection, Seal(OLD), one.id, "api_key", f"{CANARY}-{one.id}")
    vault.put(connection, Seal(OLD), first.id, vault.ACCESS_TOKEN, "t", life=100)
    vault.put(connection, Seal(Fernet.generate_key().decode()), second.id, vault.ACCESS_TOKEN, "t", life=100)
    both = Seal(f"{NEW},{OLD}")

    assert vault.rotate(connection, both, second.id) == vault.Rotated(rotated=1, removed=1)
    assert vault.rotate(connection, both) == vault.Rotated(rotated=3, removed=0)
    for one in (first, second):
        found = vault.sealed(connection, one.id, "api_key")
        assert found is not None and found[1] is None
        assert Seal(NEW).open(one.id, "api_key", found[0]) == f"{CANARY}-{one.id}"
    kept = vault.sealed(connection, first.id, vault.ACCESS_TOKEN)
    assert kept is not None and kept[1] is not None and 0 < kept[1] <= 100

    before = connection.rows("select * from integration_secrets order by integration_id, name")
    with pytest.raises(ConfigurationError, match="No key in GUIDELIGHT_SECRET_KEY opens the sealed api_key"):
        vault.rotate(connection, Seal(OLD))
    assert connection.rows("select * from integration_secrets order by integration_id, name") == before


def test_a_key_found_in_clear_is_sealed_and_masked(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    one = registered(connection, CANARY)
    monkeypatch.delenv("GUIDELIGHT_SECRET_KEY", raising=False)
    assert secrets.seal_found(connection, one) == [] and secrets.in_clear(one) == ["api_key"]
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", NEW)
    assert secrets.seal_found(connection, one) == ["api_key"]
    now = store.integration(connection, str(one.id))
    assert now.config == CONFIG | {"api_key": {"secret": "…6f4c"}}
    assert secrets.in_clear(now) == [] and secrets.seal_found(connection, now) == []
    assert resolved(connection, now) == CANARY


def test_what_was_changed_meanwhile_is_left_alone(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", NEW)
    one = registered(connection, CANARY)
    store.configure(connection, one, CONFIG | {"api_key": {"env": "KEY"}})  # type: ignore[arg-type]
    assert secrets.seal_found(connection, one) == []
    assert connection.value("select count(*) from integration_secrets") == 0
    assert store.integration(connection, str(one.id)).config == CONFIG | {"api_key": {"env": "KEY"}}
