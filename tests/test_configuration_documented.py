"""docs/configuration.md is what the typed settings say, and .env.example has every variable."""

from __future__ import annotations

from pipelines.settings import ROOT, Settings
from tests.configuration_page import PAGE, page


def test_the_page_is_that_of_the_settings() -> None:
    assert PAGE.read_text() == page(), "run `python -m tests.configuration_page`"


def test_the_example_has_every_variable_that_is_set_by_hand() -> None:
    example = (ROOT / ".env.example").read_text()
    for field in Settings.model_fields.values():
        if field.validation_alias != "CI":
            assert f"{field.validation_alias}=" in example
