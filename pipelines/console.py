"""What people and scripts see: data on standard output, messages on standard error; JSON or words, never both."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TextIO

from pipelines.plain import plain, plain_json

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from pipelines.doctor import Finding
    from pipelines.inspect import Answer
    from pipelines.reach import Step
    from pipelines.sandbox.server import Sandbox

_PROBLEMS_SHOWN = 20
_PIPE_WIDTH = 10_000
_CELL = 160
"""Letters of a cell that are shown: a whole record would hide the other columns."""

COUNTS = ("fetched", "created", "updated", "unchanged", "absent", "rejected")
"""What a sync came to, in the order in which it is shown."""


GOOD, DOUBTFUL, BAD, QUIET = "green", "yellow", "red", "dim"
"""What colours mean, everywhere: as it should be; look at it; it went wrong; of no importance."""


def say(line: str, colour: str | None = None) -> None:
    """A line of data in words, on standard output."""
    _print(sys.stdout, line, colour)


def tell(sentence: str, colour: str | None = None) -> None:
    """A message, on standard error. Where nobody reads it any more (`2>&1 | head`) what is under way goes on."""
    with contextlib.suppress(OSError):
        _print(sys.stderr, sentence, colour)
        sys.stderr.flush()


def tell_error(error: BaseException) -> None:
    """An error, on standard error: one line, which says what to do next."""
    tell(f"error: {error}", BAD)


def _print(stream: TextIO, line: str, colour: str | None) -> None:
    """A line; its colour is seen at a terminal only, where NO_COLOR lets it."""
    if colour is None or not stream.isatty():
        print(plain(line), file=stream)
        return
    from rich.console import Console as Rich
    from rich.text import Text

    Rich(file=stream, highlight=False).print(Text(plain(line), style=colour), soft_wrap=True)


def tell_trace(error: BaseException) -> None:
    """Where an error came from, on standard error."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        tell(line)


def _write_json(data: Any) -> None:
    import orjson

    text = orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2).decode()
    sys.stdout.write(plain_json(text) + "\n")


OUTCOMES = {"success": GOOD, "partial": DOUBTFUL, "failed": BAD}
"""The colour of a sync's status."""

_STATES = {"healthy": GOOD, "disabled": QUIET, "failing": BAD}
"""The colour of an integration's state; every other is to be looked at."""


