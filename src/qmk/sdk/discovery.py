"""Finding plug-ins without importing what they wrap.

The plug-ins of QMK itself are the modules of the packages ``qmk.engines``, ``qmk.frontends``, ``qmk.passes`` and
``qmk.adapters``: a file or folder put there is found, in a source tree and in a wheel alike, and is listed nowhere
else. Those of others are found by entry points of groups of the same names. Either way a plug-in is a light object (a
``Declaration``, a ``Frontend``, a ``Pass``, an ``Adapter``) of the same name; the heavy framework behind it is asked
for with ``find_spec``, and its version is read from its metadata. A plug-in that cannot be read is left out and listed
by ``problems``.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import os
import pkgutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.sdk import frameworks, interpreters
from qmk.sdk.adapter import Adapter
from qmk.sdk.engine import Declaration
from qmk.sdk.frontend import Frontend
from qmk.sdk.passes import Pass
from qmk.sdk.references import resolve

DISTRIBUTION = "quantum-microkernel"

KINDS: Mapping[str, tuple[str, type]] = {
    "engines": ("DECLARATION", Declaration),
    "frontends": ("FRONTEND", Frontend),
    "passes": ("PASS", Pass),
    "adapters": ("ADAPTER", Adapter),
}
"""What a plug-in of each group is called in its module, and its type."""


class Available(msgspec.Struct, frozen=True):
    """Whether an engine can be loaded; ``hint`` says what to install. ``python`` is the interpreter of its own
    environment, where its library has version ``there``; "" in ours, which has its ``library``."""

    ok: bool
    missing: tuple[str, ...] = ()
    hint: str = ""
    library: str = ""
    python: str = ""
    there: str = ""

    @property
    def version(self) -> str:
        """The version of its library, "" where there is none. It is looked up only now, as that costs more than the
        rest."""
        return self.there or (_version(self.library) if self.library else "")


@functools.cache
def own_plugins(group: str) -> dict[str, str]:
    """Map the names of QMK's own plug-ins to "module:attribute". ``group`` is a key of ``KINDS``.

    A module ``one_name`` is the plug-in ``one-name``, unless its package lists it in ``SHARED``. None is imported."""
    package = importlib.import_module(f"qmk.{group}")
    shared: frozenset[str] = getattr(package, "SHARED", frozenset[str]())
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name not in shared)
    return {name.replace("_", "-"): f"qmk.{group}.{name}:{KINDS[group][0]}" for name in modules}


@functools.cache
def _entry_points(group: str) -> tuple[tuple[str, str], ...]:
    """List name and target of every entry point of ``group``."""
    if not _may_have(f"[qmk.{group}]".encode()):
        return ()
    from importlib import metadata  # it brings thirty modules, which a worker does without

    return tuple((point.name, point.value) for point in metadata.entry_points(group=f"qmk.{group}"))


def _may_have(section: bytes) -> bool:
    """Whether ``section`` stands in the entry points of an installed package, or somebody else has to say what is
    installed: to read so many short files takes a fraction of what ``importlib.metadata`` takes."""
    for place in sys.path:
        if not os.path.isdir(place or "."):
            if os.path.exists(place):
                return True  # an archive
            continue
        with os.scandir(place or ".") as found:
            for each in found:
                if each.name.lower().endswith((".dist-info", "egg-info")):
                    with suppress(OSError), open(os.path.join(each.path, "entry_points.txt"), "rb") as file:
                        if section in file.read():
                            return True
    return any(finder is not PathFinder and hasattr(finder, "find_distributions") for finder in sys.meta_path)


@functools.cache
def plugins(group: str) -> dict[str, str]:
    """Map the names of all plug-ins, QMK's own and installed ones, to "module:attribute". None is imported."""
    return {**dict(_entry_points(group)), **own_plugins(group)}


@functools.cache
def _read(group: str, name: str) -> tuple[Any, str]:
    """Return the plug-in ``name``, or None and what kept it from loading."""
    target = own_plugins(group).get(name) or plugins(group)[name]
    kind = KINDS[group][1]
    try:
        loaded = resolve(target)
    except Exception as error:  # a stranger's plug-in may fail in any way; it must not take the others with it
        return None, f"{target}: {type(error).__name__}: {error}"
    if not isinstance(loaded, kind):
        return None, f"{target} is not a {kind.__name__}"
    own_name = loaded.format if isinstance(loaded, Frontend) else loaded.name
    if own_name != name:
        return None, f"{target} calls itself '{own_name}'; a plug-in is registered under its own name"
    return loaded, ""


def problems(group: str) -> dict[str, str]:
    """Map plug-ins that cannot be used to what is wrong with them. They are left out everywhere else."""
    ours = own_plugins(group)
    broken = {name: trouble for name in plugins(group) if (trouble := _read(group, name)[1])}
    taken = {
        f"{name} ({target})": f"{target}: the name '{name}' belongs to {ours[name]}"
        for name, target in _entry_points(group)
        if ours.get(name, target) != target
    }
    return {**broken, **taken}


def _read_all(group: str) -> dict[str, Any]:
    read = {name: _read(group, name)[0] for name in sorted(plugins(group))}
    return {name: loaded for name, loaded in read.items() if loaded is not None}


@functools.cache
def engines() -> dict[str, Declaration]:
    """Every engine's declaration by name; no engine and no framework is imported."""
    return _read_all("engines")


@functools.cache
def frontends() -> dict[str, Frontend]:
    """Every front-end by its format."""
    return _read_all("frontends")


@functools.cache
def passes() -> dict[str, Pass]:
    """Every pass by its name."""
    return _read_all("passes")


