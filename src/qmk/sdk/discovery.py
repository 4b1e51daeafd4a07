"""Finding plug-ins without importing what they wrap.

Entry points of the groups ``qmk.engines``, ``qmk.frontends`` and ``qmk.passes`` name light objects (a
``Declaration``, a ``Frontend``, a ``Pass``); a heavy framework behind them is asked for with ``find_spec`` and its
version read from its metadata. A source tree that is not installed has no entry points: ``builtin`` lists the shipped
ones and fills them in.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.sdk import interpreters
from qmk.sdk.engine import Declaration
from qmk.sdk.frontend import Frontend
from qmk.sdk.passes import Pass

DISTRIBUTION = "quantum-microkernel"

_ENGINES = {
    name: f"qmk.engines.{name}:DECLARATION"
    for name in (
        "reference",
        "stabilizer",
        "aer",
        "native",
        "qsim",
        "qulacs",
        "lightning",
        "ddsim",
        "quimb",
        "clifft",
        "rydberg",
        "tenpy",
    )
}
_FRONTENDS = {
    name: f"qmk.frontends.{name.replace('-', '_')}:FRONTEND"
    for name in (
        *("qvm-json", "qvm-asm", "qvm-binary", "qasm2", "qasm3", "ahs", "quera", "pulser"),
        *("kirin", "stim", "lanes", "neutral-atom-vm"),
    )
}
_PASSES = {name: f"qmk.passes.{name}:PASS" for name in ("constants", "peephole", "relabel", "dead", "schedule", "full")}


class Available(msgspec.Struct, frozen=True):
    """Whether an engine can be loaded; ``hint`` says what to install, ``version`` is that of its library. ``python`` is
    the interpreter of its own environment, "" in ours."""

    ok: bool
    missing: tuple[str, ...] = ()
    hint: str = ""
    version: str = ""
    python: str = ""


def builtin(group: str) -> dict[str, str]:
    """The plug-ins shipped with QMK: name to "module:attribute". ``group`` is "engines", "frontends" or "passes"."""
    return dict({"engines": _ENGINES, "frontends": _FRONTENDS, "passes": _PASSES}[group])


@functools.cache
def entry_points(group: str) -> dict[str, str]:
    """Every plug-in of ``group`` that is installed or shipped: name to "module:attribute". Imports none of them."""
    from importlib import metadata  # it brings thirty modules, which a worker does without

    found = metadata.entry_points(group=f"qmk.{group}")
    return {**builtin(group), **{point.name: point.value for point in found}}


@functools.cache
def _read(group: str, name: str) -> tuple[object, str]:
    """The object of the entry point ``name``, or None and what kept it from loading."""
    wanted = {"engines": Declaration, "frontends": Frontend, "passes": Pass}[group]
    target = entry_points(group)[name]
    module, _, attribute = target.partition(":")
    try:
        loaded = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a stranger's plug-in may fail in any way; it must not take the others with it
        return None, f"{target}: {type(error).__name__}: {error}"
    return (loaded, "") if isinstance(loaded, wanted) else (None, f"{target} is not a {wanted.__name__}")


def _scan(group: str) -> dict[str, object]:
    """The objects of ``group`` by entry-point name."""
    read = {name: _read(group, name)[0] for name in entry_points(group)}
    return {name: loaded for name, loaded in read.items() if loaded is not None}


def problems(group: str) -> dict[str, str]:
    """Plug-ins that could not be read: entry-point name to what went wrong. They are left out everywhere else."""
    read = {name: _read(group, name)[1] for name in entry_points(group)}
    return {name: trouble for name, trouble in read.items() if trouble}


@functools.cache
def engines() -> dict[str, Declaration]:
    """Every engine's declaration by name; no engine and no framework is imported."""
    return {found.name: found for found in _scan("engines").values() if isinstance(found, Declaration)}


@functools.cache
def frontends() -> dict[str, Frontend]:
    """Every front-end by its format name."""
    return {found.format: found for found in each_frontend()}


def each_frontend() -> Iterator[Frontend]:
    """One after the other, each imported when its turn has come."""
    for name in entry_points("frontends"):
        found = _read("frontends", name)[0]
        if isinstance(found, Frontend):
            yield found


def frontend(format: str) -> Frontend | None:
    """The front-end of ``format``, imported alone where its entry point is called so."""
    if format in entry_points("frontends"):
        found = _read("frontends", format)[0]
        if isinstance(found, Frontend) and found.format == format:
            return found
    return frontends().get(format)


