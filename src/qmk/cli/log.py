"""The log of a command that serves: apart from ``terminal``, as other commands start without it."""

from __future__ import annotations

import logging

from qmk.formats.printable import printable


class _Printable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def start_log(verbose: bool) -> None:
    """Has the log written to standard error, its texts as safe to be shown as all others."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
