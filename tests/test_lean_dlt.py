"""What dlt would import and look up while products wait is there before they come, and says what dlt says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import ROOT

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
from dlt.common.destination import reference
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

resolve, resolved = reference.resolve_configuration, []
reference.resolve_configuration = lambda *words, **named: resolved.append(1) or resolve(*words, **named)
one, other = (dlt.destinations.duckdb(credentials=f"{name}.duckdb") for name in "ab")
for _ in range(3):
    one.capabilities(), other.capabilities()
counts = [len(resolved)]
paths = []
for made in (one, other, one):
    wanted = made.spec()
    wanted.dataset_name, wanted.local_dir = "staging", "."
    paths.append(os.path.basename(made.configuration(wanted).credentials.database))
counts.append(len(resolved))
print(json.dumps([before, after, counts, paths]))
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
    before, after, counts, paths = said(CAPABILITIES)
    assert before == after
    assert before[1:] == [True, False]
    assert counts == [2, 5], "once each to say what it can do, and each time that it is to be connected to"
    assert paths == ["a.duckdb", "b.duckdb", "a.duckdb"]


def test_settings_of_dlts_that_can_not_be_read_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("no [toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    sentence = said(
        "import json\nfrom pipelines.errors import SyncFailed\nfrom pipelines.load import prepare\n"
        "try:\n    prepare('duckdb')\nexcept SyncFailed as error:\n    print(json.dumps(str(error)))"
    )
    assert sentence.startswith("dlt can't read its own settings: ")
    assert "config.toml" in sentence and sentence.endswith(". Mend or remove them in .dlt")
