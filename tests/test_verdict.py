"""The status of an ended sync, and what is kept of its problems: pure functions, whole."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sync import DETAILS_KEPT, Problem, ProblemKind, Problems, Status, SyncResult, SyncStats, verdict


@pytest.mark.parametrize(
    ("published", "errors_count", "interrupted", "status"),
    [
        (False, 0, False, Status.FAILED),
        (False, 0, True, Status.FAILED),
        (False, 1, False, Status.FAILED),
        (False, 1, True, Status.FAILED),
        (True, 0, False, Status.SUCCESS),
        (True, 0, True, Status.PARTIAL),
        (True, 1, False, Status.PARTIAL),
        (True, 1, True, Status.PARTIAL),
    ],
)
def test_truth_table(published: bool, errors_count: int, interrupted: bool, status: Status) -> None:
    assert verdict(published=published, errors_count=errors_count, interrupted=interrupted) is status


@given(st.lists(st.sampled_from(ProblemKind), max_size=3 * DETAILS_KEPT))
def test_every_problem_is_counted_and_the_first_are_kept(kinds: list[ProblemKind]) -> None:
    problems = Problems()
    problems.extend(Problem(kind, f"number {number}") for number, kind in enumerate(kinds))
    assert problems.total == len(kinds)
    assert [problem.message for problem in problems.kept] == [f"number {n}" for n in range(len(kinds))][:DETAILS_KEPT]
    details = problems.as_json()
    assert (details is None) == (not kinds)
    if details is not None:
        assert sum(details["counts"].values()) == len(kinds)


def test_a_result_is_the_seeds_object_and_the_status() -> None:
    result = SyncResult(True, UUID(int=1), SyncStats(5, 1, 2, 2, 0), Status.SUCCESS)
    assert result.as_json() == {
        "success": True,
        "sync_log_id": "00000000-0000-0000-0000-000000000001",
        "stats": {"fetched": 5, "created": 1, "updated": 2, "unchanged": 2, "errors": 0},
        "error": None,
        "status": "success",
    }
