"""What stands in for another container: takes the turn of treez in its own namespaces, and keeps it until it is ended.

Run as `python -m tests.faults.container DATABASE_URL`. It says `has <sync_log_id>` or `refused: …`; waiting and
whatever else goes to standard error. The end of its standard input lets it give the turn back.
"""

from __future__ import annotations

import sys

from pipelines import store, turn
from pipelines.database import connect
from pipelines.errors import TurnRefused
from pipelines.settings import target
from pipelines.transform import release


def main(url: str) -> None:
    where = target(url)
    with connect(where) as connection:
        integration = store.active(connection, "treez")
    assert integration is not None
    opening = turn.Opening(integration, "scheduled", None, release())
    try:
        with turn.take(where, opening, lambda said: print(said, file=sys.stderr, flush=True)) as held:
            print("has", held.sync_log_id, flush=True)
            sys.stdin.read()
    except TurnRefused as refused:
        print("refused:", refused, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