@functools.cache
def adapters() -> dict[str, Adapter]:
    """Every adapter by its framework; no framework is imported."""
    return _read_all("adapters")


@functools.cache
def adapter_for(module: str) -> Adapter | None:
    """The adapter for types of the top-level ``module``. Installed packages are listed only where none of QMK's own is
    for it."""
    ours = own_plugins("adapters")
    names = itertools.chain(ours, (name for name in sorted(plugins("adapters")) if name not in ours))
    found = (_read("adapters", name)[0] for name in names)
    return next((adapter for adapter in found if adapter is not None and module in adapter.modules), None)


def _find(group: str, name: str) -> Any:
    """Reads one plug-in and imports no other. QMK's own are found without listing installed packages."""
    if name not in own_plugins(group) and name not in plugins(group):
        return None
    return _read(group, name)[0]


def frontend(format: str) -> Frontend | None:
    """The front-end of ``format``, imported alone."""
    return _find("frontends", format)


def engine(name: str) -> Declaration:
    """The declaration called ``name``, imported alone. Raises UNSUPPORTED with the reason where there is none."""
    found = _find("engines", name)
    if found is None:
        raise QmkError("UNSUPPORTED", why_missing("engines", name), engine=name, engines=sorted(engines()))
    return found


def why_missing(group: str, name: str, known: Iterable[str] | None = None) -> str:
    """Say why there is no plug-in ``name``: what is wrong with it, or which ones there are (``known``)."""
    kind, listed = {
        "engines": ("engine", "there are"),
        "frontends": ("format", "formats:"),
        "passes": ("pass", "there are"),
        "adapters": ("framework", "there are"),
    }[group]
    trouble = problems(group).get(name)
    if trouble is not None:
        return f"{kind} '{name}' cannot be loaded: {trouble}"
    return (
        f"there is no {kind} '{name[:80]}'; {listed} {', '.join(sorted(_read_all(group) if known is None else known))}"
    )


def reference(engine: str) -> str:
    """Where the declaration of ``engine`` is, as "module:attribute"; "" when there is no such engine."""
    return plugins("engines").get(engine, "") if _find("engines", engine) is not None else ""


@functools.cache
def _present(module: str) -> bool:
    """Whether a module is installed. ``find_spec`` alone would import the parent package of a dotted name."""
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
        return Available(ok=True, library=declaration.library)
    if declaration.python > sys.version_info[:2]:
        return Available(ok=False, missing=missing, hint=_apart_hint(declaration))
    if frameworks.lock_of(declaration.name) is not None:
        hint = (
            f"qmk engines install {declaration.name} makes an environment of its own, as its packages quarrel with ours"
        )
        return Available(ok=False, missing=missing, hint=hint)
    what = f"{DISTRIBUTION}[{declaration.extra}]" if declaration.extra else _to_install(declaration, missing)
    return Available(ok=False, missing=missing, hint=f"pip install '{what}'")


NAMED_ALIKE = (*interpreters.WORKER_NEEDS, "scipy")
"""Modules that are called like the distribution that they come with."""


def _to_install(declaration: Declaration, missing: tuple[str, ...]) -> str:
    """The distributions that pip has to install. The name of a module is not told as one: under it an index may have
    nothing, or what somebody else put there. The native core comes with QMK."""
    library = declaration.library or DISTRIBUTION
    return " ".join(
        dict.fromkeys(
            DISTRIBUTION if module == "qmk_native" else module if module in NAMED_ALIKE else library
            for module in missing
        )
    )


def _apart_hint(declaration: Declaration) -> str:
    wanted, ours = interpreters.text(declaration.python), interpreters.text(sys.version_info[:2])
    return (
        f"it needs Python {wanted} and this is {ours}: {_apart_command(declaration)} makes it an environment of its "
        f"own with a newer one, or name one with --engine-python {declaration.name}=PATH or "
        f"{interpreters.variable(declaration.name)}"
    )


def _apart_command(declaration: Declaration) -> str:
    if declaration.extra:
        return f"qmk engines install {declaration.name}"
    folder = interpreters.neighbour(declaration.name)
    needs = " ".join(dict.fromkeys((*interpreters.WORKER_NEEDS, declaration.library)))
    return f"python{interpreters.text(declaration.python)} -m venv {folder} && {folder}/bin/pip install {needs}"


def _there(declaration: Declaration, path: Path) -> Available:
    found = interpreters.look(path)
    trouble = found.trouble
    if not trouble and declaration.python > found.version:
        trouble = (
            f"{path} is Python {interpreters.text(found.version)}; {interpreters.text(declaration.python)} is needed"
        )
    if trouble:
        hint = f"{trouble}; correct --engine-python or {interpreters.variable(declaration.name)}"
        if path.is_relative_to(interpreters.installed_folder()):
            hint = f"{trouble}; qmk engines remove {declaration.name}, then install it anew"
        return Available(ok=False, missing=declaration.requires, hint=hint, python=str(path))
    needs = dict.fromkeys((*interpreters.WORKER_NEEDS, *declaration.requires))
    missing = tuple(module for module in needs if module != "qmk_native" and not found.has(module))
    if missing:
        hint = f"{path} -m pip install {_to_install(declaration, missing)}"
        return Available(ok=False, missing=missing, hint=hint, python=str(path))
    return Available(ok=True, python=str(path), there=found.version_of(declaration.library))


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
    """Forgets what was found, for tests and for plug-ins that are installed while the process runs."""
    for cached in (
        own_plugins,
        _entry_points,
        plugins,
        _read,
        engines,
        frontends,
        passes,
        adapters,
        adapter_for,
        _present,
        _version,
        interpreters.look,
    ):
        cached.cache_clear()
