"""Compiled modules of a library, loaded without the Python package round them.

The package's own ``__init__`` often imports a whole framework (Qiskit, Cirq, PennyLane) that an engine has no use for
and that takes ten times as long to load as the simulator itself; the first job of every worker would wait for it.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import machinery
from pathlib import Path
from types import ModuleType


def folder_of(package: str) -> Path:
    """Where ``package`` is installed. Raises ImportError when it is not. No code of the package runs; that of the
    packages it lies in does."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"{package} is not installed")
    return Path(found.submodule_search_locations[0])


def load(name: str, folder: Path) -> ModuleType:
    """The compiled module ``name`` out of ``folder``, under its own name: whoever imports the package later gets the
    same one, for its types can be registered only once in a process. Raises ImportError when it is not there."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    spec = machinery.PathFinder.find_spec(name, [str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no compiled module {name} in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module
