"""`python -m benchmarks`: every case, every contender in turn, on both engines; one table, saved as RESULTS.md."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from benchmarks import written
from benchmarks.cases import CASES, GROWTH, QUICK, Case, Moment
from benchmarks.contenders import Cold, Contender, Floor, Warm, environment
from benchmarks.machine import described
from benchmarks.measured import Measured, NotMeasured
from benchmarks.peers import PlainDlt, Sling
from benchmarks.places import ENGINES, Places
from benchmarks.rows import Found, Row, Sheet
from benchmarks.shop import Shop, opened
from benchmarks.startup import startup
from benchmarks.table import markdown, show, show_bars

RESULTS = Path(__file__).with_name("RESULTS.md")

CONTENDERS: Mapping[str, Callable[[Path], Contender]] = {
    "floor": Floor,
    "cold": Cold,
    "warm": Warm,
    "dlt": PlainDlt,
    "sling": Sling,
}

_SLOW = 100_000
"""From so many products up plain dlt takes minutes for each sync: it is measured once."""


def lived(contender: Contender, engine: str, places: Places, shop: Shop) -> dict[Moment, Measured]:
    """One database, synced at all moments. Raises NotMeasured."""
    runs: dict[Moment, Measured] = {}
    with places.fresh(engine) as place:
        for moment in Moment:
            shop.open()
            if moment is Moment.CHANGED:
                shop.change()
            contender.prepare(place, shop)
            before = written.before(place, contender.table, moment)
            run = contender.sync(place, shop)
            runs[moment] = written.after(place, contender.table, shop.case, moment, before, run)
    return runs


def measured(
    case: Case, contenders: Sequence[Contender], engines: Sequence[str], places: Places, home: Path, repeat: int
) -> Sheet:
    """Every contender, on the engines, through all moments, `repeat` times in turn, and each time a start-up."""
    runs: dict[tuple[str, Moment, str], list[Measured]] = {
        (engine, moment, contender.name): [] for engine in engines for moment in Moment for contender in contenders
    }
    reasons: dict[tuple[str, str], str | None] = {(e, c.name): c.refuses(e) for e in engines for c in contenders}
    startups: list[float] = []
    with opened(case) as shop:
        for repetition in range(repeat):
            for engine in engines:
                try:
                    startups.append(startup(environment(home)))
                except NotMeasured as failure:
                    print(f"bench: {failure}", file=sys.stderr)
                for contender in contenders:
                    slow = repetition > 0 and contender.name == PlainDlt.name and case.products >= _SLOW
                    if slow or reasons[engine, contender.name] is not None:
                        continue
                    print(
                        f"case {case.name}, {repetition + 1} of {repeat}: {engine}, {contender.name}", file=sys.stderr
                    )
                    try:
                        for moment, run in lived(contender, engine, places, shop).items():
                            runs[engine, moment, contender.name].append(run)
                    except NotMeasured as failure:
                        print(f"bench: {failure}", file=sys.stderr)
                        reasons[engine, contender.name] = str(failure)
    rows = [Row(e, moment, name, found, reasons[e, name]) for (e, moment, name), found in runs.items()]
    return Sheet(rows, startups)


def main() -> None:
    """Measure, print the tables, and save them unless it was only tried."""
    given = _parser().parse_args()
    about = described() | {"command": f"python -m benchmarks {shlex.join(sys.argv[1:])}".strip()}
    everything = not given.quick and given.growth is None and given.case is None
    output = given.output or (RESULTS if everything else None)
    if given.quick:
        cases, names = [QUICK], given.contender or ["floor", "cold"]
    elif given.growth is not None:
        cases, names = [GROWTH[name] for name in given.growth], given.contender or ["floor", "cold"]
    else:
        cases, names = [CASES[name] for name in given.case or CASES], given.contender or list(CONTENDERS)
    repeat = given.repeat or (3 if everything else 1)
    with tempfile.TemporaryDirectory(prefix="guidelight-bench-") as directory:
        home = Path(directory) / "home"
        found = Found({})
        contenders: list[Contender] = [CONTENDERS[name](home) for name in names]
        with closing(Places(Path(directory))) as places:
            for case in cases:
                sheet = measured(case, contenders, given.engine or ENGINES, places, home, repeat)
                found = Found({**found.cases, case: sheet})
                show(case, sheet, Console(width=240))
        for contender in contenders:
            contender.close()
    with_bars = not given.quick and given.growth is None
    if with_bars:
        show_bars(found, Console(width=160))
    if output is not None:
        output.write_text(markdown(about, found, with_bars=with_bars))
        print(f"saved in {output}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    def chosen(known: Sequence[str]) -> dict[str, object]:
        def names(text: str) -> list[str]:
            unknown = [name for name in text.split(",") if name not in known]
            if unknown:
                raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
            return text.split(",")

        return {"type": names, "metavar": ",".join(known)}

    parser = argparse.ArgumentParser(prog="make bench", description="Measure guidelight sync beside the floor.")
    cases = parser.add_mutually_exclusive_group()
    cases.add_argument("--case", **chosen(list(CASES)), help="default: all")  # type: ignore[arg-type]
    cases.add_argument("--growth", **chosen(list(GROWTH)), help="figures without a bar")  # type: ignore[arg-type]
    cases.add_argument("--quick", action="store_true", help=f"{QUICK.products} products, floor and cold; not saved")
    parser.add_argument("--engine", **chosen(ENGINES), help="default: both")  # type: ignore[arg-type]
    parser.add_argument("--contender", **chosen(list(CONTENDERS)), help="default: all")  # type: ignore[arg-type]
    parser.add_argument("--repeat", type=int, help="how often each is measured (default 3; 1 of a choice)")
    parser.add_argument("--output", type=Path, help=f"where to save (default {RESULTS.name} when all is measured)")
    return parser


if __name__ == "__main__":
    main()
