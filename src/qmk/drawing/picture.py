"""What calls that draw give back: a picture that notebooks show and that files hold."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.drawing.raster import render
from qmk.drawing.scene import Scene


class Picture:
    """A drawn scene. A notebook shows it; ``save`` writes it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def to(self, format: str) -> bytes:
        """The bytes of a file: "svg", "html", "png" or "pdf". Raises INVALID_PARAMS for another format, UNSUPPORTED for
        the last two without Matplotlib."""
        return render(self.scene, format)

    def save(self, path: str) -> None:
        """Writes the picture in the format that the name ends in. Raises as ``to``, and INVALID_PARAMS when the file
        cannot be written."""
        from pathlib import Path as File

        data = self.to(File(path).suffix.removeprefix("."))
        try:
            File(path).write_bytes(data)
        except OSError as error:
            raise QmkError(
                "INVALID_PARAMS", f"cannot write '{path}': {(error.strerror or str(error)).lower()}", field="path"
            ) from error

    def _repr_svg_(self) -> str:
        return self.to("svg").decode()

    def __repr__(self) -> str:
        return f"<Picture {self.scene.width:.0f} x {self.scene.height:.0f}: {self.scene.title}>"
