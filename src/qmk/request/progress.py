"""A progress bar on standard error, for a person: one line, written over again."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from qmk.base.units import seconds_text

if TYPE_CHECKING:
    from qmk.request.options import RunOptions

SHOWN_AFTER_S = 0.6
EVERY_S = 0.1
CELLS = 30
"""Most characters of the bar itself."""


class Bar:
    """``bar(done)`` moves it. Nothing is written before ``SHOWN_AFTER_S`` have passed, with ``quiet``, and where
    standard error is neither a terminal nor that of a notebook. In a terminal the line is taken away at the end.
    ``total`` 0: not known."""

    def __init__(self, label: str, total: int = 0, quiet: bool = False, what: str = "shots") -> None:
        self.label, self.total, self.what = label, total, what
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self.enabled = not quiet and (self._terminal or type(sys.stderr).__module__.startswith("ipykernel"))
        self._began = time.monotonic()
        self._due = self._began + SHOWN_AFTER_S
        self._shown = self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if not self._shown:
            return
        if self._terminal:
            sys.stderr.write(f"\r{' ' * self._shown}\r")
        else:
            self._draw()
            sys.stderr.write("\n")
        sys.stderr.flush()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        self._done = max(done, self._done)
        if self.enabled and now >= self._due:
            self._due = now + EVERY_S
            self._draw()

    def _draw(self) -> None:
        columns = shutil.get_terminal_size().columns - 1
        line = self.line(time.monotonic() - self._began, columns)
        sys.stderr.write(f"\r{line.ljust(self._shown)}"[: columns + 1])
        sys.stderr.flush()
        self._shown = len(line)

    def line(self, seconds: float, columns: int) -> str:
        """``running [########......] 400 of 1000 shots, 3.2 s``."""
        if not self._done:
            told = seconds_text(seconds)
        elif not self.total:
            told = f"{self._done} {self.what}, {seconds_text(seconds)}"
        else:
            told = f"{min(self._done, self.total)} of {self.total} {self.what}, {seconds_text(seconds)}"
        room = min(CELLS, columns - len(self.label) - len(told) - 4)
        if self.total and self._done and room > 0:
            full = min(room, room * self._done // self.total)
            told = f"[{'#' * full}{'.' * (room - full)}] {told}"
        return f"{self.label} {told}"[:columns]


@contextmanager
def showing(options: RunOptions, runs: int = 1, what: str = "shots") -> Generator[RunOptions]:
    """The options with a bar, which ends with the block, where ``progress`` is True. It is as long as all shots of so
    many runs, or as these ``runs`` where something else is counted."""
    if options.progress is not True:
        yield options
        return
    with Bar("running", runs * (options.shots or 0) if what == "shots" else runs, what=what) as bar:
        yield options.replace(progress=bar)
