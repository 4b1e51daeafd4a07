"""Warnings about programs as Python has them: shown once for each line that calls, errors where a filter says so."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import FrameType

from qmk.base.errors import Finding
from qmk.formats.printable import printable


class ProgramWarning(UserWarning):
    """Something is doubtful in a program, which is run all the same."""


def warn_of(findings: Iterable[Finding]) -> None:
    """Issues a Python warning for each finding, at the line outside QMK that called."""
    rows = [finding.text() for finding in findings]
    if rows:
        _issue(rows)


def warn(message: str, help: str) -> None:
    """Issues a Python warning about what a call asks for, at the line outside QMK that called."""
    _issue([f"{message} -> {help}"])


def warn_of_no_bits() -> None:
    """Warns that a program measures nothing."""
    warn("nothing is measured", "add .measure_all(), in OpenQASM 3 such as: c = measure q;")


def _issue(rows: list[str]) -> None:
    import inspect  # only when there is something to say: it is large

    frames: list[FrameType] = []
    frame = inspect.currentframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    ours = [at for at, frame in enumerate(frames) if frame.f_globals.get("__name__", "").partition(".")[0] == "qmk"]
    level = ours[-1] + 2
    for row in rows:
        warnings.warn(printable(row), ProgramWarning, stacklevel=level)