@functools.cache
def passes() -> dict[str, Pass]:
    """Every pass by its name."""
    return {found.name: found for found in _scan("passes").values() if isinstance(found, Pass)}


def engine(name: str) -> Declaration:
    """The declaration called ``name``. Raises UNSUPPORTED naming those there are."""
    known = engines()
    if name not in known:
        raise QmkError(
            "UNSUPPORTED",
            f"there is no engine '{name}'; there are {', '.join(sorted(known))}",
            engine=name,
            engines=sorted(known),
        )
    return known[name]


def reference(engine: str) -> str:
    """Where the declaration of ``engine`` is, as "module:attribute"; "" when there is no such engine."""
    found = [name for name, read in _scan("engines").items() if isinstance(read, Declaration) and read.name == engine]
    return entry_points("engines")[found[-1]] if found else ""


@functools.cache
def _present(module: str) -> bool:
    """Not by ``find_spec`` alone: of a dotted name that imports the parent package."""
    top, _, rest = module.partition(".")
    found = importlib.util.find_spec(top)
    if found is None or not rest:
        return found is not None
    return interpreters.lies_in(rest, list(found.submodule_search_locations or ()), top)


@functools.cache
def _version(distribution: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def available(declaration: Declaration) -> Available:
    """Whether a worker of ``declaration`` finds what it requires, in this environment or in one of its own. Nothing is
    imported and no process started."""
    path = interpreters.path_of(declaration.name)
    return here(declaration) if path is None else _there(declaration, path)


def _missing(declaration: Declaration) -> tuple[str, ...]:
    return tuple(module for module in declaration.requires if not _present(module))


def here(declaration: Declaration) -> Available:
    """Whether what ``declaration`` requires is installed in this environment."""
    missing = _missing(declaration)
    if not missing:
        return Available(ok=True, version=_version(declaration.library) if declaration.library else "")
    if declaration.python > sys.version_info[:2]:
        return Available(ok=False, missing=missing, hint=_apart_hint(declaration))
    what = f"{DISTRIBUTION}[{declaration.extra}]" if declaration.extra else _to_install(missing)
    return Available(ok=False, missing=missing, hint=f"pip install '{what}'")


def _to_install(missing: tuple[str, ...]) -> str:
    """What pip has to install. The native core comes with QMK and has no name of its own in any index."""
    return " ".join(dict.fromkeys(DISTRIBUTION if module == "qmk_native" else module for module in missing))


def _apart_hint(declaration: Declaration) -> str:
    folder = interpreters.neighbour(declaration.name)
    needs = " ".join(dict.fromkeys((*interpreters.WORKER_NEEDS, declaration.library)))
    wanted, ours = interpreters.text(declaration.python), interpreters.text(sys.version_info[:2])
    return (
        f"it needs Python {wanted} and this is {ours}: make it an environment of its own, "
        f"python{wanted} -m venv {folder} && {folder}/bin/pip install {needs}, or name one with --engine-python "
        f"{declaration.name}=PATH or {interpreters.variable(declaration.name)}"
    )


def _there(declaration: Declaration, path: Path) -> Available:
    found = interpreters.look(path)
    trouble = found.trouble
    if not trouble and declaration.python > found.version:
        trouble = (
            f"{path} is Python {interpreters.text(found.version)}; {interpreters.text(declaration.python)} is needed"
        )
    if trouble:
        hint = f"{trouble}; correct --engine-python or {interpreters.variable(declaration.name)}"
        return Available(ok=False, missing=declaration.requires, hint=hint, python=str(path))
    needs = dict.fromkeys((*interpreters.WORKER_NEEDS, *declaration.requires))
    missing = tuple(module for module in needs if not found.has(module))
    if missing:
        hint = f"{path} -m pip install {_to_install(missing)}"
        return Available(ok=False, missing=missing, hint=hint, python=str(path))
    return Available(ok=True, version=found.version_of(declaration.library), python=str(path))


def require(declaration: Declaration) -> None:
    """Raise UNSUPPORTED with the way to install it when the engine's libraries are absent from this environment."""
    if _missing(declaration):
        state = here(declaration)
        raise QmkError(
            "UNSUPPORTED",
            f"engine '{declaration.name}' needs {', '.join(state.missing)}; {state.hint}",
            engine=declaration.name,
            missing=list(state.missing),
            help=state.hint,
        )


def forget() -> None:
    """Look again next time: for tests and for plug-ins installed while the process runs."""
    for cached in (entry_points, _read, engines, frontends, passes, _present, _version, interpreters.look):
        cached.cache_clear()
