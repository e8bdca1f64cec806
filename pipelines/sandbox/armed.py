"""The faults that are set: read from their texts, met by requests, counted down as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.errors import ConfigurationError
from pipelines.sandbox.faults import ALL, CONCERNS, CONTENT, FAULTS, LISTING, Kind, Value

COMMON = ("page", "times", "after", "every", "at")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to come: its page (None: any), how many times (None: for ever), what it concerns, its own arguments.

    Of the requests that it could meet, the first `after` are spared, and then only each `every`th is hit.
    """

    name: str
    page: int | None
    times: int | None
    concerns: str
    options: Mapping[str, Value]
    after: int = 0
    every: int = 1
    text: str = ""

    def number(self, option: str) -> int:
        """An option that is a number."""
        return int(self.options[option])

    @property
    def lasting(self) -> bool:
        """Whether it hits each request that it can meet, for ever."""
        return self.times is None and self.after == 0 and self.every == 1

    def meets(self, asked_for: str, page: int | None) -> bool:
        """Whether a request is one that it could hit; repeat-page concerns every later page as well."""
        if asked_for not in CONCERNS[self.concerns]:
            return False
        if self.page is None or page is None:
            return True
        return page >= self.page if self.name == "repeat-page" else page == self.page


def parse_fault(text: str) -> Fault:
    """Read `name` or `name:key=value,key=value`.

    Raises ConfigurationError, naming what is known, for an unknown name or argument or a value that can't be.
    """
    name, _, arguments = text.strip().partition(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise ConfigurationError(f"Unknown fault {name!r}: known are {', '.join(sorted(FAULTS))}")
    given = _arguments(name, kind, arguments)
    page = _whole(name, "page", given.pop("page", None), kind.page, least=2 if name == "repeat-page" else 1)
    times = _whole(name, "times", given.pop("times", None), kind.times, least=1)
    after = _whole(name, "after", given.pop("after", None), 0, least=0) or 0
    every = _whole(name, "every", given.pop("every", None), 1, least=1) or 1
    by_page = page is not None and kind.concerns in (ALL, CONTENT)
    at = given.pop("at", LISTING if by_page else kind.concerns)
    if at not in CONCERNS:
        raise ConfigurationError(f"Fault {name}: at={at} is not one of {', '.join(CONCERNS)}")
    options = {key: _option(name, key, given.get(key), default) for key, default in kind.takes.items()}
    return Fault(name, page, times, at, options, after, every, text.strip())


def _arguments(name: str, kind: Kind, text: str) -> dict[str, str]:
    known = (*COMMON, *kind.takes)
    found: dict[str, str] = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals or key not in known:
            raise ConfigurationError(f"Fault {name} does not take {part!r}: it takes {', '.join(known)}, as key=value")
        found[key] = value
    return found


def _option(name: str, key: str, given: str | None, default: Value | tuple[str, ...]) -> Value:
    if isinstance(default, tuple):
        if given is not None and given not in default:
            raise ConfigurationError(f"Fault {name}: {key}={given} is not one of {', '.join(default)}")
        return default[0] if given is None else given
    if isinstance(default, int):
        return _whole(name, key, given, default, least=0) or 0
    return default if given is None else given


def _whole(name: str, key: str, value: str | None, default: int | None, *, least: int) -> int | None:
    if value is None:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ConfigurationError(f"Fault {name}: {key} must be a whole number from {least}, not {value!r}")
    return int(value)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None
    met: int = field(default=0)

    def hits(self) -> bool:
        """Count a request that it could hit, and say whether it does."""
        self.met += 1
        due = self.met > self.fault.after and (self.met - self.fault.after) % self.fault.every == 0
        if due and self.left is not None:
            self.left -= 1
        return due


class Faults:
    """The faults that are set, counted down as they come; safe with many requests at once."""

    def __init__(self, faults: Iterable[str | Fault] = ()) -> None:
        """Raises ConfigurationError as `parse_fault` does."""
        self._armed: dict[str, list[_Armed]] = {}
        for given in faults:
            fault = given if isinstance(given, Fault) else parse_fault(given)
            self._armed.setdefault(fault.name, []).append(_Armed(fault, fault.times))
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._armed)

    def texts(self) -> list[str]:
        """What was set and has not healed, as it was written."""
        return [one.fault.text for armed in self._armed.values() for one in armed if one.left != 0]

    def take(self, name: str, asked_for: str, page: int | None = None) -> Fault | None:
        """The fault, if it is set for this request and page and has not healed: this use is counted.

        `asked_for` is one of CONCERNS[ALL]. Without a page, as in the bearer dialect's one list, the fault's page does
        not matter.
        """
        if name not in self._armed:
            return None
        with self._lock:
            armed = self._place(name, asked_for, page)
            return armed.fault if armed is not None and armed.hits() else None

    def look(self, name: str, asked_for: str) -> Fault | None:
        """The fault, if it is set and has not healed, whatever its page: nothing is counted."""
        if name not in self._armed:
            return None
        with self._lock:
            armed = self._place(name, asked_for, None)
            return None if armed is None else armed.fault

    def _place(self, name: str, asked_for: str, page: int | None) -> _Armed | None:
        for armed in self._armed[name]:
            if armed.left != 0 and armed.fault.meets(asked_for, page):
                return armed
        return None
