"""The log of a command that serves: apart from ``terminal``, as other commands start without it.

As JSON a record is one line with ``time``, ``level``, ``logger`` and ``message``; with ``job`` where the message names
one, and with the facts that the gateway gives of a request: ``trace``, ``tenant``, ``jobs``, ``status``. A token is
never written, whoever puts one into a message.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import click

from qmk.formats.printable import printable
from qmk.secrets.redaction import hide

FORMATS = ("text", "json")
_JOB = re.compile(r"\bjob_[0-9a-f]{32}\b", re.ASCII)


class _Printable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(hide(super().format(record)))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        row: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        if (found := _JOB.search(message)) is not None:
            row["job"] = found[0]
        row |= {name: value for name, value in getattr(record, "facts", {}).items() if value}
        if record.exc_info:
            row["exception"] = self.formatException(record.exc_info)
        return hide(json.dumps(row, default=str))


def format_option(command: Callable[..., None]) -> Callable[..., None]:
    """``--log-format``."""
    choice = click.Choice(FORMATS)
    return click.option("--log-format", type=choice, default="text", help="How the log is written; text if not given.")(
        command
    )


def start_log(verbose: bool, format: str = "text") -> None:
    """Has the log written to standard error, its texts as safe to be shown as all others."""
    handler = logging.StreamHandler()
    usual = _Printable("%(asctime)s %(name)s %(levelname)s %(message)s")
    handler.setFormatter(_Json() if format == "json" else usual)
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
