"""The one place where the command line writes text: everything shown passes ``printable`` here, whoever wrote it.

Styles are marked in the text with a number that is drawn at each start, so that no text from outside can hold one; they
become colours on a terminal that wants them, and nothing elsewhere.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Literal, TextIO

import click

from qmk.formats.printable import printable

Color = Literal["auto", "always", "never"]
COLORS: tuple[Color, ...] = ("auto", "always", "never")

NARROWEST, WIDTH = 40, 100
"""Columns that text is made for at least, and where the output is not a terminal."""

_CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33"}
_MARK = os.urandom(8).hex()
_STYLE = re.compile(f"\x1b\\[{_MARK};([0-9;]*)m")
_asked: list[Color] = ["auto"]


def choose_color(color: Color) -> None:
    """What ``--color`` asks for."""
    _asked[0] = color


def is_colored(stream: TextIO) -> bool:
    """Whether text there gets colours: as ``--color`` says, else ``FORCE_COLOR``, else ``NO_COLOR``, else on a terminal
    that has them."""
    if _asked[0] != "auto":
        return _asked[0] == "always"
    if os.environ.get("FORCE_COLOR"):
        return True
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def style(text: str, *names: str) -> str:
    """``text`` in these styles: bold, red, green, yellow."""
    codes = ";".join(_CODES[name] for name in names)
    return f"\x1b[{_MARK};{codes}m{text}\x1b[{_MARK};0m"


def say(text: str = "", err: bool = False) -> None:
    """Writes a line to standard output, or to standard error."""
    parts = _STYLE.split(text)
    colored = is_colored(sys.stderr if err else sys.stdout)
    parts[::2] = map(printable, parts[::2])
    parts[1::2] = [f"\x1b[{codes}m" if colored else "" for codes in parts[1::2]]
    _write("".join(parts) + "\n", err)


def _write(text: str, err: bool = False) -> None:
    click.echo(text, nl=False, err=err, color=True)


def redraw(rows: list[str], drawn: int) -> int:
    """Draws lines over the last ``drawn`` ones of a terminal, each cut to its width; gives how many there are now."""
    if drawn:
        _write(f"\x1b[{drawn}F\x1b[J")
    for row in rows:
        say(row[: width() - 1])
    return len(rows)


def has_width() -> bool:
    """Whether the output has a number of columns: a terminal does, a file or a pipe only by ``COLUMNS``."""
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def width() -> int:
    """Columns of the terminal, or of ``COLUMNS``, 40 at the least; 100 where the output has no width."""
    import shutil

    if not has_width():
        return WIDTH
    return max(NARROWEST, shutil.get_terminal_size((WIDTH, 40)).columns)
