"""What callers get of a drawing: text that a terminal and a notebook show as it is, and pictures."""

from __future__ import annotations

import functools
import html
import shutil
from collections.abc import Callable

from qmk.base.errors import QmkError
from qmk.drawing.raster import render
from qmk.drawing.scene import Scene

NOTEBOOK_COLUMNS = 120

Lines = Callable[[int, bool], list[str]]
"""Draws lines of text, given the number of columns and whether only ASCII may be used."""


class Drawing(str):
    """The lines of a drawing. Shown by itself, it is drawn."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f'<pre style="line-height: 1.15; white-space: pre; overflow-x: auto">{html.escape(self)}</pre>'


def to_text(lines: Lines, width: int | None, ascii_only: bool) -> Drawing:
    """The drawing at most ``width`` columns wide, the terminal's where None."""
    columns = shutil.get_terminal_size((NOTEBOOK_COLUMNS, 24)).columns if width is None else width
    return Drawing("\n".join(lines(columns, ascii_only)) or "(no operations)")


class Picture:
    """A drawn picture. A notebook shows it, ``save`` writes it, ``print`` writes it as text where that is possible."""

    def __init__(self, make_scene: Callable[[], Scene], lines: Lines | None = None) -> None:
        self._make_scene, self._lines = make_scene, lines

    @functools.cached_property
    def scene(self) -> Scene:
        """The marks of the picture."""
        return self._make_scene()

    def to(self, format: str) -> bytes:
        """The bytes of a file: "svg", "html", "png" or "pdf". Raises INVALID_PARAMS for another format, UNSUPPORTED for
        the last two without Matplotlib."""
        return render(self.scene, format)

    def save(self, path: str) -> None:
        """Writes the picture in the format that the name ends in. Raises as ``to``, and INVALID_PARAMS when the file
        cannot be written."""
        from pathlib import Path

        data = self.to(Path(path).suffix.removeprefix("."))
        try:
            Path(path).write_bytes(data)
        except OSError as error:
            raise QmkError(
                "INVALID_PARAMS", f"cannot write '{path}': {(error.strerror or str(error)).lower()}", field="path"
            ) from error

    def text(self, width: int | None = None, ascii_only: bool = False) -> Drawing:
        """The same as text, at most ``width`` columns wide (the terminal's). Raises INVALID_PARAMS for another width
        than a whole number above 0, UNSUPPORTED for a picture that has no form as text."""
        if self._lines is None:
            raise QmkError("UNSUPPORTED", "this picture has no form as text", help="save it as SVG, HTML, PNG or PDF")
        if width is not None and (not isinstance(width, int) or width < 1):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QmkError("INVALID_PARAMS", "width is not a number of columns", field="width", help="give such as 100")
        return to_text(self._lines, width, ascii_only)

    def _repr_svg_(self) -> str:
        return self.to("svg").decode()

    def __str__(self) -> str:
        return repr(self) if self._lines is None else str(self.text())

    def __repr__(self) -> str:
        return f"<Picture {self.scene.width:.0f} x {self.scene.height:.0f}: {self.scene.title}>"
