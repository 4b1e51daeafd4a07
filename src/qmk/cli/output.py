"""What a command that succeeded prints: one JSON object, or text for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from qmk.cli import terminal
from qmk.cli.failure import call_error
from qmk.formats import columns
from qmk.formats.printable import escape_json


def show(as_json: bool, value: Any, text: str | Iterable[str]) -> None:
    """``value`` as one JSON object where it was asked for, else ``text``, a line or lines for people."""
    if as_json:
        json_object(value)
    else:
        lines((text,) if isinstance(text, str) else text)


def json_object(value: Any) -> None:
    """One JSON value, indented, on standard output."""
    _write(json_text(value))


def _write(text: str) -> None:
    sys.stdout.write(text)


def json_line(value: Any) -> None:
    """One JSON value on a line of its own, written at once."""
    import msgspec

    _write(escape_json(msgspec.json.encode(value).decode()) + "\n")
    sys.stdout.flush()


def json_text(value: Any) -> str:
    """Indented JSON. What is not Unicode, such as the name of a file in another encoding, stands as U+FFFD, and what a
    terminal would act on as its escape."""
    import msgspec

    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        import json

        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
        data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return escape_json(msgspec.json.format(data, indent=2).decode()) + "\n"


def lines(rows: Iterable[str]) -> None:
    for row in rows:
        terminal.say(row)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of columns under a bold head, as wide as the terminal where the output has a width."""
    width = terminal.width() if terminal.has_width() else None
    return columns.table(head, rows, width, lambda text: terminal.style(text, "bold"))


def write_file(path: str, content: bytes | str) -> None:
    """Raises INVALID_PARAMS where the file cannot be written."""
    try:
        Path(path).write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise call_error(f"cannot write '{path}': {(error.strerror or str(error)).lower()}", path=path) from error


def ascii_only() -> bool:
    """Whether standard output cannot show more than ASCII."""
    return "utf" not in (sys.stdout.encoding or "").lower()
