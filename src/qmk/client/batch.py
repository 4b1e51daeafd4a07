"""What a batch gives: a sequence with a result for each entry."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from qmk.client.counts import Counts, summarize
from qmk.models.arguments import show

if TYPE_CHECKING:
    import numpy as np

    from qmk.request.batches import Entry

    Array = np.ndarray[Any, np.dtype[Any]]

SHOWN_ENTRIES = 20
"""Most entries of a batch in a notebook."""


class HasCounts(Protocol):
    """A ``Result`` or a ``Sampled``."""

    @property
    def counts(self) -> Counts: ...

    @property
    def shots(self) -> int: ...


T = TypeVar("T")
D = TypeVar("D", bound=HasCounts)


class Batch(Sequence[T], Generic[T]):
    """The results of a batch by index, programs in order and the points of each after one another. It is a sequence:
    it has a length, is indexed and sliced, and iterated. ``seed`` is the batch's; that of an entry is in ``entries``,
    with the places of its program and point and its parameters."""

    def __init__(self, found: Sequence[T], entries: Sequence[Entry], seed: int) -> None:
        self._found = list(found)
        self.entries = list(entries)
        self.seed = seed

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._found[index]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}, seed {self.seed}>"

    def _show(self, found: T) -> str:
        """One entry in a line of text."""
        return repr(found)

    def _repr_html_(self) -> str:
        cell = "padding:1px 8px;text-align:left"
        rows = [("entry", "program", "parameters", "result")]
        for entry, found in zip(self.entries[:SHOWN_ENTRIES], self._found, strict=False):
            params = "" if entry.point is None else show(dict(entry.params or {}), 60)
            rows.append((str(entry.index), str(entry.program), params, self._show(found)))
        lines = ["".join(f'<td style="{cell}">{html.escape(text)}</td>' for text in row) for row in rows]
        if len(self) > SHOWN_ENTRIES:
            lines.append(f'<td colspan="4">... {len(self) - SHOWN_ENTRIES} more entries</td>')
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<div>{len(self)} entries, seed {self.seed}</div><table style="border:0">{body}</table>'


class CountsBatch(Batch[D]):
    """A batch of results with counts."""

    @property
    def counts(self) -> list[Counts]:
        """The counts of each entry."""
        return [found.counts for found in self]

    def _show(self, found: D) -> str:
        return summarize(found.counts)


class ValuesBatch(Batch[T]):
    """A batch of expectation values: an entry is what ``qmk.expectation`` gives for one program at one point."""

    @property
    def values(self) -> Array:
        """The values, of shape (entries,), or (entries, observables) where a list of observables was given."""
        return self._table("value")

    @property
    def errors(self) -> Array:
        """Their standard errors, of the same shape."""
        return self._table("error")

    def _table(self, name: str) -> Array:
        import numpy as np

        rows: list[Any] = list(self)
        return np.array([_each(row, lambda one: getattr(one, name)) for row in rows])

    def _show(self, found: T) -> str:
        shown: Any = _each(found, lambda one: f"{float(one):.6g}")
        return shown if isinstance(shown, str) else ", ".join(shown)


def _each(found: Any, read: Callable[[Any], Any]) -> Any:
    """What ``read`` gives of one value, or of each in a list."""
    return [read(one) for one in found] if isinstance(found, list) else read(found)  # pyright: ignore[reportUnknownVariableType]
