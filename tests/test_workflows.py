"""The workflows: valid, pinned and least-privileged as written, and each shell step run as it stands."""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import yaml
from packaging.requirements import Requirement

from pipelines import store
from pipelines.settings import ROOT
from tests.databases import TestDatabase
from tests.shop import PRODUCTS, Shop

pytestmark = pytest.mark.long

GITHUB = ROOT / ".github"
FILES = sorted((GITHUB / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent
BUDTENDER = "11111111-1111-4111-8111-111111111111"
PATIENCE = 120.0

ACTIONS = {"actions/checkout", "actions/setup-python", "actions/cache", "actions/upload-artifact"}
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def load(path: Path) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for true.
    return {"on" if key is True else key: value for key, value in yaml.safe_load(path.read_text()).items()}


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


def tool(*command: str) -> None:
    ran = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_are_the_two() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "sync.yml"]


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_the_published_schema_holds(schema: str) -> None:
    tool("check-jsonschema", "--builtin-schema", schema, *map(str, FILES))


def test_the_published_schema_of_dependabot_holds() -> None:
    tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", str(GITHUB / "dependabot.yml"))


def test_zizmor_finds_nothing() -> None:
    tool("zizmor", "--offline", "--no-progress", "--persona", "auditor", str(GITHUB))


@each_file
def test_a_workflow_opens_with_what_why_and_when(path: Path) -> None:
    opening = path.read_text().partition("\nname:")[0]
    assert re.findall(r"^# (\w+): ", opening, re.MULTILINE) == ["What", "Why", "When"]


@each_file
def test_every_action_is_pinned_by_its_commit_and_names_its_version(path: Path) -> None:
    lines = re.findall(r"^ *(?:- )?uses: (.*)$", path.read_text(), re.MULTILINE)
    pins = [re.fullmatch(r"([\w-]+/[\w-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines]
    assert lines and all(pins), lines
    assert {pin[1] for pin in pins if pin} <= ACTIONS


def test_one_action_has_one_version() -> None:
    uses = {step["uses"] for path in FILES for step in steps(path) if "uses" in step}
    assert len(uses) == len({use.partition("@")[0] for use in uses})


@each_file
def test_no_more_is_allowed_than_is_needed(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 60
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert not {"pull_request_target", "workflow_run"} & set(workflow["on"])


@each_file
def test_no_expression_stands_in_a_script_and_no_secret_outside_env(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", "")
        assert "secrets." not in orjson.dumps({**step, "env": {}}).decode()
    assert "secrets." not in orjson.dumps({**load(path), "jobs": {}}).decode()


@each_file
def test_no_schedule_is_at_minute_0(path: Path) -> None:
    minutes = [entry["cron"].split()[0] for entry in load(path)["on"]["schedule"]]
    assert all(re.fullmatch(r"[1-9]\d?(,[1-9]\d?)*", minute) for minute in minutes), minutes


def test_no_schedule_knows_a_time_zone() -> None:
    """GitHub's cron is UTC where none is named: no night has an hour less or more. And ours names no hour."""
    for path in FILES:
        assert all(entry.keys() == {"cron"} for entry in load(path)["on"]["schedule"])
    crons = [entry["cron"].split() for entry in load(GITHUB / "workflows/sync.yml")["on"]["schedule"]]
    assert [cron[1:] for cron in crons] == [["*"] * 4]


def test_a_sync_is_never_cancelled_by_another_run() -> None:
    assert load(GITHUB / "workflows/sync.yml")["concurrency"] == {
        "group": "sync", "cancel-in-progress": False, "queue": "max",
    }  # fmt: skip


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    """A change of pyproject.toml alone, as Dependabot makes it, is seen here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-dev.lock": project["project"]["dependencies"] + project["dependency-groups"]["dev"],
    }
    for name, wanted in groups.items():
        pins = dict(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE))
        for requirement in map(Requirement, wanted):
            pin = pins.get(requirement.name.lower().replace("_", "-"))
            assert pin is not None and requirement.specifier.contains(pin), f"{name}: {requirement}: run `make lock`"


@dataclass
class Ran:
    """A step that was run."""

    status: int
    log: str


@dataclass
class Runner:
    """Runs a workflow's shell steps as GitHub's runner does: the script as it stands, in bash, nothing else around."""

    home: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    event: str = "schedule"

    def __post_init__(self) -> None:
        (self.home / "temp").mkdir(parents=True)
        (self.home / ".venv").symlink_to(sys.prefix)

    @property
    def summary(self) -> str:
        path = self.home / "summary.md"
        return path.read_text() if path.exists() else ""

    @property
    def outputs(self) -> str:
        path = self.home / "output"
        return path.read_text() if path.exists() else ""

    def begin(self, name: str, workflow: str = "sync.yml") -> subprocess.Popen[str]:
        """Start a step. Its `env:` may name secrets and inputs; what is not there is empty, as on GitHub."""
        (step,) = [one for one in steps(GITHUB / "workflows" / workflow) if one.get("name") == name]
        script = self.home / "step.sh"
        script.write_text(step["run"])
        env = {key: self._value(str(value)) for key, value in step.get("env", {}).items()}
        fixed = {
            "PATH": os.defpath, "HOME": str(self.home), "CI": "true", "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.event, "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_OUTPUT": str(self.home / "output"), "GITHUB_STEP_SUMMARY": str(self.home / "summary.md"),
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.home, env=fixed | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            # A shell can't trap what was ignored when it began, as Ctrl-C is where the tests run in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def step(self, name: str, workflow: str = "sync.yml") -> Ran:
        """Run a step to its end; no secret may stand in what it says."""
        process = self.begin(name, workflow)
        log, _ = process.communicate(timeout=PATIENCE)
        for value in self.secrets.values():
            assert value not in log + self.summary
        return Ran(process.returncode, log)

    def job(self) -> list[Ran]:
        """The job's three shell steps that are always run, each only where GitHub would run it."""
        ran = [self.step("Check the configuration")]
        if ran[0].status == 0:
            ran.append(self.step("Sync"))
        if "status=" in self.outputs:
            ran.append(self.step("Say what happened"))
        return ran

    def _value(self, text: str) -> str:
        found = re.fullmatch(r"\$\{\{ (secrets|inputs)\.(\w+) \}\}", text)
        assert found or "${{" not in text, text
        return getattr(self, found[1]).get(found[2], "") if found else text


CONFIGURED = {"DATABASE_URL": "postgresql://nowhere.example/db", "TREEZ_API_KEY": "a-key-for-tests"}


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Path]:
    """Fresh directories for runs."""
    return (tmp_path / f"run-{number}" for number in count())


@pytest.mark.parametrize(
    ("secrets", "inputs", "said"),
    [
        ({"DATABASE_URL": ""}, {}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "data/guidelight.duckdb"}, {}, "neither a postgresql:// URL nor a DuckDB file"),
        ({"DATABASE_URL": "mysql://x"}, {}, "neither a postgresql:// URL nor a DuckDB file"),
        ({"TREEZ_API_KEY": ""}, {}, "TREEZ_API_KEY is not set"),
        ({}, {"integration": "$(touch pwned)"}, "The input integration is neither an id"),
        ({}, {"integration": "--type=treez"}, "The input integration is neither an id"),
        ({}, {"integration": "abcd\n::error::x"}, "The input integration is neither an id"),
        ({}, {"triggered_by": "somebody"}, "The input triggered_by is no uuid"),
        ({}, {"triggered_by": f"{BUDTENDER}; id"}, "The input triggered_by is no uuid"),
    ],
)
def test_what_is_not_set_up_fails_first_and_with_one_line(
    homes: Iterator[Path], secrets: dict[str, str], inputs: dict[str, str], said: str
) -> None:
    runner = Runner(next(homes), CONFIGURED | secrets, inputs)
    if not secrets.get("DATABASE_URL", "x"):
        runner.secrets = {"TREEZ_API_KEY": CONFIGURED["TREEZ_API_KEY"]}
    process = runner.begin("Check the configuration")
    log, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert re.fullmatch(r"::error title=The sync is not set up::.*\n", log) and said in log
    assert not (runner.home / "pwned").exists()


@pytest.mark.parametrize(
    ("secrets", "inputs"),
    [
        ({}, {}),
        ({"DATABASE_URL": "postgres://u:p@h:6543/db?pgbouncer=true"}, {}),
        ({"TREEZ_API_KEY": "", "GUIDELIGHT_SECRET_KEY": "sealed"}, {}),
        ({}, {"integration": "0f8fad5b", "triggered_by": BUDTENDER}),
        ({}, {"integration": BUDTENDER.upper(), "triggered_by": BUDTENDER.upper()}),
    ],
)
def test_what_is_set_up_passes_and_says_nothing(
    homes: Iterator[Path], secrets: dict[str, str], inputs: dict[str, str]
) -> None:
    ran = Runner(next(homes), CONFIGURED | secrets, inputs)
    process = ran.begin("Check the configuration")
    assert process.communicate(timeout=PATIENCE) == ("", None) and process.returncode == 0


def secrets_of(shop: Shop) -> dict[str, str]:
    """What the repository's secrets would be; the integration's key is under the name that the workflow passes on."""
    shop.configure(api_key={"env": "TREEZ_API_KEY"}, patience_seconds=60)
    return {"DATABASE_URL": shop.database.url, "TREEZ_API_KEY": shop.sandbox.api_key}


@pytest.mark.postgres_only
def test_a_scheduled_run_syncs_what_is_due_and_then_nothing(shop: Shop, homes: Iterator[Path]) -> None:
    secrets = secrets_of(shop)
    first = Runner(next(homes), secrets)
    assert [ran.status for ran in first.job()] == [0, 0, 0]
    assert first.summary.startswith("### Sync: success\n") and f"| {PRODUCTS} | {PRODUCTS} |" in first.summary
    assert len(shop.products()) == PRODUCTS
    assert [log["sync_type"] for log in shop.logs()] == ["scheduled"]
    second = Runner(next(homes), secrets)
    assert [ran.status for ran in second.job()] == [0, 0, 0]
    assert second.summary == "### Sync: nothing was due\n"
    assert len(shop.logs()) == 1


@pytest.mark.postgres_only
def test_a_run_by_hand_syncs_the_one_that_is_named_and_partial_is_a_warning(
    stocked: Shop, homes: Iterator[Path]
) -> None:
    secrets = secrets_of(stocked)
    stocked.execute(f"insert into budtenders (id, name) values ('{BUDTENDER}', 'Ada')")
    stocked.record(0)["product_configurable_fields"] = {"name": ""}
    stocked.record(0)["e_commerce"] = None
    stocked.serve()
    inputs = {"integration": stocked.integration[:8], "triggered_by": BUDTENDER}
    runner = Runner(next(homes), secrets, inputs, event="workflow_dispatch")
    _, sync, said = runner.job()
    assert (sync.status, said.status, runner.outputs) == (0, 0, "status=3\n")
    assert said.log.startswith("::warning title=Treez - Main Store%3A published%2C with 1 error::")
    assert runner.summary.startswith("### Sync: partial\n") and "Errors (1)" in runner.summary
    log = stocked.logs()[-1]
    assert (log["sync_type"], log["triggered_by"], log["status"]) == ("manual", UUID(BUDTENDER), "partial")


@pytest.mark.postgres_only
def test_a_failed_sync_fails_the_job(stocked: Shop, homes: Iterator[Path]) -> None:
    secrets = secrets_of(stocked) | {"TREEZ_API_KEY": "not-the-key"}
    runner = Runner(next(homes), secrets, {"integration": stocked.integration}, event="workflow_dispatch")
    _, sync, said = runner.job()
    assert (sync.status, said.status) == (1, 0)
    assert said.log.startswith("::error title=Treez - Main Store%3A failed::")
    assert runner.summary.startswith("### Sync: failed\n")
    assert stocked.logs()[-1]["sync_type"] == "manual"


@pytest.mark.postgres_only
def test_a_source_that_is_already_syncing_fails_the_job_and_says_so(stocked: Shop, homes: Iterator[Path]) -> None:
    secrets = secrets_of(stocked)
    gate = stocked.sandbox.hold(2)
    inputs = {"integration": stocked.integration}
    first, second = (Runner(next(homes), secrets, inputs) for _ in range(2))
    running = first.begin("Sync")
    gate.await_arrival()
    _, sync, said = second.job()
    gate.open()
    log, _ = running.communicate(timeout=PATIENCE)
    assert (running.returncode, first.outputs) == (0, "status=0\n"), log
    assert sync.status == 4 and "already syncing" in sync.log.splitlines()[-1]
    assert said.log.startswith("::error title=Treez - Main Store%3A already syncing::")


@pytest.mark.postgres_only
def test_a_variable_that_an_integration_names_and_nobody_set_fails(stocked: Shop, homes: Iterator[Path]) -> None:
    secrets = secrets_of(stocked)
    stocked.configure(api_key={"env": "OTHER_SHOPS_KEY"})
    runner = Runner(next(homes), secrets, {"integration": stocked.integration})
    _, sync, said = runner.job()
    assert sync.status == 2
    assert "The environment variable OTHER_SHOPS_KEY" in said.log and said.log.startswith("::error ")


@pytest.mark.postgres_only
def test_a_cancelled_run_ends_its_sync_in_order(stocked: Shop, homes: Iterator[Path]) -> None:
    secrets = secrets_of(stocked)
    gate = stocked.sandbox.hold(2)
    runner = Runner(next(homes), secrets, {"integration": stocked.integration})
    process = runner.begin("Sync")
    gate.await_arrival()
    process.send_signal(signal.SIGINT)
    gate.open()
    process.communicate(timeout=PATIENCE)
    assert process.returncode != 0 and runner.outputs == ""
    log = stocked.logs()[-1]
    assert (log["status"], log["error_message"]) == ("failed", "interrupted by SIGTERM")


@pytest.mark.duckdb_only
def test_a_run_is_never_green_on_a_sandbox(database: TestDatabase, homes: Iterator[Path]) -> None:
    from pipelines.database import connect

    with connect(database.target) as connection:
        config = {"sandbox": True, "dispensary_id": "sandbox", "client_id": "sandbox-client", "api_key": "sandbox-key"}
        store.add(connection, source="treez", name="Sandbox", config=config)  # type: ignore[arg-type]
    secrets = {"DATABASE_URL": database.url, "TREEZ_API_KEY": "a-key-for-tests"}
    due = Runner(next(homes), secrets)
    assert [ran.status for ran in due.job()] == [0, 2, 0]
    with connect(database.target) as connection:
        connection.execute("update integrations set last_sync_at = now()")
    not_due = Runner(next(homes), secrets)
    ran = not_due.job()
    assert [one.status for one in ran] == [0, 2, 0]
    assert "under CI the sandbox is never synced" in ran[1].log


@pytest.mark.duckdb_only
def test_a_run_is_never_green_on_a_database_without_integrations(database: TestDatabase, homes: Iterator[Path]) -> None:
    runner = Runner(next(homes), {"DATABASE_URL": database.url, "TREEZ_API_KEY": "a-key-for-tests"})
    _, sync, said = runner.job()
    assert sync.status == 2
    assert "There is no active integration" in said.log


def test_what_the_sync_says_is_not_read_as_a_command(homes: Iterator[Path], tmp_path: Path) -> None:
    """A program in the place of guidelight that says the worst: its lines stand between stop and resume."""
    runner = Runner(next(homes))
    (runner.home / ".venv").unlink()
    program = runner.home / ".venv" / "bin" / "guidelight"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "::error::injected" >&2\necho "##[error]injected" >&2\necho "[]"\n')
    program.chmod(0o755)
    ran = runner.step("Sync")
    lines = ran.log.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert len(token) == 36
    assert lines[1:] == ["::error::injected", "##[error]injected", f"::{token}::"]
    assert runner.step("Sync").log.splitlines()[0] != lines[0]


(AUDIT,) = [one for one in steps(GITHUB / "workflows/ci.yml") if "EXCEPTIONS" in one.get("env", {})]


def audit(home: Path, program: str, exceptions: str = "", **env: str) -> tuple[Ran, str]:
    """Run the audit's step with a program in pip-audit's place; what it printed, and the job's summary."""
    pip_audit = home / ".venv" / "bin" / "pip-audit"
    pip_audit.parent.mkdir(parents=True)
    pip_audit.write_text(f"#!/bin/sh\n{program}\n")
    pip_audit.chmod(0o755)
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", AUDIT["run"]],
        cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        env=env | {
            "PATH": os.defpath, "HOME": str(home), "EXCEPTIONS": exceptions,
            "RUNNER_TEMP": str(home), "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
        },
    )  # fmt: skip
    summary = home / "summary.md"
    return Ran(ran.returncode, ran.stdout), summary.read_text() if summary.exists() else ""


def test_an_exception_to_the_audit_ends_with_its_last_day(homes: Iterator[Path]) -> None:
    """The audit needs the internet: here its place is taken by a program that says how it was called."""
    today = datetime.datetime.now(datetime.UTC).date()
    days = {"GHSA-past": -1, "GHSA-today": 0, "GHSA-future": 1}
    given = "\n".join(f"{name} {today + datetime.timedelta(days=days[name])} no fix yet" for name in days)
    fixed = "--strict --disable-pip --require-hashes --requirement requirements-dev.lock"
    for exceptions, ignored in ((given, " --ignore-vuln GHSA-today --ignore-vuln GHSA-future"), ("", "")):
        assert audit(next(homes), 'echo "$@"', exceptions) == (Ran(0, f"{fixed}{ignored}\n"), "")


def test_an_advisory_service_that_is_away_is_reported(homes: Iterator[Path]) -> None:
    """pip-audit itself, on a machine whose way out leads nowhere: a warning, in the summary too."""
    home = next(homes)
    home.mkdir()
    (home / "requirements-dev.lock").symlink_to(ROOT / "requirements-dev.lock")
    ran, summary = audit(home, f'exec "{BIN}/pip-audit" "$@"', HTTPS_PROXY="http://127.0.0.1:9")
    said = "The advisory service could not be reached: what the locks pin was not audited. Run this job again"
    assert ran.status == 0 and ran.log.splitlines()[-1] == f"::warning title=No audit::{said}", ran.log
    assert summary == f"### No audit\n\n{said}\n"


SAID = {
    "a timeout, which it knows": (
        "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n"
        "ERROR:pip_audit._cli:Tip: your network may be blocking this service. Try another service with `-s SERVICE`", 0,
    ),
    "an error of the server's": ("Traceback (most recent call last):\npip_audit._service.interface.ServiceError", 0),
    "a vulnerability": ("Found 1 known vulnerability in 1 package", 1),
    "a package that nobody knows": ("ERROR:pip_audit._cli:nothing: Dependency not found on PyPI", 1),
}  # fmt: skip


@pytest.mark.parametrize("what", SAID)
def test_what_the_audit_found_fails_it_and_nothing_else_is_hidden(homes: Iterator[Path], what: str) -> None:
    said, status = SAID[what]
    ran, summary = audit(next(homes), f"cat >&2 << 'END'\n{said}\nEND\nexit 1")
    assert (ran.status, "::warning" in ran.log, summary != "") == (status, status == 0, status == 0)
    assert said in ran.log


def test_every_exception_to_the_audit_has_its_last_day_and_its_reason() -> None:
    for line in AUDIT["env"]["EXCEPTIONS"].splitlines():
        assert re.fullmatch(r"(GHSA|PYSEC|CVE)-\S+ \d{4}-\d\d-\d\d .{10,}", line), line
