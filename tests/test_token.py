"""An access token: how often one is asked for, within a sync and between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from models.integration import Integration
from pipelines import store
from pipelines.configure import settings_of
from pipelines.database import connect
from pipelines.kept_token import StoredToken, kept_token
from pipelines.sources.token import MARGIN, Token
from tests.databases import TestDatabase

HOURS = 7200.0
CONFIG = {"dispensary_id": "shop", "client_id": "me", "api_key": {"env": "KEY"}}


class Source:
    """Gives tokens t1, t2, …, on a clock that stands until it is moved."""

    def __init__(self, life: float = HOURS) -> None:
        self.asked = 0
        self.life = life
        self.now = 1000.0

    def new(self) -> tuple[str, float]:
        self.asked += 1
        return f"t{self.asked}", self.life

    def clock(self) -> float:
        return self.now


class Drawer:
    """A kept token in memory."""

    def __init__(self, value: str | None = None, life: float = HOURS) -> None:
        self.token = None if value is None else (value, life)
        self.loads = 0

    def load(self) -> tuple[str, float] | None:
        self.loads += 1
        return self.token

    def keep(self, value: str, life: float) -> None:
        self.token = (value, life)

    def forget(self) -> None:
        self.token = None


def test_one_is_asked_for_however_many_threads_want_it() -> None:
    source = Source()
    token = Token(source.new, source.clock)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: token.current(), range(100))) == {"t1"}
    assert source.asked == 1


def test_it_is_renewed_before_its_end() -> None:
    source = Source(life=300)
    token = Token(source.new, source.clock)
    assert token.current() == "t1"
    source.now += 300 - MARGIN - 1
    assert token.current() == "t1"
    source.now += 1
    assert token.current() == "t2" and token.given == ["t1", "t2"]


def test_a_refused_one_is_renewed_once_for_all_threads() -> None:
    source = Source()
    token = Token(source.new, source.clock)
    token.current()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: token.instead_of("t1"), range(50))) == {"t2"}
    assert token.current() == "t2"
    assert token.instead_of("t2") is None and source.asked == 2


def test_a_kept_one_saves_asking() -> None:
    source, drawer = Source(), Drawer("kept", 500)
    token = Token(source.new, source.clock, drawer)
    assert [token.current() for _ in range(3)] == ["kept"] * 3
    assert (source.asked, drawer.loads, token.given) == (0, 1, ["kept"])
    source.now += 500 - MARGIN
    assert token.current() == "t1" and drawer.token == ("t1", HOURS)


def test_a_kept_one_that_is_about_to_end_is_not_used() -> None:
    source = Source()
    assert Token(source.new, source.clock, Drawer("kept", MARGIN)).current() == "t1"


def test_a_kept_one_that_was_revoked_costs_the_one_renewal_nothing() -> None:
    source, drawer = Source(), Drawer("kept")
    token = Token(source.new, source.clock, drawer)
    token.current()
    assert token.instead_of("kept") == "t1" and drawer.token == ("t1", HOURS)
    assert token.current() == "t1"
    assert token.instead_of("t1") == "t2"
    assert token.instead_of("t2") is None
    assert source.asked == 2


def test_a_key_that_is_refused_is_not_tried_a_third_time() -> None:
    """Kept refused, its successor refused at its first use: it is the key."""
    source = Source()
    token = Token(source.new, source.clock, Drawer("kept"))
    assert token.instead_of(token.current()) == "t1"
    assert token.instead_of("t1") is None
    assert source.asked == 1


@pytest.fixture
def integration(database: TestDatabase) -> Iterator[Integration]:
    with connect(database.target) as connection:
        yield store.add(connection, source="treez", name="Main", config=CONFIG)  # type: ignore[arg-type]


def stored(database: TestDatabase, integration: Integration, secret: str = "the-key", **changed: str) -> StoredToken:
    settings = settings_of("treez", "Main", CONFIG | changed)  # type: ignore[arg-type]
    with connect(database.target) as connection:
        return kept_token(connection, integration, settings, secret)


def saved(database: TestDatabase, token: StoredToken) -> None:
    told: list[str] = []
    assert token.save(database.target, told.append) is None and told == []


def in_table(database: TestDatabase) -> list[dict[str, object]]:
    with connect(database.target) as connection:
        return connection.rows(
            "select name, sealed, expires_at > now() + interval '1 hour' as lives, sealed from integration_secrets"
        )


def test_between_two_syncs(database: TestDatabase, integration: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", old)
    first = stored(database, integration)
    assert first.load() is None
    first.keep("a-token", HOURS)
    saved(database, first)
    (row,) = in_table(database)
    assert (row["name"], row["lives"]) == ("access_token", True) and "a-token" not in str(row)

    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", f"{new},{old}")
    value, life = stored(database, integration).load() or ("", 0.0)
    assert value == "a-token" and HOURS - 60 < life <= HOURS
    for other in (
        stored(database, integration, "another-key"),
        stored(database, integration, dispensary_id="other"),
        stored(database, integration, client_id="other"),
        stored(database, integration, base_url="https://elsewhere.example"),
    ):
        assert other.load() is None
    for keys in (new, ""):
        monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", keys)
        assert stored(database, integration).load() is None

    with connect(database.target) as connection:
        connection.execute("update integration_secrets set expires_at = now()")
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", old)
    assert stored(database, integration).load() is None


def test_one_that_was_refused_is_kept_no_longer(
    database: TestDatabase, integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", Fernet.generate_key().decode())
    token = stored(database, integration)
    token.keep("a-token", HOURS)
    saved(database, token)
    again = stored(database, integration)
    again.forget()
    saved(database, again)
    assert in_table(database) == []


def test_without_a_key_and_for_the_practice_shop_none_is_kept(
    database: TestDatabase, integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GUIDELIGHT_SECRET_KEY", raising=False)
    unsealed = stored(database, integration)
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", Fernet.generate_key().decode())
    practice = stored(database, replace(integration, config={"sandbox": True}))
    for token in (unsealed, practice):
        token.keep("a-token", HOURS)
        saved(database, token)
    assert in_table(database) == []


@pytest.mark.postgres_only
def test_one_that_can_not_be_written_is_a_warning(
    database: TestDatabase, integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIDELIGHT_SECRET_KEY", Fernet.generate_key().decode())
    token = stored(database, replace(integration, id=uuid4()))
    token.keep("a-token", HOURS)
    sentence = token.save(database.target, print) or ""
    assert "could not be kept" in sentence and "a-token" not in sentence and "\n" not in sentence
