"""Tables that can be narrowed: how many of their rows have each value of a column, and only the rows with one of them.

What is chosen stands in the address, one field for each column: ``only_state=off``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

PREFIX = "only_"
VALUES = 12
"""Values of a column that are listed, the most frequent ones."""

Column = Callable[[Any], str | Iterable[str]]
"""What a row has in a column: a text, or several; an empty text is nothing."""


class Value(NamedTuple):
    """A value of a column. ``address``: the query of the page with it chosen, or without it where it is ``chosen``."""

    text: str
    rows: int
    address: str
    chosen: bool


class Facet(NamedTuple):
    """The values of a column, the most frequent first; ``others``: rows with values that are not listed."""

    name: str
    listed: list[Value]
    others: int


class Table(NamedTuple):
    """``rows`` are those that are shown, of ``total``. A column is counted over the rows that the others leave."""

    rows: list[Any]
    facets: list[Facet]
    total: int
    narrowed: bool


def narrow(query: Sequence[tuple[str, str]], rows: Sequence[Any], **columns: Column) -> Table:
    """The rows that the query of an address leaves, and the counts of these columns. Columns in which all rows are the
    same are left out."""
    asked = dict(query)
    chosen = {name: asked[PREFIX + name] for name in columns if asked.get(PREFIX + name)}
    cells = [{name: _texts(column(row)) for name, column in columns.items()} for row in rows]

    def fits(cell: dict[str, tuple[str, ...]], but: str = "") -> bool:
        return all(value in cell[name] for name, value in chosen.items() if name != but)

    facets: list[Facet] = []
    for name in columns:
        counts = Counter(text for cell in cells if fits(cell, name) for text in cell[name])
        if len(counts) < 2 and name not in chosen:
            continue
        most = dict(counts.most_common(VALUES))
        if name in chosen:
            most.setdefault(chosen[name], counts[chosen[name]])
        listed = [_value(query, name, text, count, chosen.get(name) == text) for text, count in most.items()]
        facets.append(Facet(name.replace("_", " "), listed, counts.total() - sum(most.values())))
    shown = [row for row, cell in zip(rows, cells, strict=True) if fits(cell)]
    return Table(shown, facets, len(rows), bool(chosen))


def _texts(found: str | Iterable[str]) -> tuple[str, ...]:
    texts = (found,) if isinstance(found, str) else tuple(found)
    return tuple(text for text in texts if text)


def _value(query: Sequence[tuple[str, str]], name: str, text: str, count: int, chosen: bool) -> Value:
    rest = [(key, value) for key, value in query if key not in (PREFIX + name, "as")]
    return Value(text, count, urlencode(rest if chosen else [*rest, (PREFIX + name, text)]), chosen)
