"""Standard output is the result's alone, whatever a library writes there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipelines.settings import ROOT

_NOISY = """
import os, subprocess, sys
from pipelines.stdout import ours_alone

print("before")
with ours_alone():
    os.write(1, b"noise\\n")
    subprocess.run(["sh", "-c", "echo noise of a child"], check=True)
    print("result")
    raised = False
    try:
        with ours_alone():
            os.write(1, b"noise within\\n")
            raise ValueError
    except ValueError:
        raised = True
    print("result", raised)
os.write(1, b"after\\n")
"""


def test_what_is_written_straight_to_file_1_is_no_part_of_the_result() -> None:
    done = subprocess.run([sys.executable, "-c", _NOISY], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["before", "result", "result True", "after"]
    assert done.stderr.splitlines() == ["noise", "noise of a child", "noise within"]


_HELP = "import sys; from pipelines.cli import main; main(['logs', 'list', '--database', '/nowhere/at/all.duckdb'])"


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_a_program_that_is_started_without_a_standard_file_does_the_same(closed: str) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -c "{_HELP}" {closed}', shell=True, cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert ("There is no database at /nowhere/at/all.duckdb" in done.stderr) is ("2>" not in closed)


def test_a_reader_that_is_gone_hides_no_error() -> None:
    failing = (
        "import os, sys; from pipelines.stdout import ours_alone\n"
        "with ours_alone():\n    print('never read')\n    raise SystemExit(7)"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", failing], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (7, "")


def test_without_a_file_behind_it_standard_output_stays_as_it_is() -> None:
    quiet = (
        "import io, sys; sys.stdout = io.StringIO(); from pipelines.stdout import ours_alone\n"
        "with ours_alone():\n    print('kept')\n"
        "assert sys.stdout.getvalue() == 'kept\\n'; sys.stderr.write('as it was')"
    )
    done = subprocess.run([sys.executable, "-c", quiet], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stderr == "as it was"
