"""The guest image: a kernel, a first file system with its modules, and the root, which ``tools/guest_image.py`` makes.

``image.json`` beside the files names what they are made of, with a digest of each. An image belongs to one Python and
to the code of one QMK: with any other, a worker would not be the worker that runs at the other levels.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

import msgspec

import qmk
from qmk.base.errors import QmkError

VARIABLE = "QMK_MICROVM_IMAGE"
MANIFEST = "image.json"
KERNEL, FIRST, ROOT = FILES = ("vmlinux", "initrd.cpio", "root.squashfs")
BUILD = "build it: tools/guest_image.py of the source, or tools/hosts.sh"
PYTHON_HOME = "/opt/python"
CODE_HOME = "/opt/qmk"
ENGINE_HOME = "/srv/engine"
"""Where the guest sees an engine that is not installed: the second disk, read-only."""


class Image(msgspec.Struct, frozen=True):
    """What an image holds. ``engines``: those whose libraries are in it. ``packages`` and ``wheels``: versions by name,
    of Debian and of Python. ``files``: SHA-256 by name."""

    suite: str
    kernel: str
    python: str
    code: str
    engines: list[str]
    packages: dict[str, str]
    wheels: dict[str, str]
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of what makes the image."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


def folder() -> Path:
    """Where the image of this Python environment lies."""
    return Path(os.environ.get(VARIABLE) or Path(sys.prefix, "share", "qmk", "microvm"))


@cache
def code_digest() -> str:
    """SHA-256 of the names and the bytes of QMK's own modules."""
    top, total = Path(qmk.__file__).parent, hashlib.sha256()
    for path in sorted(top.rglob("*.py")):
        total.update(f"{path.relative_to(top)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def python_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def read(place: Path) -> Image:
    """The image in this folder. Raises UNSUPPORTED, with the fix, where there is none or it is of another QMK."""
    try:
        image = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Image)
    except OSError:
        raise QmkError("UNSUPPORTED", f"there is no guest image in {place}", help=BUILD) from None
    except msgspec.DecodeError as error:
        message = f"{place / MANIFEST} does not describe a guest image: {error}"
        raise QmkError("UNSUPPORTED", message, help=BUILD) from None
    for what, there, here in (("Python", image.python, python_version()), ("QMK", image.code, code_digest())):
        if there != here:
            message = f"the guest image in {place} was made of another {what} ({there[:12]}, not {here[:12]})"
            raise QmkError("UNSUPPORTED", message, help=BUILD)
    missing = [name for name in FILES if name not in image.files or not (place / name).is_file()]
    if missing:
        raise QmkError("UNSUPPORTED", f"the guest image in {place} lacks {', '.join(missing)}", help=BUILD)
    return image


def open_files(place: Path, image: Image) -> dict[str, int]:
    """The image's files, open for reading, by name: what is read from them is what the digests are of. Raises
    UNSUPPORTED for a file that was changed, and ``OSError``."""
    found: dict[str, int] = {}
    try:
        for name in FILES:
            fd = found[name] = os.open(place / name, os.O_RDONLY | os.O_CLOEXEC)
            with open(fd, "rb", closefd=False) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != image.files[name]:
                raise QmkError("UNSUPPORTED", f"{place / name} is not the file that {MANIFEST} names", help=BUILD)
    except BaseException:
        for fd in found.values():
            os.close(fd)
        raise
    return found
