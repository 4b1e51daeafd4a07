"""Unpacks wheels that a user gives for scripts: no network, no resolver, and no code of theirs runs while that is done.

A wheel (https://packaging.python.org/en/latest/specifications/binary-distribution-format/) is a zip file whose contents
are the packages. Scripts, headers and data beside them are left out, and ``*.pth`` files are files like others, as the
folder is not one that Python looks for them in.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import platform
import re
import stat
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from qmk.base.errors import QmkError

NAME = re.compile(r"[^-]+-[^-]+(-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<system>[^-]+)\.whl")
UNPACKED_BYTES, UNPACKED_FILES = 48 << 20, 3000
"""What the wheels of a job may hold; a jail's /tmp has room for a little more."""
LIBRARIES = ("purelib", "platlib")
"""Folders of a wheel's ``.data`` whose contents are packages."""


def install(wheels: Mapping[str, bytes], kept: Path) -> Path:
    """The folder in ``kept`` that holds the packages of all wheels, made if it is not there. It is named by the digest
    of the wheels and of this Python. Raises as ``unpack``."""
    place = kept / _digest(wheels)
    if place.is_dir():
        return place
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as name:
        target = Path(name) / "packages"
        unpack(wheels, target, bounded=False)
        try:
            target.rename(place)
        except OSError:  # another made it in the meantime
            if not place.is_dir():
                raise
    return place


def _digest(wheels: Mapping[str, bytes]) -> str:
    found = hashlib.sha256(sys.version.encode())
    for name, data in sorted(wheels.items()):
        found.update(os.fsencode(name) + b"\0" + hashlib.sha256(data).digest())
    return found.hexdigest()[:32]


def unpack(wheels: Mapping[str, bytes], target: Path, *, bounded: bool = True) -> None:
    """Write the packages of the wheels into ``target``, as files that cannot be written. Raises INVALID_PARAMS for what
    is not a wheel, not one for this Python, or names a file outside, QUOTA_EXCEEDED for more than a job may have."""
    target.mkdir()
    size = count = 0
    for name, data in wheels.items():
        _require_fit(name)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                members = [each for each in opened.infolist() if not each.is_dir()]
                size, count = size + sum(each.file_size for each in members), count + len(members)
                if bounded:
                    _require_room(name, size, count)
                _unpack(name, opened, members, target)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, UnicodeDecodeError) as error:
            raise _wrong(name, f"is not a wheel: {error}") from None


def _require_room(name: str, size: int, count: int) -> None:
    for what, asked, most in (("bytes", size, UNPACKED_BYTES), ("files", count, UNPACKED_FILES)):
        if asked > most:
            message = f"wheel {name}: more than {most} {what} in the wheels of one script"
            fix = "bring less, or have the operator install it into the daemon's Python"
            raise QmkError("QUOTA_EXCEEDED", message, quota=f"unpacked {what}", asked=asked, limit=most, help=fix)


def _require_fit(name: str) -> None:
    """Raises INVALID_PARAMS for the name of a wheel that is not for this Python and system."""
    found = NAME.fullmatch(name)
    if found is None:
        raise _wrong(name, "is not named as a wheel is: NAME-VERSION-PYTHON-ABI-SYSTEM.whl")
    tags = {part: found[part].split(".") for part in ("python", "abi", "system")}
    major, minor = sys.version_info[:2]
    stable = {f"cp{major}{each}" for each in range(2, minor + 1)} if "abi3" in tags["abi"] else set[str]()
    pythons = {f"py{major}", f"py{major}{minor}", f"cp{major}{minor}", *stable}
    abis = {"none", "abi3", f"cp{major}{minor}"}
    systems = [each for each in tags["system"] if each == "any" or each.endswith(f"linux_{platform.machine()}")
               or re.fullmatch(rf"manylinux.*_{platform.machine()}", each)]  # fmt: skip
    if not (pythons & set(tags["python"]) and abis & set(tags["abi"]) and systems):
        raise _wrong(name, f"is not for Python {major}.{minor} on {platform.machine()}")


def _unpack(name: str, opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], target: Path) -> None:
    about = {each.filename.partition("/")[0] for each in members if each.filename.endswith(".dist-info/WHEEL")}
    if len(about) != 1:
        raise _wrong(name, "has not one *.dist-info/WHEEL")
    (folder,) = about
    if not re.search(rb"^Wheel-Version: *1\.\d+\s*$", opened.read(f"{folder}/WHEEL"), re.MULTILINE):
        raise _wrong(name, "is not of version 1 of the format of wheels")
    digests = _record(name, opened, folder)
    for each in members:
        data = opened.read(each)
        wanted = digests.get(each.filename)
        if wanted and wanted != base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode():
            raise _wrong(name, f"holds another {each.filename} than its RECORD says")
        place = _place(name, each)
        if place is not None:
            _write(name, target / place, data)


def _record(name: str, opened: zipfile.ZipFile, folder: str) -> dict[str, str]:
    """The SHA-256 of files as the wheel says."""
    try:
        text = opened.read(f"{folder}/RECORD").decode()
    except KeyError:
        raise _wrong(name, "has no RECORD") from None
    rows = (row for row in csv.reader(io.StringIO(text)) if len(row) > 1)
    return {row[0]: row[1].removeprefix("sha256=") for row in rows if row[1].startswith("sha256=")}


def _place(name: str, member: zipfile.ZipInfo) -> PurePosixPath | None:
    """Where a file goes, None for one that packages do not have. Raises INVALID_PARAMS for a place outside."""
    parts = member.filename.split("/")
    if stat.S_ISLNK(member.external_attr >> 16) or not all(_is_plain(part) for part in parts):
        raise _wrong(name, f"holds a link, or a file outside of it: {member.filename[:80]!r}")
    if parts[0].endswith(".data"):
        return PurePosixPath(*parts[2:]) if len(parts) > 2 and parts[1] in LIBRARIES else None
    return PurePosixPath(*parts)


def _is_plain(part: str) -> bool:
    return part not in ("", ".", "..") and not any(sign in part for sign in "\\\0:")


def _write(name: str, path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "xb", opener=lambda at, flags: os.open(at, flags, 0o444)) as file:
            file.write(data)
    except FileExistsError:
        if not path.is_file() or path.read_bytes() != data:
            raise _wrong(name, f"holds another {path.name} than a wheel before it") from None


def _wrong(name: str, what: str) -> QmkError:
    fix = "give wheels for this Python and system: pip download -d FOLDER NAME"
    return QmkError("INVALID_PARAMS", f"wheel {name[:80]} {what}", field="wheels", help=fix)
