"""Installs wheels that a user gives for scripts: no network, and no code of theirs runs while that is done."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from qmk.base.errors import QmkError


def install(wheels: Path, kept: Path) -> Path:
    """The folder in ``kept`` that holds the packages of all ``*.whl`` files in ``wheels``, made if it is not there. It
    is named by the digest of the files. Raises INVALID_PARAMS for a folder without wheels, or with one that does not
    fit this Python."""
    files = sorted(wheels.glob("*.whl"))
    if not files:
        fix = "make wheels with: pip download -d FOLDER NAME"
        raise QmkError("INVALID_PARAMS", f"{wheels} holds no *.whl files", field="wheels", help=fix)
    place = kept / _digest(files)
    if place.is_dir():
        return place
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as name:
        target = Path(name) / "packages"
        command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--no-index",
                   "--no-deps", "--no-compile", "--target", str(target), *map(str, files)]  # fmt: skip
        made = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if made.returncode:
            why = (made.stderr.strip().splitlines() or ["it said nothing"])[-1][:500]
            fix = "give wheels for this Python and system, and pip to install them with"
            raise QmkError("INVALID_PARAMS", f"the wheels cannot be installed: {why}", field="wheels", help=fix)
        try:
            target.rename(place)
        except OSError:  # another made it in the meantime
            if not place.is_dir():
                raise
    return place


def _digest(files: list[Path]) -> str:
    found = hashlib.sha256(sys.version.encode())
    for file in files:
        found.update(os.fsencode(file.name) + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:32]
