"""Text that others wrote, on GitHub: it is shown as it is, and never becomes markdown, HTML, a link or a command."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal

_JOINER = "\u2060"
"""WORD JOINER: no width, no break. It keeps GitHub from taking what stands around it for a mention or an address."""

_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
_TURNING = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that turn the direction of the text after them, past the end of their own cell."""

# GitHub reads these in the rendered text, where an entity is a character again: @name, #12, GH-12, www.…, ://…
_REFERENCES = re.compile(r"@|#|(?<=GH)-|www(?=\.)|:(?=//)", re.IGNORECASE)


def one_line(value: Any, longest: int) -> str:
    """The text without line breaks, control and direction marks, at most `longest` characters of it."""
    text = str(value)
    kept = "".join(
        " " if character in _TURNING or unicodedata.category(character) in _UNSEEN else character for character in text
    )
    words = " ".join(kept.split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def markdown(value: Any, longest: int = 120) -> str:
    """The text as GitHub's markdown shows it literally, in a table's cell too.

    Every ASCII sign is written as a numeric entity: an entity is text and builds no structure (GFM, 6.2).
    """
    apart = _REFERENCES.sub(lambda found: found[0] + _JOINER, one_line(value, longest))
    return "".join(
        character if character.isalnum() or character == " " or not character.isascii() else f"&#{ord(character)};"
        for character in apart
    )


def annotation(level: Literal["error", "warning"], title: str, message: Any) -> str:
    """One workflow command of GitHub's: a line on the run's page. Escaped as the runner's own toolkit does it."""
    text = one_line(message, 1_000)
    return f"::{level} title={_escaped(one_line(title, 200), '%:,')}::{_escaped(text, '%')}"


def _escaped(text: str, signs: str) -> str:
    return "".join(f"%{ord(character):02X}" if character in signs else character for character in text)
