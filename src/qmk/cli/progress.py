"""A progress bar on standard error for work that takes long, shown only to a person."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

SHOWN_AFTER_S = 0.6


class Bar:
    """``bar(done)`` moves it. Nothing is drawn, and ``rich`` not imported, before ``SHOWN_AFTER_S`` have passed,
    when standard error is not a terminal, or with ``quiet``."""

    def __init__(self, label: str, total: int, quiet: bool = False) -> None:
        self.label = label
        self.total = total
        self.enabled = not quiet and sys.stderr.isatty()
        self._started = time.monotonic()
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, done: int) -> None:
        self.show()
        if self._progress is not None and done:
            self._progress.update(self._task, completed=done, total=self.total)

    def show(self) -> None:
        """Draw the bar if it is time; before the first report it only says that work goes on."""
        if not self.enabled or self._progress is not None or time.monotonic() - self._started < SHOWN_AFTER_S:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(self.label, total=None)
        self._progress.start()
