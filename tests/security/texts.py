"""Texts that a source may send to give orders: to a terminal, a log's reader, GitHub, SQL, dbt's Jinja, a shell."""

from __future__ import annotations

MARK = "FORGED"
"""What each text would have said in its own right, somewhere."""

TERMINAL = (
    f"a\nerror: {MARK}",
    f"a\r\n\r\nSUCCESS in 0.1 s   sync {MARK}",
    f"a\rerror: {MARK}",
    f"\x1b[2J\x1b[1;31merror: {MARK}\x1b[0m",
    f"\x1b]0;{MARK}\x07\x1b]8;;http://evil.example\x07here\x1b]8;;\x07",
    f"\x1bP+q{MARK}\x1b\\",
    f"\x9b2J\x9b31m{MARK}",
    f"\x08\x08\x7f\x7f{MARK}",
    f"a\x0berror: {MARK}\x0cb\x1cc\x1dd\x1ee\x1ff",
    f"a\x85error: {MARK}",
    f"a\u2028error: {MARK}\u2029b",
    f"a\u202e{MARK}\u202c \u2066b\u2069 \u200fc",
    f"\U000e0001\U000e0041{MARK}",
    f"\ufffe\uffff\ufdd0{MARK}",
    f"[link=file:///etc/passwd][red]{MARK}[/red][/link] :warning:",
)

GITHUB = (
    f"::error::{MARK}",
    f"  ::add-mask::{MARK}",
    f"\ufeff::error::{MARK}",
    f"\u200b::error::{MARK}",
    f"\n::error file=a.py,line=1::{MARK}",
    f"::stop-commands::{MARK}",
    f"##[error]{MARK}",
    f"a ##[add-mask]{MARK}",
    f"###[group]{MARK}",
    f"| {MARK} | a |\n| --- | --- |\n| b | c |",
    f"<script>alert('{MARK}')</script><img src=x onerror=alert('{MARK}')>",
    f"</details></summary></td></script><h1>{MARK}</h1><!--",
    f"[{MARK}](javascript:alert(1)) ![{MARK}](https://evil.example/x.png) @octocat #1",
    f"```\n# {MARK}\n```\n- [x] {MARK}",
)

CODE = (
    f"'; drop table products; -- {MARK}",
    f'"; drop table products; -- {MARK}',
    f"\\'; drop table products; -- {MARK}",
    f"$$; drop table products; -- {MARK}",
    f"/* {MARK} */ ' or '1'='1",
    f"../../../../etc/passwd#{MARK}",
    f"..\\..\\{MARK}",
    f"/etc/passwd?{MARK}",
    f"%2e%2e%2f{MARK}",
    f"$id $start $source :id ? {MARK}",
    f"%s %(id)s %% {{0}} {{name}} {MARK}",
    f"{{{{ 1/0 }}}} {MARK}",
    f"{{% raw %}} {MARK}",
    f"{{% endraw %}}{{{{ env_var('HOME') }}}}{{# {MARK}",
    f"{{%- do adapter.execute('drop table products') -%}}{MARK}",
    f"$(id) `id` ; id | id && id > x {MARK}",
    f"-- {MARK}",
    f"--database={MARK}",
    f"!!python/object/apply:os.system [{MARK}]",
    f"guidelight: {MARK}",
)

ALL = (*TERMINAL, *GITHUB, *CODE)

REFUSED = (f"a\x00{MARK}", f"a\ud800{MARK}", f"\udfff\x1b[2J\n::error::{MARK}")
"""Texts that no database takes: their records are rejected."""


def orderly(said: str) -> str:
    """What was said, after it was seen that each line is one, is seen, and is no order to GitHub's runner."""
    for line in said.split("\n"):
        assert line.isprintable(), f"not printable: {line!r}"
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line
        assert not line.lstrip().startswith((f"error: {MARK}", "SUCCESS in 0.1")), line
    return said
