"""Text that others wrote, as a terminal and a log may have it: one line that gives no orders."""

from __future__ import annotations

import re

_ORDER = re.compile(r"^\s*:(?=:)|#(?=#\[)")
"""What GitHub's runner takes for a command to itself: `::…` at the beginning of a line, `##[…` anywhere in it."""

_UNSEEN_IN_JSON = re.compile(r"[^\n -~]|#(?=#\[)")


def plain(value: object) -> str:
    """The text with a blank for each character that is not seen, and orders to GitHub's runner taken apart.

    Not seen are line breaks of all kinds, controls (a terminal obeys those), marks that turn the direction of what
    follows, and lone surrogates (which can't be printed).
    """
    text = str(value)
    seen = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return _ORDER.sub(lambda found: f"{found[0]} ", seen)


def plain_json(text: str) -> str:
    r"""JSON text that means the same, with each such character as \uXXXX: JSON itself escapes those below 32 only."""
    return _UNSEEN_IN_JSON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    if letter.isprintable() and letter != "#":
        return letter
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def first_line(error: Exception) -> str:
    """What an error says first; where it says nothing, what it is."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
