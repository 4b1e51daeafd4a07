"""Makes the runner of scripts: CPython and the files of ``guest`` as a WebAssembly component, compiled for this host.

It is made once and kept by the digest of all that it is made from. Compiled code is trusted by whoever loads it, so
only a file that this user made and nobody else can write is loaded. ``python -m qmk.scripts.build FOLDER`` makes it in
a process of its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.rpc.places import state_dir

if TYPE_CHECKING:
    import wasmtime

GUEST = Path(__file__).parent / "guest"
PARTS = ("app.py", "program.py", "script.wit")
PACKAGES = ("wasmtime", "componentize-py")
SETTINGS = "fuel, speed, stack 1 MiB"
"""What ``engine`` sets, for the digest."""
STACK_BYTES = 1 << 20


def runners() -> Path:
    """The folder of compiled runners: ``QMK_RUNNERS``, else ``runners`` in the state folder."""
    named = os.environ.get("QMK_RUNNERS")
    return Path(named) if named else state_dir() / "runners"


def engine() -> wasmtime.Engine:
    """The compiler and its settings: instructions are counted, and floating point gives the same bits everywhere."""
    import wasmtime

    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_opt_level = "speed"
    config.cranelift_nan_canonicalization = True
    config.max_wasm_stack = STACK_BYTES
    return wasmtime.Engine(config)


def digest() -> str:
    """The digest of what the runner is made from. Raises UNSUPPORTED where the extra is not installed."""
    found = hashlib.sha256()
    try:
        versions = [f"{name} {metadata.version(name)}" for name in PACKAGES]
        if any(importlib.util.find_spec(name.replace("-", "_")) is None for name in PACKAGES):
            raise metadata.PackageNotFoundError
    except metadata.PackageNotFoundError:
        raise QmkError(
            "UNSUPPORTED",
            "scripts need the packages wasmtime and componentize-py, which are not installed",
            isolation="wasm",
            help="pip install 'quantum-microkernel[wasm]'",
        ) from None
    for part in (*versions, SETTINGS, platform.system(), platform.machine(), *_sources()):
        found.update(len(part).to_bytes(4, "big") + (part if isinstance(part, bytes) else part.encode()))
    return found.hexdigest()


def _sources() -> list[bytes]:
    return [(GUEST / name).read_bytes() for name in PARTS]


def runner(folder: Path) -> Path:
    """The compiled runner in ``folder``, made if it is not there: about 20 s of processor time, once. Raises
    UNSUPPORTED without the extra, INVALID_PARAMS for a file that another could have written, INTERNAL_ERROR when it
    cannot be made."""
    import fcntl  # which other systems do not have; this file is read on all

    path = folder / f"script-{digest()[:32]}.cwasm"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(folder)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several that need it at once, one makes it
        if not path.exists():
            command = [sys.executable, "-P", "-m", "qmk.scripts.build", str(path)]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode != 0:
                why = (made.stderr.strip().splitlines() or ["it said nothing"])[-1]
                raise QmkError("INTERNAL_ERROR", f"the runner of scripts could not be made: {why[:500]}")
    finally:
        os.close(lock)
    _require_own(path)
    return path


def _require_own(path: Path) -> None:
    """Raises INVALID_PARAMS unless this user owns ``path`` and nobody else may write it."""
    found = path.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022 or stat.S_ISLNK(found.st_mode):
        raise QmkError(
            "INVALID_PARAMS",
            f"{path} holds compiled code, and it is a link or another user owns it or may write it",
            path=str(path),
            help="remove it; it is made anew",
        )


def make(path: Path) -> None:
    """Make the runner at ``path``, whole or not at all."""
    from wasmtime.component import Component

    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name)
        for file in PARTS:
            shutil.copyfile(GUEST / file, folder / file)
        wasm, compiled = folder / "script.wasm", folder / "script.cwasm"
        where = ["-q", "-d", str(folder / "script.wit"), "-w", "script"]
        what = ["componentize", "-p", str(folder), "app", "-o", str(wasm)]
        start = "import sys; from componentize_py import script; sys.exit(script())"
        subprocess.run([sys.executable, "-P", "-c", start, *where, *what], check=True, stdout=subprocess.DEVNULL)
        with open(compiled, "wb", opener=lambda at, flags: os.open(at, flags, 0o600)) as file:
            file.write(Component(engine(), wasm.read_bytes()).serialize())
        compiled.rename(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
