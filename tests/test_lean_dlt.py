"""What dlt would import and look up while products wait is there before they come, and says what dlt says."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

IMPORTED = """
import json, sys
from pipelines.load import prepare
prepare(sys.argv[1])
print(json.dumps(list(sys.modules)))
"""

CAPABILITIES = """
import json, os, sys
import dlt
from dlt.common.configuration.specs.base_configuration import is_secret_hint
from dlt.common.typing import TSecretStrValue
from pipelines import lean_dlt
from pipelines.dlt_postgres import destination
from pipelines.settings import Target

def told():
    there = Target("postgres", parameters=(("host", "a"),))
    made = [dlt.destinations.duckdb(credentials="a.duckdb"), destination(there)]
    return [[str(dict(one.capabilities())) for one in made * 2], is_secret_hint(TSecretStrValue), is_secret_hint(str)]

before = told()
lean_dlt.spare_each_step()
lean_dlt.spare_each_step()
after = told()
one, other = (dlt.destinations.duckdb(credentials=f"{name}.duckdb") for name in "ab")
one.capabilities(), other.capabilities()
paths = [made.configuration(made.spec(), accept_partial=True).credentials.database for made in (one, other)]
print(json.dumps([before, after, paths]))
"""


def said(program: str, *words: str) -> Any:
    ran = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(ran.stdout.splitlines()[0])


@pytest.mark.parametrize(("ours", "other"), [("duckdb", "postgres"), ("postgres", "duckdb")])
def test_what_a_batch_needs_is_imported_before_it_comes(ours: str, other: str) -> None:
    modules = set(said(IMPORTED, ours))
    needed = {"requests", "pyarrow.parquet", "dlt.common.libs.pyarrow", f"dlt.destinations.impl.{ours}.sql_client"}
    assert needed <= modules
    assert not {"pandas", "sqlalchemy", f"dlt.destinations.impl.{other}.sql_client"} & modules


def test_a_destination_says_the_same_of_itself_as_before() -> None:
    before, after, paths = said(CAPABILITIES)
    assert before == after
    assert before[1:] == [True, False]
    assert paths == ["a.duckdb", "b.duckdb"]
