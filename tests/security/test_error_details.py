"""What went wrong is recorded whatever it says: no text keeps a failed sync from being seen (RELIABILITY.md, 10)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.record import storable
from models.sync import Problem, ProblemKind, Problems, Status
from pipelines import store
from pipelines.database import Connection, connect
from tests.databases import TestDatabase
from tests.security.texts import ALL, REFUSED

texts = st.text(st.characters(), max_size=40) | st.sampled_from((*ALL, *REFUSED))
"""Every code point of Python's, NUL and lone surrogates among them."""


def running_log(connection: Connection) -> Any:
    """A log that a test may finish."""
    row = connection.one(
        "insert into integrations (type, name, config) values ('treez', $name, '{}') returning id", name=str(uuid4())
    )
    assert row is not None
    log = connection.one(
        "insert into sync_logs (integration_id, sync_type, status) values ($id, 'manual', 'running') returning id",
        id=row["id"],
    )
    assert log is not None
    return log["id"]


def finished(connection: Connection, message: str, concerns: str, summary: dict[str, Any]) -> Any:
    """What is read of a log that was finished with these words."""
    connection.execute("update integrations set is_active = false")
    log = running_log(connection)
    problems = Problems()
    problems.add(Problem(ProblemKind.FAILURE, message, concerns))
    with connection.transaction():
        assert store.finish(
            connection, log, status=Status.FAILED, problems=problems, error_message=message, summary=summary,
            traceback=[message, concerns],
        )  # fmt: skip
    return store.log(connection, log)


def test_no_text_keeps_a_failure_from_being_recorded(database: TestDatabase) -> None:
    with connect(database.target) as connection:

        @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(texts, texts, st.dictionaries(texts, texts, max_size=2))
        @example("\x00\ud800\udfff", "\udc80" * 3, {"\x00": "\x00", "\ud800": "\ud800"})
        @example("\\u0000 \\ud800", '"\\', {"\\": '"'})
        @example("\n".join(ALL), "".join(REFUSED), dict(zip(ALL, reversed(ALL), strict=True)))
        def holds(message: str, concerns: str, summary: dict[str, str]) -> None:
            row = finished(connection, message, concerns, summary)
            assert (row.status, row.errors_count, row.error_message) == ("failed", 1, storable(message))
            (problem,) = row.error_details["problems"]
            assert (problem["message"], problem["concerns"]) == (storable(message), storable(concerns))
            assert row.error_details["traceback"] == [storable(message), storable(concerns)]
            assert row.summary == {storable(key): storable(value) for key, value in summary.items()}

        holds()


def test_ten_megabytes_are_recorded(database: TestDatabase) -> None:
    piece = 'words \x00\ud800\udc80 🌿 "\\\n'
    long = piece * (10_000_000 // len(piece.encode(errors="surrogatepass")))
    with connect(database.target) as connection:
        row = finished(connection, long, "x", {})
    assert (row.status, row.error_message) == ("failed", storable(long))
    assert row.error_details["problems"][0]["message"] == storable(long)
