"""``qmk engines install``: an environment of its own for an engine's library, which later runs find by themselves.

It holds what the engine's extra requires, as the metadata of the installed QMK list it, and the packages that every
worker imports, in the versions that QMK itself runs with; or, where there is a lock for it, exactly what that lists
(``sdk.frameworks``). QMK stays where it is: the worker reads it from there (``sdk.interpreters``), and so does the
environment of a framework. The record is written last, so that an interrupted installation is not taken for a finished
one. Programs are started without a shell.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.sdk import discovery, frameworks, interpreters
from qmk.sdk.engine import Declaration
from qmk.sdk.frameworks import FRAMEWORKS, Framework

LAST_LINES = 15
"""How much of what pip said an error repeats."""
NEWEST_MINOR = 30
"""Pythons are looked for up to 3.30."""


class Record(msgspec.Struct, frozen=True):
    """What an environment was made with. ``python``: the version of its interpreter; ``qmk``: that of QMK."""

    engine: str
    requirements: list[str]
    python: str
    qmk: str


class Installed(msgspec.Struct, frozen=True):
    """An environment on disk; without ``record`` its installation was interrupted."""

    engine: str
    path: Path
    record: Record | None


def find(name: str) -> Declaration | Framework:
    """The engine or the framework of a name. Raises UNSUPPORTED with those there are."""
    return FRAMEWORKS[name] if name in FRAMEWORKS else discovery.engine(name)


def requirements(declaration: Declaration | Framework) -> list[str]:
    """What pip installs for it: what its lock lists; else the engine's extra of the installed QMK, and the worker's
    packages in our versions. Raises UNSUPPORTED for an engine that needs nothing beyond QMK, and where QMK is not an
    installed package."""
    from importlib import metadata

    lock = frameworks.lock_of(declaration.name)
    if lock is not None:
        return list(frameworks.pins(lock))
    assert isinstance(declaration, Declaration), "a framework has a lock"
    if not declaration.extra:
        why = f"engine '{declaration.name}' has no extra of {discovery.DISTRIBUTION}, so nothing says what it needs"
        if not (set(declaration.requires) - {"qmk_native", "stim", *interpreters.WORKER_NEEDS}):
            why = f"engine '{declaration.name}' comes with QMK and needs no environment"
        fix = f"name one that you have made with --engine-python {declaration.name}=PATH"
        raise QmkError("UNSUPPORTED", why, engine=declaration.name, help=fix)
    try:
        listed = metadata.requires(discovery.DISTRIBUTION) or []
        pinned = [f"{name}=={metadata.version(name)}" for name in interpreters.WORKER_NEEDS]
    except metadata.PackageNotFoundError as error:
        raise QmkError(
            "UNSUPPORTED",
            f"{error.name} has no metadata here, and they list what engines need",
            engine=declaration.name,
            help="install QMK with pip rather than running it from its source tree",
        ) from error
    return [*_of_extra(listed, declaration.extra), *pinned]


def _of_extra(listed: list[str], extra: str) -> list[str]:
    """The requirements of one extra, without the part of their markers that names it; the rest is left to pip."""
    named = re.compile(rf"""(?:^|\s+and\s+)extra\s*==\s*['"]{re.escape(extra)}['"]\s*$""")
    found: list[str] = []
    for text in listed:
        what, _, marker = (part.strip() for part in text.partition(";"))
        if named.search(marker):
            rest = named.sub("", marker).strip()
            found.append(f"{what}; {rest}" if rest else what)
    return found


def _bounds(declaration: Declaration | Framework) -> tuple[tuple[int, int], tuple[int, int]]:
    """The oldest and the newest Python that will do."""
    newest = declaration.newest if isinstance(declaration, Framework) else (0, 0)
    return max(declaration.python, interpreters.OLDEST), newest if newest != (0, 0) else (3, NEWEST_MINOR)


def _need(declaration: Declaration | Framework) -> str:
    """Such as ``engine 'clifft' needs Python 3.12``."""
    oldest, newest = _bounds(declaration)
    kind = "framework" if isinstance(declaration, Framework) else "engine"
    upto = "" if newest[1] == NEWEST_MINOR else f" to {interpreters.text(newest)}" if newest > oldest else " alone"
    return f"{kind} '{declaration.name}' needs Python {interpreters.text(oldest)}{upto}"


def find_python(declaration: Declaration | Framework) -> Path:
    """A Python that fits: our own, else the first such on the path. Raises UNSUPPORTED."""
    oldest, newest = _bounds(declaration)
    if oldest <= sys.version_info[:2] <= newest:
        return Path(sys.executable)
    for minor in range(oldest[1], newest[1] + 1):
        found = shutil.which(f"python{oldest[0]}.{minor}")
        if found is not None and oldest <= _version_of(Path(found)) <= newest:
            return Path(found)
    ours = interpreters.text(sys.version_info[:2])
    raise QmkError(
        "UNSUPPORTED",
        f"{_need(declaration)}; this is {ours} and there is no such one on the path",
        engine=declaration.name,
        help=f"install Python {interpreters.text(oldest)}, or name one with --python PATH",
    )


