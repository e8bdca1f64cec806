"""What the --help of each command ends with: one to three examples that work."""

from __future__ import annotations

import typer

LONGEST = 78
"""Letters of a line, so that none is broken in a terminal of 80."""

Examples = tuple[tuple[str, str], ...]
"""(what it is for, the command as it is typed)."""

EXAMPLES: dict[str, Examples] = {
    "": (
        ("a first look, with a shop to practise on", "guidelight sync --or-sandbox"),
        ("your own shop: asks for what it needs", "guidelight integrations add"),
        ("how everything fares", "guidelight status"),
    ),
    "sync": (
        ("every active shop", "guidelight sync"),
        ("one product, and why it is as it is", "guidelight sync --product SOURCE_ID"),
        ("from cron: what is due, the result as JSON", "guidelight sync --due --json"),
    ),
    "plan": (
        ("what would a sync do now?", "guidelight plan"),
        ("the same for a script, every change with its old and new values", "guidelight plan --json"),
    ),
    "replay": (
        ("the category map was mended: map what staging has once more", "guidelight replay"),
        ("what one sync received", "guidelight replay --sync 1a2b3c4d"),
    ),
    "migrate": (
        ("the database of DATABASE_URL", "guidelight migrate"),
        ("another one", "guidelight migrate --database postgresql://postgres@localhost:5432/app"),
    ),
    "sandbox": (
        ("a shop of 2,000 products that answers slowly", "guidelight sandbox --products 2000 --latency 300"),
        ("one whose second page is a web page", "guidelight sandbox --fault html:page=2"),
    ),
    "history": (("what syncs did to one product", "guidelight history SOURCE_ID"),),
    "verify": (
        ("does the newest publish add up?", "guidelight verify"),
        ("an older one", "guidelight verify --sync 1a2b3c4d"),
    ),
    "report": (
        ("one page to look at: build/report/index.html", "guidelight report"),
        ("a page to hand on", "guidelight report --output menu.html"),
    ),
    "status": (("for a monitor: exit 0 when all is well", "guidelight status --json"),),
    "doctor": (
        ("is this machine, and this database, fit for a sync?", "guidelight doctor"),
        ("another database", "guidelight doctor --database data/other.duckdb"),
    ),
    "inspect": (
        ("one of the questions in sql/inspect", "guidelight inspect out_of_stock"),
        ("a prompt for SQL, read-only", "guidelight inspect"),
    ),
    "integrations add": (
        ("at a terminal: asks for what is missing, and tries it", "guidelight integrations add"),
        (
            "in a script; the key stays in the environment",
            'guidelight integrations add --type treez --name "Treez - Main Store" \\\n'
            "  --set dispensary_id=mainstore --set client_id=ID \\\n"
            "  --secret api_key=env:TREEZ_API_KEY",
        ),
        (
            "the key comes on standard input, and is sealed",
            'guidelight integrations add --type treez --name "Treez - Main Store" \\\n'
            "  --set dispensary_id=mainstore --secret api_key=- < key.txt",
        ),
    ),
    "integrations list": (("which shops are there?", "guidelight integrations list"),),
    "integrations show": (("the shop whose id begins so", "guidelight integrations show 1a2b3c4d"),),
    "integrations set": (
        ("at most five requests a second", "guidelight integrations set 1a2b3c4d --set requests_per_second=5"),
        (
            "the shop's own word for a category",
            'guidelight integrations set 1a2b3c4d \\\n  --set \'category_map={"DABS": "concentrate"}\'',
        ),
        ("a new key, hidden as it is typed", "guidelight integrations set 1a2b3c4d --secret api_key=-"),
    ),
    "integrations enable": (("sync it from now on", "guidelight integrations enable 1a2b3c4d"),),
    "integrations disable": (("no more syncs of it", "guidelight integrations disable 1a2b3c4d"),),
    "integrations test": (("does it answer, and take the key?", "guidelight integrations test 1a2b3c4d"),),
    "integrations rotate": (("after a new key was put first", "guidelight integrations rotate"),),
    "logs list": (("the newest five", "guidelight logs list --limit 5"),),
    "logs show": (
        ("the newest sync explained", "guidelight logs show"),
        ("an older one", "guidelight logs show 1a2b3c4d"),
    ),
    "staging list": (("which syncs does staging keep?", "guidelight staging list"),),
    "staging show": (
        ("the first hundred products", "guidelight staging show --limit 100"),
        ("one, with its record and what it looked like before", "guidelight staging show SOURCE_ID"),
    ),
    "staging rejected": (("what could the newest sync not use, and why?", "guidelight staging rejected"),),
}
"""By the words of the command; "" is the program itself."""


def teach(app: typer.Typer, before: str = "") -> None:
    """Give each command of the app its examples."""
    if not before:
        app.info.epilog = _told(EXAMPLES[""])
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        command.epilog = _told(EXAMPLES.get(f"{before}{name}", ()))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        teach(group.typer_instance, f"{before}{group.name} ")


def _told(examples: Examples) -> str | None:
    return "\n\n".join(f"# {what}\n{command}" for what, command in examples) or None
