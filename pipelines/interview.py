"""What `integrations add` was not given is asked for at a terminal, and the shop is tried before it is kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from pydantic import JsonValue
from rich.console import Console as Rich
from rich.prompt import Prompt
from rich.text import Text

from models.integration import SECRETS, SETTINGS, SecretReference
from pipelines.configure import flaw, settings_of, unknown, unusable
from pipelines.console import Console, tell
from pipelines.errors import ConfigurationError, Interrupted
from pipelines.given import STANDARD_INPUT, Given, New, given
from pipelines.plain import plain
from pipelines.reach import Step, tried
from pipelines.registry import read, refuse_second
from pipelines.seal import needed
from pipelines.settings import Settings, secret_keys, variable
from pipelines.signals import interruptible

_TEXT = "a line of text is needed"


def wanted(
    database: str | None,
    console: Console,
    source: str | None,
    name: str | None,
    settings: list[str] | None,
    secrets: list[str] | None,
) -> New | None:
    """The integration to add: as it was given, or at a terminal completed by asking and tried.

    None where the shop could not be reached and is not to be kept. Raises ConfigurationError.
    """
    is_whole = source is not None and name is not None and not _missing(source, given(source, settings, secrets))
    if not is_whole and _at_terminal():
        try:
            with interruptible():
                return _Interview(database, console).new(source, name, settings, secrets)
        except (Interrupted, EOFError) as left:  # Ctrl-C, Ctrl-D
            console.tell("")  # ends the line that was being typed
            console.tell("nothing was kept")
            raise SystemExit(left.exit_status if isinstance(left, Interrupted) else 130) from left
    if source is None or name is None:
        missing = " and ".join(option for option, value in (("--type", source), ("--name", name)) if value is None)
        raise ConfigurationError(
            f"Which shop is to be added? Give {missing}; at a terminal what is missing is asked for"
        )
    return New(source, name, given(source, settings, secrets))


def _missing(source: str, options: Given) -> bool:
    """Whether somebody could be asked for something; an unknown type is nothing to ask about."""
    if source not in SETTINGS:
        return False
    return bool(SETTINGS[source].lacks(options.settings)) or any(key not in options.settings for key in SECRETS[source])


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty() and not Settings().under_ci


class _Interview:
    """Questions on standard error, one after the other; an answer of no use is asked for again."""

    def __init__(self, database: str | None, console: Console) -> None:
        self._database = database
        self._console = console
        self._screen = Rich(stderr=True, highlight=False, markup=False, emoji=False)

    def new(
        self, given_source: str | None, given_name: str | None, settings: list[str] | None, secrets: list[str] | None
    ) -> New | None:
        known = tuple(SETTINGS)
        source = given_source or self._ask("The point of sale", choices=known, default=known[0])
        if source not in known:
            raise unknown(source)
        options = given(source, settings, secrets)
        for preset in options.settings:
            wrong = flaw(source, options.settings, preset)
            if wrong is not None:
                raise unusable(given_name or source, preset, wrong)
        refuse_second(self._database, self._console.tell, source)
        name = given_name or self._ask("What people call it", default=f"{source.title()} - Main Store")
        asked: list[str] = []
        while True:
            self._complete(source, options, asked)
            new = New(source, name, options)
            steps = self._tried(new)
            self._console.steps(steps, to=tell)
            if all(step.ok for step in steps):
                return replace(new, is_reached=True)
            match self._what_now(steps[-1], bool(asked)):
                case "keep":
                    return new
                case "leave":
                    return None

    def _complete(self, source: str, options: Given, asked: list[str]) -> None:
        """Ask for what is missing, and anew for what was asked before."""
        for key in [key for key in asked if key not in SECRETS[source]]:
            self._setting(source, options, key)
        while missing := SETTINGS[source].lacks(options.settings):
            self._setting(source, options, missing)
            asked.append(missing)
        for key in SECRETS[source]:
            if key in asked or key not in options.settings:
                self._secret(source, options, key)
                asked += [] if key in asked else [key]

    def _what_now(self, failed: Step, can_be_corrected: bool) -> str:
        """What a person wants to do about a shop that can't be synced as it is: correct, keep or leave."""
        # Where nothing answers, the network may be down just now; a refused key was most likely mistyped.
        is_mistyped = can_be_corrected and failed.step == "key"
        choices = ("correct", "keep", "leave") if can_be_corrected else ("keep", "leave")
        question = f"{'Correct the answers, keep' if can_be_corrected else 'Keep'} it all the same, or leave?"
        return self._ask(question, choices=choices, default="correct" if is_mistyped else "keep")

    def _setting(self, source: str, options: Given, key: str) -> None:
        """Ask for one setting until it is of use; what was answered before is offered."""
        field = SETTINGS[source].model_fields[key]
        self._console.tell(f"{key}: {field.description}")
        choices = tuple(map(str, get_args(field.annotation))) if key == "api" else ()
        before = options.settings.get(key, field.default if choices else None)
        while True:
            value: JsonValue = self._ask(key, choices=choices, default=None if before is None else str(before))
            wrong = flaw(source, options.settings | {key: value}, key)
            if wrong is None:
                options.settings[key] = value
                return
            self._useless(wrong)

    def _secret(self, source: str, options: Given, key: str) -> None:
        """Sealed where there is a key to seal it with, and hidden as it is typed; else where it is to be found."""
        if secret_keys() is not None:
            self._sealed(source, options, key)
            return
        self._console.tell(
            f"Without GUIDELIGHT_SECRET_KEY nothing can be sealed in the database: {key} is read from the environment"
        )
        before = options.settings.get(key)
        default = str(before["env"]) if isinstance(before, dict) else f"{source}_{key}".upper()
        while True:
            name = self._ask(f"The variable that holds {key}", default=default)
            try:
                options.settings[key] = SecretReference(env=name).model_dump(exclude_none=True)
            except ValueError:
                self._useless("a variable's name is made of letters, digits and underscores")
                continue
            return

    def _sealed(self, source: str, options: Given, key: str) -> None:
        needed(f"Sealing the {key}")  # before somebody types it in vain
        while True:
            options.settings |= given(source, None, [f"{key}={STANDARD_INPUT}"]).settings
            options.awaited = key
            try:
                read(options)
            except ConfigurationError:
                self._useless(_TEXT)
                continue
            return

    def _useless(self, why: str) -> None:
        self._console.warn(f"That can't be it: {why}")

    def _tried(self, new: New) -> Sequence[Step]:
        settings = settings_of(new.source, new.name, new.options.settings)
        reference = settings.api_key
        assert isinstance(reference, SecretReference)
        secret = read(new.options).get("api_key") if reference.env is None else variable(reference.env)
        if secret is None:
            return [Step("settings", False, f"The environment variable {reference.env} is not set here")]
        self._console.tell(f"trying {settings.base_url} …")
        return tried(new.source, new.name, settings, secret, self._console.tell)

    def _ask(self, question: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
        # rich takes an Ellipsis for no default.
        offered: Any = ... if default is None else default
        while True:
            answer = str(
                Prompt.ask(Text(question), console=self._screen, choices=list(choices) or None, default=offered)
            ).strip()
            if answer and answer == plain(answer):
                return answer
            self._useless(_TEXT)
