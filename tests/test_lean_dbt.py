"""dbt is spared what it does for projects that it does not know, and does the rest as ever, act by act."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from pipelines.settings import ROOT
from tests.databases import TestDatabase

ACTS = """
import json, sys
from uuid import uuid4
from dbt.task.run import RunTask

asked = []
create_schemas = RunTask.create_schemas
RunTask.create_schemas = lambda *words: asked.append(1) or create_schemas(*words)

from models.publish import Publish
from pipelines.errors import SyncFailed
from pipelines.settings import target
from pipelines.transform import Dbt

def wanted():
    return Publish("treez", uuid4(), uuid4(), "1", {}, True, False, 20.0, 0, 0, 0, 0)

def parsed():
    return json.dumps([node.to_dict() for node in dbt.manifest.nodes.values()], default=str)

dbt = Dbt(target(sys.argv[1]))
dbt.rehearse()
before = parsed()
told = {"compiled": [], "published": []}
for _ in range(2):
    one = wanted()
    sql = dbt.compile(one)
    model = sql["products"]
    told["compiled"].append([sorted(sql), str(one.sync_log_id) in model, len(model.splitlines())])
    try:
        dbt.publish(wanted())
    except SyncFailed as error:
        told["published"].append(str(error))
told["checks"] = sorted((found.name, found.broken) for found in dbt.test(wanted(), 48))
told["schemas"] = len(asked)
dbt.make_views()
told["schemas of views"] = len(asked)
told["same"] = parsed() == before
print(json.dumps(told))
"""


def test_each_act_begins_with_what_was_parsed(database: TestDatabase) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ACTS, database.url], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    names = ["plan_digest", "plan_proof", "plan_session", "products"]
    [(first, is_of_its_sync, lines), second] = told["compiled"]
    assert (first, is_of_its_sync) == (names, True) and lines > 100
    assert second == [names, True, lines], "no vars and no parts of the act before"
    assert told["published"] == ["this sync no longer has the turn of its source"] * 2
    assert len(told["checks"]) == 5 and not any(broken for _, broken in told["checks"])
    assert told["schemas"] == 0 < told["schemas of views"]
    assert told["same"]
