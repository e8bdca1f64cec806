"""`python -m benchmarks`: every case, every contender in turn, on both engines; one table, saved as RESULTS.md."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from benchmarks.cases import CASES, QUICK, Case, Moment
from benchmarks.contenders import Contender, Floor, Guidelight, Measured
from benchmarks.machine import described
from benchmarks.places import ENGINES, Places
from benchmarks.shop import opened
from benchmarks.table import Row, markdown, show

RESULTS = Path(__file__).with_name("RESULTS.md")

Runs = dict[tuple[str, Moment, str], list[Measured]]
"""By engine, moment and contender."""


def measured(case: Case, contenders: Sequence[Contender], places: Places, repeat: int) -> list[Row]:
    """Every contender, on both engines, through all moments, `repeat` times in turn."""
    runs: Runs = {(e, m, c.name): [] for e in ENGINES for m in Moment for c in contenders}
    with opened(case) as shop:
        for repetition in range(repeat):
            for engine in ENGINES:
                for contender in contenders:
                    print(
                        f"case {case.name}, {repetition + 1} of {repeat}: {engine}, {contender.name}", file=sys.stderr
                    )
                    with places.fresh(engine) as place:
                        for moment in Moment:
                            shop.open()
                            if moment is Moment.CHANGED:
                                shop.change(share=0.01)
                            if moment is Moment.FIRST:
                                contender.prepare(place, shop)
                            runs[engine, moment, contender.name].append(contender.sync(place, shop))
    return [Row(engine, moment, contender, found) for (engine, moment, contender), found in runs.items()]


def main() -> None:
    """Measure, print the tables, and save them unless it was only tried."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure guidelight sync beside the floor.")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is measured (default 3)")
    parser.add_argument("--quick", action="store_true", help="500 products, once; nothing is saved")
    parser.add_argument("--output", type=Path, help=f"where to save (default {RESULTS.name}, with --quick nowhere)")
    given = parser.parse_args()
    about = described() | {"command": f"python -m benchmarks {shlex.join(sys.argv[1:])}".strip()}
    output = given.output or (None if given.quick else RESULTS)
    repeat = 1 if given.quick and given.repeat == 3 else max(1, given.repeat)
    found: dict[Case, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="guidelight-bench-") as directory:
        home = Path(directory) / "home"
        with closing(Places(Path(directory))) as places:
            for case in QUICK if given.quick else CASES:
                found[case] = measured(case, (Floor(home), Guidelight(home)), places, repeat)
                show(case, found[case], Console(width=200))
    if output is not None:
        output.write_text(markdown(about, found))
        print(f"saved in {output}", file=sys.stderr)


if __name__ == "__main__":
    main()
