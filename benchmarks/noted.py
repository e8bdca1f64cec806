"""`guidelight` as its console script starts it, noting on the way when a publish was proven.

sync_logs.published_at is the start of the publishing transaction on both engines, and what a user waits for is its
end. The first argument is the file to note in, the rest is the command.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from pipelines import store
from pipelines.cli import main


def note(where: Path) -> None:
    """Write time.time() of the moment at which the sync reads back that it was published."""
    module: Any = store
    proven = module.published_at

    def noting(*arguments: Any) -> Any:
        moment = proven(*arguments)
        if moment is not None and not where.exists():
            where.write_text(str(time.time()))
        return moment

    module.published_at = noting


if __name__ == "__main__":
    note(Path(sys.argv[1]))
    main(sys.argv[2:])
