"""Lists of the daemon, which come in pages, as commands show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qmk.cli import output, terminal


def collect(limit: int, call: Callable[..., Any], name: str) -> tuple[list[Any], bool]:
    """At most ``limit`` rows, from as many pages of ``call`` as that takes, and whether there are more. ``name`` is the
    field of a page that has the rows."""
    from qmk.base.limits import LIMITS

    rows: list[Any] = []
    cursor: str | None = ""
    while cursor is not None and len(rows) < limit:
        page = call(limit=min(limit - len(rows), LIMITS.page_rows), cursor=cursor)
        rows += getattr(page, name)
        cursor = page.next
    return rows, cursor is not None


def show(
    as_json: bool, rows: list[Any], more: bool, head: Sequence[str], table: Sequence[Sequence[str]], none: str
) -> None:
    """The rows as JSON, or as a table that says whether it was cut; ``none`` where there are no rows."""
    output.show(as_json, rows, output.table(head, table) if rows else none)
    if more and not as_json:
        terminal.say("there are more; --limit shows them", err=True)
