"""QMK as a device of QDMI, the interface of HPC centres between their software and quantum devices.

``device.c`` is the device library, for clients of any language; ``build`` compiles it with the headers of the client's
QDMI, and its sessions are processes of ``serve``. See docs/howto/qdmi.md.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from qmk.base.errors import QmkError

PREFIX = "QMK"
"""The prefix of the library's functions: ``QMK_QDMI_device_initialize`` and so on."""
LIBRARY = "libqmk-qdmi-device.so"
MANIFEST = "qmk.qdmi.json"
DEVICE_ID = "qmk.default"
VERSIONS = ("1.2", "1.3")
"""Versions of QDMI whose headers the library is written for."""


def build(folder: Path, headers: Path | None = None, version: str = "") -> Path:
    """Compiles the device library into ``folder``, and writes the manifest by which drivers find it; gives the
    library's path. ``headers``: the folder that has qdmi/device.h; without, that of an installed mqt-core. ``version``:
    of QDMI, by default as the CMake files beside the headers say. Raises UNSUPPORTED naming what is missing."""
    found = headers or _headers()
    if not (found / "qdmi" / "device.h").is_file():
        raise _missing(f"there is no qdmi/device.h in {found}", "name the folder of QDMI's headers by --headers")
    version = version or _version(found)
    if not version.startswith(VERSIONS):
        raise _missing(f"the headers are of QDMI {version}", f"give those of {' or '.join(VERSIONS)}")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise _missing("there is no C compiler", "install one: apt-get install gcc")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / LIBRARY
    facts = {"QMK_PYTHON": sys.executable, "QMK_QDMI_VERSION": version}
    defined = [f"-D{name}={json.dumps(text)}" for name, text in facts.items()]
    source = Path(__file__).with_name("device.c")
    command = [compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", f"-I{found}", *defined]
    done = subprocess.run([*command, source, "-o", made, "-lpthread"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise _missing(f"{compiler} failed: {done.stderr.strip()[-500:]}", "look whether the headers are of QDMI 1.3")
    device = {"id": DEVICE_ID, "library": LIBRARY, "prefix": PREFIX, "enabled": True}
    manifest = {"schema-version": 1, "qdmi": {"devices": [device]}}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return made


def _headers() -> Path:
    from importlib.util import find_spec

    try:
        found = find_spec("mqt.core")
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        raise _missing("QDMI's headers were not found", "name their folder by --headers; mqt-core brings them")
    return Path(found.origin).parent / "include"


def _version(headers: Path) -> str:
    file = headers.parent / "share" / "cmake" / "qdmi" / "qdmi-config-version.cmake"
    try:
        match = re.search(r'set\(PACKAGE_VERSION "([0-9.]{3,20})"\)', file.read_text())
    except OSError:
        match = None
    if match is None:
        raise _missing(f"{file} does not say the version of QDMI", "give it by --qdmi-version, such as 1.3.3")
    return match[1]


def _missing(what: str, fix: str) -> QmkError:
    return QmkError("UNSUPPORTED", what, help=fix)
