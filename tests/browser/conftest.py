"""Marks what is here, and opens pages in the system's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from pipelines.settings import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE = ROOT / "build" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "browser" / "screenshots"


@dataclass
class Opened:
    """A page that is open, and what it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What the accessibility checker finds: the rule, how grave, and where first."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(found["passes"]) > 10, "the checker judged nothing"
        return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


@dataclass
class Chromium:
    """Opens pages, of a width and in a colour scheme."""

    browser: Browser

    @contextmanager
    def open(self, path: Path, *, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Iterator[Opened]:
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
        )
        opened = Opened(context.new_page())

        def said(message: ConsoleMessage) -> None:
            opened.complaints.append(f"{message.type}: {message.text}")

        opened.page.on("console", said)
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.as_uri())
        try:
            yield opened
        finally:
            context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A headless Chromium. That there is none fails the test: a page that nobody opened is not known to be well."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"make test-browser needs Chromium ({', '.join(NAMES)}): `apt-get install chromium`", pytrace=False)
    if not AXE.is_file():
        pytest.fail("axe-core is not there: run `make test-browser`, which has npm bring it", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield Chromium(browser)
        browser.close()
