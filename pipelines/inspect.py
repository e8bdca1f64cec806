"""A small SQL prompt that only reads: for whoever has neither the duckdb program nor psql, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson
import psycopg

from pipelines.console import say, tell, tell_error
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError, DatabaseFailed
from pipelines.plain import first_line
from pipelines.settings import ROOT, Target

QUESTIONS = ROOT / "sql" / "inspect"
"""The questions that come with the project: a file each, which opens with the question in a comment."""

ROWS_SHOWN = 1000
"""More rows than anyone reads; the rest is counted as `is_cut`, never fetched."""

_NO_QUERY = (psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported, psycopg.errors.ReadOnlySqlTransaction)
"""How Postgres refuses what is no query."""

_WRITES = "attached in read-only mode"
"""DuckDB's word for a statement that writes."""

_PROMPT, _MORE = "guidelight> ", "       ...> "
_QUIT = ("\\q", "quit", "exit", ".quit", ".exit")


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one statement; json columns as Python values. `is_cut`: there are more than ROWS_SHOWN."""

    columns: list[str]
    rows: list[dict[str, Any]]
    is_cut: bool


def questions() -> dict[str, str]:
    """{file name without .sql: the question that its first comment asks}."""
    return {path.stem: question(path.read_text(encoding="utf-8")) for path in sorted(QUESTIONS.glob("*.sql"))}


def question(sql: str) -> str:
    """The question that a file opens with: its comment lines up to the first that ends with a question mark."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
        if line.endswith("?"):
            break
    return " ".join(lines)


def text_of(given: str) -> str:
    """The SQL of a file: a path, or the name of one of `questions()`. Raises ConfigurationError."""
    path = Path(given)
    if not path.exists():
        path = QUESTIONS / f"{given.removesuffix('.sql')}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(questions())
        raise ConfigurationError(f"{given} can't be read; the questions that come with it are: {known}") from error


def ask(target: Target, sql: str) -> Answer:
    """Run one statement that reads. The database is open only meanwhile, so that a sync gets at a DuckDB file.

    On Postgres it runs as a cursor in a read-only transaction, which takes a query and nothing else; on DuckDB the
    file is opened read-only. That guards against slips: who must not write connects as guidelight_analyst.
    Raises ConfigurationError for no statement, for one that writes or can't be understood.
    """
    statement = sql.strip().rstrip(";").strip()
    if not statement:
        raise ConfigurationError("There is no statement to run: give a query")
    with connect(target, read_only=True) as connection:
        try:
            return _of_postgres(connection, statement) if connection.is_postgres else _of_duckdb(connection, statement)
        except (*_NO_QUERY, psycopg.errors.ProgrammingError, psycopg.errors.DataError, duckdb.Error) as error:
            if isinstance(error, _NO_QUERY) or _WRITES in str(error):
                raise ConfigurationError(f"Only queries that read are run here: {first_line(error)}") from error
            raise ConfigurationError(first_line(error)) from error


def _of_postgres(connection: Connection, statement: str) -> Answer:
    assert isinstance(connection.raw, psycopg.Connection)
    with connection.transaction():
        connection.execute("set transaction read only")
        with connection.raw.cursor(name="inspect") as cursor:
            cursor.execute(statement.encode())
            rows = cursor.fetchmany(ROWS_SHOWN + 1)
            columns = [column.name for column in cursor.description or ()]
    return _answer(columns, rows)


def _of_duckdb(connection: Connection, statement: str) -> Answer:
    assert isinstance(connection.raw, duckdb.DuckDBPyConnection)
    result = connection.raw.execute(statement)
    kinds = [str(column[1]) for column in result.description or ()]
    rows = [
        tuple(
            orjson.loads(value) if kind == "JSON" and value is not None else value
            for kind, value in zip(kinds, row, strict=True)
        )
        for row in result.fetchmany(ROWS_SHOWN + 1)
    ]
    return _answer([column[0] for column in result.description or ()], rows)


def _answer(columns: list[str], rows: list[tuple[Any, ...]]) -> Answer:
    shown = [dict(zip(columns, row, strict=True)) for row in rows[:ROWS_SHOWN]]
    return Answer(columns, shown, len(rows) > ROWS_SHOWN)


def typed() -> Iterator[str]:
    """The statements that a person types, each up to a line that ends with `;`, until the input ends or they quit.

    `?` lists the questions, and `? NAME` yields that one's SQL.
    """
    with suppress(ImportError):
        import readline  # noqa: F401 - where there is one, input() edits lines and remembers them
    tell("SQL that reads, ended by ;   ? lists questions   ? NAME asks one   \\q ends")
    lines: list[str] = []
    while True:
        try:
            line = input(_MORE if lines else _PROMPT)
        except EOFError:
            return
        except KeyboardInterrupt:
            tell("")
            lines.clear()
            continue
        word = line.strip()
        if not lines and word.lower() in _QUIT:
            return
        if not lines and word.startswith("?"):
            name = word.removeprefix("?").strip()
            if name in questions():
                yield text_of(name)
            else:
                for known, asks in questions().items():
                    say(f"  {known:<28} {asks}")
            continue
        lines.append(line)
        if word.endswith(";"):
            yield "\n".join(lines)
            lines.clear()


def converse(target: Target, show: Callable[[Answer], None], tell: Callable[[str], None]) -> None:
    """The prompt: `show` what is answered, `tell` what can't be, and await the next statement."""
    for sql in typed():
        try:
            show(ask(target, sql))
        except (ConfigurationError, DatabaseFailed) as error:
            tell_error(error)
