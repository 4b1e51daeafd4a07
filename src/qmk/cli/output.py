"""What a command that succeeded prints: one JSON object, or text for people."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from qmk.cli import terminal
from qmk.cli.failure import call_error
from qmk.formats.printable import escape_json, one_line


def show(as_json: bool, value: Any, text: str | Iterable[str]) -> None:
    """``value`` as one JSON object where it was asked for, else ``text``, a line or lines for people."""
    if as_json:
        json_object(value)
    else:
        lines((text,) if isinstance(text, str) else text)


def json_object(value: Any) -> None:
    """One JSON value, indented, on standard output."""
    sys.stdout.write(json_text(value))


def json_line(value: Any) -> None:
    """One JSON value on a line of its own, written at once."""
    import msgspec

    sys.stdout.write(escape_json(msgspec.json.encode(value).decode()) + "\n")
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


GAP = "  "
LAST = 20
"""Least columns of a table's last column, which is broken into lines where the terminal is narrow."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of left-aligned columns under a bold head. What does not fit the terminal is broken in the last column;
    where there is no room for that, each cell of a row is a line."""
    cells = [[one_line(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    before = sum(widths[:-1]) + len(GAP) * (len(head) - 1)
    room = terminal.width() - before if terminal.has_width() else max(widths[-1], 1)
    if room < min(LAST, widths[-1]):
        yield from _stack(cells[0], cells[1:])
        return
    for number, row in enumerate(cells):
        last = textwrap.wrap(row[-1], room, break_on_hyphens=False) if len(row[-1]) > room else [row[-1]]
        first = GAP.join([*(text.ljust(width) for text, width in zip(row[:-1], widths[:-1], strict=True)), last[0]])
        for line in (first, *(" " * before + more for more in last[1:])):
            yield terminal.style(line.rstrip(), "bold") if number == 0 else line.rstrip()


def _stack(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        if number:
            yield ""
        for name, text in zip(head, row, strict=True):
            made = textwrap.wrap(f"{name}: {text}", terminal.width(), subsequent_indent=GAP, break_on_hyphens=False)
            yield terminal.style(f"{name}:", "bold") + made[0][len(name) + 1 :]
            yield from made[1:]


def write_file(path: str, content: bytes | str) -> None:
    """Raises INVALID_PARAMS where the file cannot be written."""
    try:
        Path(path).write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise call_error(f"cannot write '{path}': {(error.strerror or str(error)).lower()}", path=path) from error


def ascii_only() -> bool:
    """Whether standard output cannot show more than ASCII."""
    return "utf" not in (sys.stdout.encoding or "").lower()
