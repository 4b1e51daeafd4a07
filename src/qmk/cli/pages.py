"""Lists of the daemon, which come in pages, as commands show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def collect(
    limit: int, page_of: Callable[[int, str], Any], rows_of: Callable[[Any], list[Any]]
) -> tuple[list[Any], bool]:
    """At most ``limit`` rows, from as many pages as that takes, and whether there are more."""
    from qmk.base.limits import LIMITS

    rows: list[Any] = []
    cursor: str | None = ""
    while cursor is not None and len(rows) < limit:
        page = page_of(min(limit - len(rows), LIMITS.page_rows), cursor)
        rows += rows_of(page)
        cursor = page.next
    return rows, cursor is not None


def tell_more(more: bool) -> None:
    """A list that was cut says so."""
    if more:
        click.echo("there are more; --limit shows them", err=True)
