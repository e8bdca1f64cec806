"""What is given with --set, --unset and --secret, turned into settings and the secrets to seal."""

from __future__ import annotations

import getpass
import json
import re
import sys
from dataclasses import dataclass, field

from pydantic import JsonValue

from models.integration import SECRETS
from pipelines.errors import ConfigurationError
from pipelines.secrets import masked

STANDARD_INPUT = "-"

_VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(slots=True)
class Given:
    """Settings to make and to remove, and the secrets: those that were read, by name, and the one that is to be."""

    settings: dict[str, JsonValue] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    awaited: str | None = None
    texts: dict[str, str] = field(default_factory=dict)

    def applied(self, config: JsonValue) -> dict[str, JsonValue]:
        """A config with what was given; one that was no object begins anew. Raises ConfigurationError."""
        before = config if isinstance(config, dict) else {}
        for name in self.removed:
            if name not in before:
                raise ConfigurationError(f"--unset {name}: there is no such setting to remove")
        return {name: value for name, value in before.items() if name not in self.removed} | self.settings

    def read(self) -> dict[str, str]:
        """The secrets that come on standard input, by name; its place in `settings` gets what may be shown of it.

        One line, without the blanks around it; hidden as it is typed. Raises ConfigurationError.
        """
        if self.awaited is not None:
            secret = _line(self.awaited)
            self.settings[self.awaited] = {"secret": masked(secret)}
            self.texts[self.awaited] = secret
            self.awaited = None
        return self.texts


@dataclass(frozen=True, slots=True)
class New:
    """An integration that is to be added; `is_reached`: it was tried, and all was well."""

    source: str
    name: str
    options: Given
    is_reached: bool = False


def given(
    source: str, settings: list[str] | None, secrets: list[str] | None, removed: list[str] | None = None
) -> Given:
    """What the options say, nothing read yet. Raises ConfigurationError, never repeating a value."""
    found = Given(removed=tuple(removed or ()))
    for pair in settings or ():
        key, value = _pair(pair, "--set")
        if key in SECRETS.get(source, ()):
            raise ConfigurationError(
                f"{key} is a secret: give it as --secret {key}=env:VARIABLE, or with --secret {key}=- on standard input"
            )
        found.settings[key] = _value(value)
    for pair in secrets or ():
        key, value = _pair(pair, "--secret")
        if key not in SECRETS.get(source, (key,)):
            known = ", ".join(SECRETS[source])
            raise ConfigurationError(f"--secret {key}: a {source} integration has no such secret (but {known})")
        found.settings[key] = _reference(found, key, value)
    for name in ("sandbox", *found.removed):
        if name == "sandbox" and (name in found.settings or name in found.removed):
            raise ConfigurationError("sandbox is no setting to be made: `make sync` registers the shop to practise on")
        if name in found.settings:
            raise ConfigurationError(f"{name} is both given and removed: choose one of them")
    return found


def _reference(found: Given, key: str, value: str) -> JsonValue:
    if value == STANDARD_INPUT:
        if found.awaited is not None:
            raise ConfigurationError(
                f"One secret can be read from standard input, not {found.awaited} and {key}: "
                "give each with a command of its own"
            )
        found.awaited = key
        return {"secret": masked("")}
    name = _VARIABLE.fullmatch(value)
    if name is None:
        raise ConfigurationError(
            f"A secret is given as --secret {key}=env:VARIABLE, the name of an environment variable, "
            f"or as --secret {key}=- and read from standard input"
        )
    if found.awaited == key:
        found.awaited = None
    return {"env": name[1]}


def _line(name: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        line = getpass.getpass(f"{name} (not shown as you type): ")
    else:
        try:
            line = "" if sys.stdin is None else sys.stdin.buffer.readline().decode()
        except UnicodeDecodeError:
            # Python's own words would quote the bytes.
            raise ConfigurationError(f"The {name} on standard input is no UTF-8 text") from None
    line = line.strip()
    if not line:
        raise ConfigurationError(f"No {name} came on standard input: one line is read there, as from `printf %s KEY |`")
    if not line.isprintable():
        raise ConfigurationError(f"The {name} on standard input holds a control character: copy it again")
    return line


def _pair(text: str, option: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not key or not mark:
        raise ConfigurationError(f"{option} takes key=value")
    return key, value


def _value(text: str) -> JsonValue:
    """JSON where it is JSON, else text (INTERFACE.md)."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
