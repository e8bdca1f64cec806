"""Shops whose key is one that can be found again, wherever it is written."""

from __future__ import annotations

import pytest

from pipelines.sandbox import answers
from tests.security.canary import CANARY
from tests.shop import GatedSandbox


@pytest.fixture(autouse=True)
def _canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "KEY", CANARY)
    monkeypatch.setattr(GatedSandbox, "api_key", CANARY)
