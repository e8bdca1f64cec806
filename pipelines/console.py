"""What people and scripts see: data on standard output, messages on standard error; JSON or words, never both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.sandbox.server import Sandbox

_PROBLEMS_SHOWN = 20
_PIPE_WIDTH = 200
_COUNTS = ("fetched", "created", "updated", "unchanged", "absent", "rejected")


class Console:
    """Where a command's output goes."""

    def __init__(self, *, json: bool, verbose: bool) -> None:
        self.json = json
        self.verbose = verbose

    def tell(self, sentence: str) -> None:
        """A message, on standard error."""
        print(sentence, file=sys.stderr, flush=True)

    def detail(self, sentence: str) -> None:
        """A message for those who asked for more."""
        if self.verbose:
            self.tell(sentence)

    def show(self, data: Any, words: Callable[[], None]) -> None:
        """Print the data as JSON where that was asked for, else in words."""
        if not self.json:
            words()
            return
        import orjson

        sys.stdout.write(orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")

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

    def result(self, log: dict[str, Any], where: str, hints: Sequence[tuple[str, str]]) -> None:
        """The end of a sync: its counts in a table, the status, the time, where the data is, what to try next."""
        receipt = (log["summary"] or {}).get("receipt") or {}
        counts = [log[f"products_{name}"] if f"products_{name}" in log else receipt.get(name, 0) for name in _COUNTS]
        table = self._table(*_COUNTS)
        table.add_row(*(f"{count:,}" for count in counts))
        self._print(table)
        self._trouble(log)
        seconds = (log["duration_ms"] or 0) / 1000
        print(f"{str(log['status']).upper()} in {seconds:.1f} s   sync {str(log['id'])[:8]}   {where}")
        width = max(len(command) for command, _ in hints)
        for command, what in hints:
            print(f"  {command:<{width}}   {what}")

    def _trouble(self, log: dict[str, Any]) -> None:
        summary = log["summary"] or {}
        details = log["error_details"] or {}
        for warning in summary.get("warnings", []):
            count = f"{warning['products']:,} products: " if "products" in warning else ""
            print(f"warning: {count}{warning['message']}")
        problems = details.get("problems", [])
        for problem in problems[:_PROBLEMS_SHOWN]:
            concerns = f" [{problem['concerns']}]" if problem["concerns"] else ""
            print(f"error: {problem['message']}{concerns}")
        more = log["errors_count"] - min(len(problems), _PROBLEMS_SHOWN)
        if problems and more > 0:
            print(f"error: and {more:,} more")

    def integrations(self, rows: Sequence[dict[str, Any]]) -> None:
        """A line an integration."""
        table = self._table("id", "type", "name", "active", "last sync, UTC", "status", "every")
        for row in rows:
            every = f"{row['sync_interval_minutes']} min" if row["sync_enabled"] else "by hand"
            active = "yes" if row["is_active"] else "no"
            table.add_row(
                str(row["id"])[:8], row["type"], row["name"], active, _time(row["last_sync_at"]),
                row["last_sync_status"] or "never", every,
            )  # fmt: skip
        self._print(table) if rows else self.tell("There is no integration yet")

    def logs(self, rows: Sequence[dict[str, Any]]) -> None:
        """A line a sync."""
        table = self._table("id", "started, UTC", "status", *_COUNTS[:4], "errors", "s")
        for row in rows:
            counts = [f"{row[f'products_{name}']:,}" for name in _COUNTS[:4]]
            seconds = "" if row["duration_ms"] is None else f"{row['duration_ms'] / 1000:.1f}"
            table.add_row(
                str(row["id"])[:8],
                _time(row["started_at"]),
                str(row["status"]),
                *counts,
                f"{row['errors_count']:,}",
                seconds,
            )
        self._print(table) if rows else self.tell("There is no sync yet")

    def log(self, row: dict[str, Any]) -> None:
        """One sync, whole."""
        self.details({name: value for name, value in row.items() if name not in ("summary", "error_details")})
        self._trouble(row)
        receipt = (row["summary"] or {}).get("receipt")
        if receipt:
            print("receipt: " + ", ".join(f"{name} {count}" for name, count in receipt.items()))

    def details(self, row: dict[str, Any]) -> None:
        """A row, a line a column."""
        width = max(map(len, row))
        for name, value in row.items():
            if value is not None:
                print(f"{name:<{width}}  {_word(value)}")

    def _table(self, *columns: str) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for column in columns:
            table.add_column(column, justify="right" if column in (*_COUNTS, "errors", "s") else "left", no_wrap=True)
        return table

    def _print(self, table: Table) -> None:
        from rich.console import Console as Rich

        # A pipe has no width: nothing is cut for it.
        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        Rich(file=sys.stdout, highlight=False, width=width).print(table)


def _time(value: Any) -> str:
    return "never" if value is None else f"{value.astimezone(UTC):%m-%d %H:%M}"


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_word(item)}" for key, item in value.items()) or "(none)"
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)
