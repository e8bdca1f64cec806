"""Access tokens: given for the right key, good for two hours, or as the faults have it."""

from __future__ import annotations

import json
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

from pipelines.sandbox.armed import Faults
from pipelines.sandbox.message import Answer, Request, json_answer

LIFE = 7200
"""Seconds (TREEZ.md, v2 in detail)."""

HOUR = 3600
PACIFIC = timezone(timedelta(hours=-8))


class Tokens:
    """The tokens that were given and still live; safe with many requests at once."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._issued = 0
        self._lock = threading.Lock()

    def issue(self, request: Request, client: str, key: str, faults: Faults) -> Answer:
        """The answer of the Authorization API to a request that carries a client id and a key."""
        if refused := faults.take("key-refused", "token"):
            return _no_token(refused.number("status"))
        sent = _form(request)
        if sent.get("client_id") != client or sent.get("apikey") != key:
            return _no_token(200)
        short = faults.take("token-life", "token")
        life = short.number("seconds") if short else LIFE
        with self._lock:
            self._issued += 1
            token = f"sandbox-token-{self._issued}"
            self._until[token] = time.monotonic() + life
        return json_answer(
            {
                "resultCode": "SUCCESS",
                "resultReason": None,
                "access_token": token,
                "refresh_token": f"{token}-refresh",
                **_expiry(life, faults),
            }
        )

    def knows(self, token: str) -> bool:
        """Whether a token is one that still lives."""
        with self._lock:
            return self._until.get(token, 0) > time.monotonic()

    def forget_all(self) -> None:
        """Let every token that was given be over."""
        with self._lock:
            self._until.clear()


def _expiry(life: int, faults: Faults) -> dict[str, str]:
    if faults.take("token-no-expiry", "token"):
        return {}
    said = life
    if clock := faults.take("token-clock", "token"):
        said = -HOUR if clock.options["as"] == "past" else life + HOUR
    moment = datetime.now(PACIFIC) + timedelta(seconds=said)
    # The offset has no colon, and the seconds are a text: so the contract has it.
    return {"expires_at": moment.strftime("%Y-%m-%dT%H:%M:%S.000%z"), "expires_in": str(said)}


def _form(request: Request) -> dict[str, Any]:
    """The fields of a body: form-encoded as the contract has it, or a JSON object."""
    if "json" in request.headers.get("content-type", ""):
        try:
            sent = json.loads(request.body)
        except ValueError:
            return {}
        return sent if isinstance(sent, dict) else {}
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def _no_token(status: int) -> Answer:
    return json_answer({"resultCode": "FAIL", "resultReason": "INVALID_CREDENTIALS", "access_token": None}, status)
