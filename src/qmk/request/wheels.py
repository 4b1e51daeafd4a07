"""Wheels that a caller gives for a script: files that are read, never run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.request import arguments

Answer = TypeVar("Answer")
Place = str | os.PathLike[str]
Wheels = Place | Sequence[Place] | None
"""A folder of ``*.whl`` files, a file, or several files."""


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel that a native script imports from. ``data``, the file, is base64 in JSON."""

    name: Annotated[str, Meta(pattern=r"^[\w.+-]+\.whl\Z", max_length=256)]
    sha256: str
    data: bytes


FIX = "make wheels with: pip download -d FOLDER NAME"


def read(wheels: Wheels) -> dict[str, bytes]:
    """The wheels by their names, none for None. Raises INVALID_PARAMS for what holds no wheel or cannot be read."""
    return {path.name: _ask(path, path.read_bytes) for path in _files(wheels)}


def _ask(path: Path, question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except OSError as error:
        raise arguments.wrong("wheels", f"cannot be read: {path}: {error.strerror}", FIX) from None


def _files(wheels: Wheels) -> list[Path]:
    if wheels is None:
        return []
    named = [wheels] if isinstance(wheels, (str, os.PathLike)) else wheels
    if isinstance(wheels, (str, os.PathLike)) and os.path.isdir(wheels):
        named = sorted(Path(wheels).glob("*.whl"))
        if not named:
            raise QmkError("INVALID_PARAMS", f"{os.fspath(wheels)} holds no *.whl files", field="wheels", help=FIX)
    files = [Path(each) for each in named]
    for file in files:
        if file.suffix != ".whl":
            raise arguments.wrong("wheels", f"must be *.whl files; got {file.name}", FIX)
    return files


def pack(wheels: Wheels) -> str:
    """The wheels as a part of a program, empty for none. Raises as ``read``, and QUOTA_EXCEEDED for too large ones."""
    files = _files(wheels)
    check("script_wheels_bytes", sum(_ask(path, path.stat).st_size for path in files) * 4 // 3, "wheels")
    packed = [Wheel(name, hashlib.sha256(data).hexdigest(), data) for name, data in read(wheels).items()]
    text = msgspec.json.encode(packed).decode() if packed else ""
    check("script_wheels_bytes", len(text), "wheels")
    return text


def unpack(text: str) -> list[Wheel]:
    """The wheels of a program. Raises INVALID_PARAMS for what is none, or has not the digest that it says."""
    try:
        found = msgspec.json.decode(text or "[]", type=list[Wheel])
    except msgspec.MsgspecError as error:
        raise arguments.wrong("wheels", f"are not what submit_script writes: {error}", FIX) from None
    for wheel in found:
        if hashlib.sha256(wheel.data).hexdigest() != wheel.sha256:
            raise arguments.wrong("wheels", f"hold {wheel.name} with another digest than they say", FIX)
    return found
