"""Which database a command works on, how an integration is configured, and what is shown of its secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.integration import TreezSettings
from pipelines import secrets
from pipelines.configure import settings_of
from pipelines.errors import ConfigurationError
from pipelines.settings import ROOT, target


def test_without_a_word_the_file_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert target().path == ROOT / "data" / "guidelight.duckdb"


def test_the_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    assert target(str(tmp_path / "a.duckdb")).path == tmp_path / "a.duckdb"


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("postgresql://u:p@h:5433/d", {"user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "d"}),
        ("postgres://u@h/d", {"user": "u", "host": "h", "dbname": "d", "port": "5432"}),
        ("postgresql:///d?host=/run/pg&port=99", {"host": "/run/pg", "port": "99", "dbname": "d"}),
        ("postgresql://u@h/d?pgbouncer=true&sslmode=require", {"sslmode": "require", "host": "h"}),
        ("postgresql://u:p%40ss%2F@h/d", {"password": "p@ss/"}),
    ],
)
def test_any_libpq_url_is_taken(url: str, known: dict[str, str]) -> None:
    found = dict(target(url).parameters)
    assert known.items() <= found.items()
    assert "pgbouncer" not in found


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://u@localhost/d", True),
        ("postgresql://u@127.0.0.1/d", True),
        ("postgresql:///d?host=/run/pg", True),
        ("postgresql://u@db.example.org/d", False),
        ("/tmp/x.duckdb", True),
    ],
)
def test_what_is_on_this_host(url: str, local: bool) -> None:
    assert target(url).is_local is local


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", ":memory:", "/tmp/main.duckdb", "/tmp/staging_treez.duckdb"])
def test_what_is_no_database_is_refused_without_quoting_a_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        target(url)
    assert "hunter2" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_password_is_never_shown() -> None:
    assert "hunter2" not in str(target("postgresql://u:hunter2@h/d"))


GOOD: dict[str, Any] = {"dispensary_id": "shop", "api_key": {"env": "KEY"}}


def test_the_seeds_own_configuration_is_the_bearer_dialect() -> None:
    settings = settings_of("treez", "T", {"api_key": "k", "dispensary_id": "d", "base_url": "https://api.treez.io/x"})
    assert settings.api == "bearer"
    assert settings_of("treez", "T", GOOD | {"client_id": "c"}).api == "treez-v2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dispensary_id": None}, "dispensary_id"),
        ({"api": "treez-v9"}, "api"),
        ({"api": "treez-v2"}, "client_id"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "https://user:hunter2@x"}, "base_url"),
        ({"page_size": 0}, "page_size"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"max_deactivation_percent": 101}, "max_deactivation_percent"),
        ({"category_map": {"DABS": "dabs"}}, "category_map"),
        ({"pagesize": 5}, "pagesize"),
        ({"api_key": {"vault": "x"}}, "api_key"),
        ({"api_key": {"env": "hunter2-is-no-name"}}, "environment variable"),
        ({"api_key": {"secret": "hunter2"}}, "never holds it"),
        ({"api_key": {"secret": "…1234", "env": "KEY"}}, "api_key"),
        ({"conflict_strategy": "coin_toss"}, "conflict_strategy"),
    ],
)
def test_a_setting_of_no_use_is_named_and_never_quoted(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        settings_of("treez", "Main Store", GOOD | change)
    assert said in str(refusal.value)
    assert "Main Store" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_type() -> None:
    with pytest.raises(ConfigurationError, match="Unknown integration type: weedmaps"):
        settings_of("weedmaps", "W", {})


def test_every_setting_says_what_it_means() -> None:
    silent = [name for name, field in TreezSettings.model_fields.items() if not field.description]
    assert silent == []


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"api_key": "abcdefghij1234"}, {"api_key": "…1234"}),
        ({"api_key": "short"}, {"api_key": "…"}),
        ({"api_key": {"env": "KEY"}}, {"api_key": {"env": "KEY"}}),
        ({"client_secret": "abcdefghij1234", "name": "x"}, {"client_secret": "…1234", "name": "…"}),
        ({"access_token": ["abcdefghij1234"]}, {"access_token": "…"}),
        ({"api_key": {"secret": "…1234"}}, {"api_key": {"secret": "…1234"}}),
        ({"api_key": {"secret": "abcdefghij1234"}}, {"api_key": "…"}),
        ({"api_key": {"env": "KEY", "value": "abcdefghij1234"}}, {"api_key": "…"}),
        ({"api_key": "abcdefghij1\n34"}, {"api_key": "…1?34"}),
        ({"partner": {"Password": "abcdefghij1234", "id": 7}}, {"partner": "…"}),
        ({"partners": [{"apiKey": "abcdefghij1234"}]}, {"partners": "…"}),
        ({"category_map": {"Key Lime": "edible"}}, {"category_map": {"Key Lime": "edible"}}),
        ({"base_url": "https://me:abcdefghij1234@x/y@z"}, {"base_url": "https://…@z"}),
        (["abcdefghij1234", 7, None], ["…1234", 7, None]),
        ("abcdefghij1234", "…1234"),
        (None, None),
    ],
)
def test_secrets_are_masked(config: Any, shown: Any) -> None:
    assert secrets.mask(config) == shown