def _version_of(python: Path) -> tuple[int, int]:
    """The version of an interpreter, which is started for it; (0, 0) if it does not start."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, timeout=60, check=True)
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0, 0


def install(declaration: Declaration | Framework, python: Path | None = None, upgrade: bool = False) -> Installed:
    """Makes the environment of an engine or a framework, or with ``upgrade`` brings what is in it up to date. Raises
    UNSUPPORTED where that cannot be done, INVALID_PARAMS for an environment that is there and a ``python`` that does
    not fit."""
    import qmk

    wanted = requirements(declaration)
    folder = interpreters.record_of(declaration.name).parent
    finished = interpreters.record_of(declaration.name).exists()
    if finished and not upgrade:
        raise QmkError(
            "INVALID_PARAMS",
            f"engine '{declaration.name}' has an environment in {folder}",
            field="engine",
            help="bring it up to date with --upgrade, or remove it first with 'qmk engines remove'",
        )
    if not finished:
        _make(folder, _check_python(declaration, python) if python is not None else find_python(declaration))
    try:
        inside = folder / "bin" / "python"
        lock = frameworks.lock_of(declaration.name)
        what = wanted if lock is None else ["--require-hashes", "--no-deps", "--requirement", str(lock)]
        run_pip(inside, declaration.name, ["--upgrade", *what] if finished else what)
        if isinstance(declaration, Framework):
            _lead_to_qmk(folder)
        discovery.forget()
        record = Record(declaration.name, wanted, interpreters.text(interpreters.look(inside).version), qmk.__version__)
        _write(interpreters.record_of(declaration.name), record)
    except BaseException:
        if not finished:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return Installed(declaration.name, folder, record)


def _lead_to_qmk(folder: Path) -> None:
    """Lets the Python of a framework's environment import this very QMK and its native core, nothing beside them. The
    metadata of QMK go with it, by which frameworks find its plug-ins."""
    from importlib import metadata

    import qmk_native

    import qmk

    ours = folder / "qmk"
    ours.mkdir(exist_ok=True)
    for package in (qmk, qmk_native):
        link = ours / str(package.__name__)
        link.unlink(missing_ok=True)
        link.symlink_to(Path(package.__file__ or "").resolve().parent, target_is_directory=True)
    try:
        listed = metadata.distribution(discovery.DISTRIBUTION)
    except metadata.PackageNotFoundError:  # run from its sources
        listed = None
    if listed is not None:
        described = ours / f"quantum_microkernel-{listed.version}.dist-info"
        described.mkdir(exist_ok=True)
        for name in ("METADATA", "entry_points.txt"):
            (described / name).write_text(listed.read_text(name) or "")
    (site,) = folder.glob("lib/python3.*/site-packages")
    (site / "qmk.pth").write_text(f"{ours}\n")


def _check_python(declaration: Declaration | Framework, python: Path) -> Path:
    (oldest, newest), found = _bounds(declaration), _version_of(python)
    if oldest <= found <= newest:
        return python
    what = "does not start" if found == (0, 0) else f"is Python {interpreters.text(found)}"
    raise QmkError(
        "INVALID_PARAMS",
        f"{python} {what}; {_need(declaration)}",
        field="python",
        help="name another one with --python PATH",
    )


def _make(folder: Path, python: Path) -> None:
    """An empty environment with pip in it, in place of what an interrupted installation has left."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _failure(
            f"cannot make {folder.parent}: {error.strerror}", "set QMK_STATE_DIR to a folder of yours"
        ) from None
    done = run([str(python), "-m", "venv", str(folder)])
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        fix = "install the venv module of that Python (Debian: apt install python3-venv), or name another with --python"
        raise _failure(f"{python} cannot make an environment: {last_lines(done)}", fix)


def run_pip(python: Path, engine: str, arguments: list[str]) -> None:
    """Installs into the environment of ``python``. What pip reads, its settings and variables, holds here too. Raises
    UNSUPPORTED with the last lines of what it said."""
    options = ["--disable-pip-version-check", "--no-input", "--quiet"]
    done = run([str(python), "-m", "pip", "install", *options, *arguments])
    if done.returncode:
        fix = "the library may not be made for this system or this Python; --python PATH takes another one"
        raise _failure(f"pip cannot install engine '{engine}':\n{last_lines(done)}", fix)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a program without what leads its Python to the modules of ours."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise _failure(f"cannot start {command[0]}: {error.strerror}", "name another Python with --python") from error


def last_lines(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return "\n".join(lines[-LAST_LINES:])


def _failure(message: str, fix: str) -> QmkError:
    return QmkError("UNSUPPORTED", message, help=fix)


def _write(path: Path, record: Record) -> None:
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(record))
    draft.replace(path)


def list_installed() -> list[Installed]:
    """Every environment that ``install`` has made, by name, those that are not finished among them."""
    folder = interpreters.installed_folder()
    names = sorted(item.name for item in folder.iterdir() if item.is_dir()) if folder.is_dir() else []
    return [Installed(name, folder / name, _read(interpreters.record_of(name))) for name in names]


def _read(path: Path) -> Record | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def remove(engine: str) -> Path:
    """Deletes the environment of an engine, also of one that is no longer known. Raises INVALID_PARAMS if there is
    none."""
    found: dict[str, Any] = {item.engine: item.path for item in list_installed()}
    if engine not in found:
        there = f"there are {', '.join(found)}" if found else "there are none"
        raise QmkError(
            "INVALID_PARAMS",
            f"engine '{engine[:80]}' has no environment in {interpreters.installed_folder()}",
            field="engine",
            help=f"{there}; environments that you have made yourself are left alone",
        )
    path: Path = found[engine]
    (path / interpreters.record_of(engine).name).unlink(missing_ok=True)  # from here on no run starts a worker there
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise _failure(f"cannot remove {path}: {error.strerror}", f"remove the folder {path} yourself") from error
    discovery.forget()
    return path
