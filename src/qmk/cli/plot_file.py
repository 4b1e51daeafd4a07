"""Files of plots that commands write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qmk.base.errors import QmkError
from qmk.cli.failure import call_error
from qmk.drawing.theme import load


def check(path: str) -> None:
    """Before hours of sampling: the file's kind is known, its folder is there, Matplotlib is installed."""
    if Path(path).suffix not in (".svg", ".png"):
        raise QmkError("INVALID_PARAMS", f"'{path}': a plot is an SVG or a PNG", help="end the name in .svg or .png")
    if not Path(path).absolute().parent.is_dir():
        raise QmkError("INVALID_PARAMS", f"'{path}': there is no such folder")
    load()


def write(figure: Any, path: str) -> None:
    """On white, as nobody knows the page. Raises INVALID_PARAMS where the file cannot be written."""
    try:
        figure.savefig(path, facecolor="white", dpi=150)
    except OSError as error:
        raise call_error(f"cannot write '{path}': {(error.strerror or str(error)).lower()}", path=path) from error
