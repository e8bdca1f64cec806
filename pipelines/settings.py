"""The only reader of the environment: which database, where things are, and the variables that secrets refer to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: the package is installed editable from it."""

QUIET = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",  # of files that dlt itself reads a moment later
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

_RESERVED_STEMS = ("main", "temp", "system", "marts")


class Settings(BaseSettings):
    """The environment, typed and checked at start."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True)

    database_url: str = Field(
        default=str(ROOT / "data" / "guidelight.duckdb"),
        validation_alias="DATABASE_URL",
        description="A Postgres URL, or the path of a DuckDB file.",
    )
    build: str = Field(
        default=str(ROOT / "build"),
        validation_alias="GUIDELIGHT_BUILD",
        description="Where generated files go: the report, Data Docs, what dbt parsed and compiled.",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        validation_alias="GUIDELIGHT_SECRET_KEY",
        description="Fernet keys that seal secrets in the database: newest first, separated by commas.",
    )
    ci: str | None = Field(
        default=None, validation_alias="CI", description="Set by CI services: there the sandbox is never synced."
    )

    @property
    def under_ci(self) -> bool:
        return (self.ci or "").lower() not in ("", "0", "false")


@dataclass(frozen=True, slots=True)
class Target:
    """The database that a command works on: a DuckDB file, or a Postgres by its libpq parameters."""

    engine: Literal["duckdb", "postgres"]
    path: Path | None = None
    parameters: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """What people see: the file, or host, port and database; never a password."""
        if self.path is not None:
            return str(self.path)
        known = dict(self.parameters)
        host = known.get("host", "localhost")
        return f"postgresql://{host}:{known.get('port', '5432')}/{known.get('dbname', known.get('user', ''))}"

    @property
    def is_local(self) -> bool:
        """A file, a socket, or a loopback address."""
        host = dict(self.parameters).get("host", "")
        local = host in ("", "localhost", "::1") or host.startswith(("/", "@", "127."))
        return self.path is not None or local


def target(database: str | None = None) -> Target:
    """Where `--database`, else DATABASE_URL, else the default file leads.

    Any libpq URL is taken, unknown parameters dropped (INTERFACE.md); a path has no scheme, or `duckdb:///`.
    Raises ConfigurationError for what is neither.
    """
    given = (database or Settings().database_url).strip()
    if given.startswith(("postgres://", "postgresql://")):
        return Target("postgres", parameters=_libpq(given))
    path = given.removeprefix("duckdb:///") if given.startswith("duckdb:") else given
    if not path or "://" in path or path == ":memory:":
        raise ConfigurationError(
            "DATABASE_URL is neither a postgresql:// URL nor the path of a DuckDB file: set it to one of them"
        )
    file = Path(path).expanduser().absolute()
    if file.stem in _RESERVED_STEMS or file.stem.startswith("staging_"):
        raise ConfigurationError(f"DuckDB can't tell {file.name} from a schema of ours: choose another file name")
    return Target("duckdb", path=file)


def _libpq(url: str) -> tuple[tuple[str, str], ...]:
    # Imported here: Great Expectations' process has no use for it, for SQLAlchemy takes psycopg2.
    from psycopg import ProgrammingError, conninfo
    from psycopg.pq import Conninfo

    base, mark, query = url.partition("?")
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] in known]
    try:
        parameters = conninfo.conninfo_to_dict(base + (mark + "&".join(kept) if kept else ""))
    except ProgrammingError as error:
        # The URL holds the password, and libpq's message can quote it: neither is repeated.
        raise ConfigurationError("DATABASE_URL can't be read as a Postgres URL: check it for typing errors") from error
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val and option.keyword.decode() in ("host", "port", "user", "dbname", "password")
    }
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    return tuple(sorted((defaults | given).items()))


def build_directory() -> Path:
    """Where generated files go (INTERFACE.md, Paths)."""
    return Path(Settings().build).expanduser().absolute()


def secret_keys() -> str | None:
    """GUIDELIGHT_SECRET_KEY; None where unset or blank."""
    given = Settings().secret_key
    return given.get_secret_value().strip() or None if given else None


def variable(name: str) -> str | None:
    """The value of an environment variable that a secret refers to; None where unset or empty."""
    return os.environ.get(name) or None


def quiet_libraries() -> None:
    """Before dlt, dbt or Great Expectations is imported: nothing phones home, and dlt leaves the talking to us."""
    os.environ.update(QUIET)


def point_dbt_at(target: Target) -> None:
    """Set the variables that dbt_project/profiles.yml reads, from the one target (STYLE.md, section 3)."""
    if target.path is not None:
        os.environ.update({"GUIDELIGHT_DBT_ENGINE": "duckdb", "GUIDELIGHT_DBT_PATH": str(target.path)})
        return
    from psycopg.pq import Conninfo

    known = dict(target.parameters)
    os.environ.update(
        {
            "GUIDELIGHT_DBT_ENGINE": "postgres",
            "GUIDELIGHT_DBT_HOST": known.get("host", ""),
            "GUIDELIGHT_DBT_PORT": known.get("port", "5432"),
            "GUIDELIGHT_DBT_USER": known.get("user", ""),
            "GUIDELIGHT_DBT_DBNAME": known.get("dbname") or known.get("user", ""),
            "DBT_ENV_SECRET_PASSWORD": known.get("password", ""),
        }
    )
    # What dbt's profile has no field for (sslmode, options, …) libpq takes from its own variables.
    named = ("host", "port", "user", "dbname", "password")
    for option in Conninfo.get_defaults():
        keyword = option.keyword.decode()
        if option.envvar and keyword in known and keyword not in named:
            os.environ[option.envvar.decode()] = known[keyword]
