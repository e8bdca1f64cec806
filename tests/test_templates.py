"""Templates that were compiled are kept; what can't be kept, or is damaged, costs the compiling and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from pipelines import templates
from pipelines.templates import Compiled


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build directory with nothing in it, and a process that has compiled nothing."""
    monkeypatch.setenv("GUIDELIGHT_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(templates, "_HERE", {})
    return tmp_path / "build"


def _made(text: str) -> str:
    environment = Environment(loader=DictLoader({"page": text}), autoescape=True, bytecode_cache=Compiled("test"))
    return environment.get_template("page").render(name="<shop>")


def _kept(build: Path) -> list[Path]:
    return sorted(path for path in (build / "templates").rglob("*") if path.is_file())


def test_another_process_finds_what_was_compiled(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _made("Hello {{ name }}") == "Hello &lt;shop&gt;"
    monkeypatch.setattr(templates, "_HERE", {})
    monkeypatch.setattr(Environment, "_compile", None)

    assert _made("Hello {{ name }}") == "Hello &lt;shop&gt;"
    assert len(_kept(build)) == 1


def test_an_edit_is_compiled_anew(build: Path) -> None:
    assert _made("one") == "one"
    assert _made("two") == "two"
    assert len(_kept(build)) == 1


@pytest.mark.parametrize("damage", [b"", b"j2", b"\x00" * 500, b"j2" + b"\x80\x05garbage" * 20])
def test_what_is_damaged_is_compiled_anew(build: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    _made("Hello {{ name }}")
    [path] = _kept(build)
    whole = path.read_bytes()
    monkeypatch.setattr(templates, "_HERE", {})
    path.write_bytes(damage or whole[:-40])

    assert _made("Hello {{ name }}") == "Hello &lt;shop&gt;"
    assert path.read_bytes() == whole


def test_a_build_directory_that_cannot_be_made_costs_nothing_else(build: Path) -> None:
    build.write_text("a file where the directory should be")

    assert _made("Hello {{ name }}") == "Hello &lt;shop&gt;"