class Console:
    """Where a command's output goes. What a source said gives no orders there, whatever it holds."""

    def __init__(self, *, json: bool, verbose: bool) -> None:
        self.json = json
        self.verbose = verbose

    def tell(self, sentence: str) -> None:
        """A message, on standard error."""
        tell(sentence)

    def warn(self, sentence: str) -> None:
        """A message about what did not go as it should, and stopped nothing."""
        tell(sentence, DOUBTFUL)

    def detail(self, sentence: str) -> None:
        """A message for those who asked for more."""
        if self.verbose:
            self.tell(sentence)

    def show(self, data: Any, words: Callable[[], None]) -> None:
        """Print the data as JSON where that was asked for, else in words."""
        if self.json:
            _write_json(data)
        else:
            words()

    def migrated(self) -> None:
        self.tell("the database is up to date")

    def serving(self, shop: Sandbox) -> None:
        """The sandbox's first line, and what to do with it."""
        known = {name: getattr(shop, name) for name in ("base_url", "dispensary_id", "client_id", "api_key")}
        if self.json:
            import orjson

            print(orjson.dumps(known).decode(), flush=True)
            return
        print(" ".join(f"{name}={value}" for name, value in known.items()), flush=True)
        self.tell("stop it with Ctrl-C")

    def integrations(self, rows: Sequence[dict[str, Any]]) -> None:
        """A line an integration."""
        table = self.table("id", "type", "name", "active", "last sync, UTC", "status", "every")
        for row in rows:
            every = f"{row['sync_interval_minutes']} min" if row["sync_enabled"] else "by hand"
            active = "yes" if row["is_active"] else "no"
            table.add_row(
                str(row["id"])[:8], plain(row["type"]), plain(row["name"]), active, _time(row["last_sync_at"]),
                _outcome(row["last_sync_status"] or "never"), every,
            )  # fmt: skip
        self.print(table) if rows else self.tell("There is no integration yet")

    def logs(self, rows: Sequence[dict[str, Any]]) -> None:
        """A line a sync."""
        table = self.table("id", "started, UTC", "status", *COUNTS[:4], "errors", "s")
        for row in rows:
            counts = [f"{row[f'products_{name}']:,}" for name in COUNTS[:4]]
            seconds = "" if row["duration_ms"] is None else f"{row['duration_ms'] / 1000:.1f}"
            table.add_row(
                str(row["id"])[:8],
                _time(row["started_at"]),
                _outcome(row["status"]),
                *counts,
                f"{row['errors_count']:,}",
                seconds,
            )
        self.print(table) if rows else self.tell("There is no sync yet")

    def listing(self, rows: Sequence[dict[str, Any]], columns: Sequence[str], nothing: str) -> None:
        """A line a row, of the columns named; `nothing` is said where there is no row."""
        table = self.table(
            *map(plain, columns), numbers=[name for name in columns if _is_number(rows, name)], folds=True
        )
        for row in rows:
            table.add_row(*(cell(row[name]) for name in columns))
        self.print(table) if rows else self.tell(nothing)

    def health(self, rows: Sequence[dict[str, Any]]) -> None:
        """A line an integration: its state, its last good sync and its age, failures since, the reason."""
        for row in rows:
            good, failed = row["last_good_sync_at"], row["failures_in_a_row"]
            when = (
                "no good sync yet" if good is None else f"last good sync {cell(good)}, {_age(row['age_minutes'])} ago"
            )
            since = f", {failed:,} failed since" if good is not None and failed else ""
            told = f"{row['state']:<8}  {cell(row['name'])} ({row['source']}): {when}{since}; {row['reason']}"
            say(told, _STATES.get(row["state"], DOUBTFUL))
        if not rows:
            self.tell("There is no integration yet")

    def steps(self, steps: Sequence[Step], to: Callable[[str, str | None], None] = say) -> None:
        """What was tried of a shop, a line each."""
        for one in steps:
            to(f"{'ok' if one.ok else 'wrong':<5}  {one.step:<10}  {one.message}", None if one.ok else BAD)

    def findings(self, found: Sequence[Finding]) -> None:
        """What was looked at, a line each; what is wrong once more at the end, where it is read."""
        for one in found:
            say(f"{'ok' if one.ok else 'wrong':<5}  {one.check:<12}  {one.message}", None if one.ok else BAD)
        wrong = [one for one in found if not one.ok]
        names = ", ".join(dict.fromkeys(one.check for one in wrong))
        is_one = "is" if len(wrong) == 1 else "are"
        said = f"{len(wrong)} of {len(found)} {is_one} wrong: {names}" if wrong else f"all {len(found)} are well"
        say(said, f"bold {BAD if wrong else GOOD}")

    def staged(self, row: dict[str, Any]) -> None:
        """One product of staging: when it was seen, what it looked like since when, and its record."""
        self.details({name: row[name] for name in ("source", "source_id", "sync_log_id", "extracted_at")})
        columns = ("content_hash", "first_seen_at", "last_seen_at", "syncs")
        self.listing([one | {"content_hash": one["content_hash"][:12]} for one in row["contents"]], columns, "")
        _write_json(row["payload"])

    def answer(self, answer: Answer) -> None:
        """The rows of a query, or as JSON."""
        self.show(answer.rows, lambda: self.listing(answer.rows, answer.columns, "No row"))
        if answer.is_cut:
            self.tell(f"The first {len(answer.rows):,} rows; there are more")

    def problems(self, log: dict[str, Any]) -> None:
        """A line an error, the first _PROBLEMS_SHOWN, and how many more there are."""
        problems = (log["error_details"] or {}).get("problems", [])
        for problem in problems[:_PROBLEMS_SHOWN]:
            concerns = f" [{problem['concerns']}]" if problem["concerns"] else ""
            say(f"error: {problem['message']}{concerns}", BAD)
        more = log["errors_count"] - min(len(problems), _PROBLEMS_SHOWN)
        if problems and more > 0:
            say(f"error: and {more:,} more", BAD)

    def warnings(self, log: dict[str, Any]) -> None:
        """A line a warning."""
        for warning in (log["summary"] or {}).get("warnings", []):
            count = f"{warning['products']:,} products: " if "products" in warning else ""
            say(f"warning: {count}{warning['message']}", DOUBTFUL)

    def hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """What to try next: commands, and what each is for."""
        width = max(len(command) for command, _ in hints)
        for command, what in hints:
            say(f"  {command:<{width}}   {what}")

    def details(self, row: dict[str, Any]) -> None:
        """A row, a line a column."""
        width = max(map(len, row))
        for name, value in row.items():
            if value is not None:
                say(f"{name:<{width}}  {_word(value)}")

    def table(self, *columns: str, numbers: Sequence[str] = (*COUNTS, "errors", "s"), folds: bool = False) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for column in columns:
            justify: Literal["left", "right"] = "right" if column in numbers else "left"
            overflow: Literal["fold", "ellipsis"] = "fold" if folds else "ellipsis"
            table.add_column(plain(column), justify=justify, no_wrap=not folds, overflow=overflow)
        return table

    def print(self, table: Table) -> None:
        from rich.console import Console as Rich

        # A pipe has no width: nothing is cut for it.
        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        # Without markup and emoji: a name with [brackets] or :colons: is shown as it is.
        Rich(file=sys.stdout, highlight=False, width=width, markup=False, emoji=False).print(table)


def _outcome(status: str) -> Text:
    from rich.text import Text

    return Text(plain(status), OUTCOMES.get(status, ""))


def _time(value: Any) -> str:
    return "never" if value is None else f"{value.astimezone(UTC):%m-%d %H:%M}"


def _age(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _is_number(rows: Sequence[dict[str, Any]], name: str) -> bool:
    found = [row[name] for row in rows if row[name] is not None]
    return bool(found) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in found
    )


def cell(value: Any) -> str:
    """A value on one line; what a terminal would obey, in a source's text, is shown as a blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    return plain(text[:_CELL]) + ("…" if len(text) > _CELL else "")


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_word(item)}" for key, item in value.items()) or "(none)"
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)
