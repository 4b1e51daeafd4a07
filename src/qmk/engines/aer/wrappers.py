"""Aer's compiled simulator, loaded without the rest of Qiskit.

``import qiskit_aer`` imports all of Qiskit on the way, which takes ten times as long as the simulator itself (0.4 s
against 0.04 s) and which nothing here uses: every first job of an Aer worker would wait for it.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from importlib import machinery, metadata
from pathlib import Path
from typing import Any

NAME = "qiskit_aer.backends.controller_wrappers"


@cache
def simulator() -> Any:
    """The module ``NAME``, under its own name, so that a later ``import qiskit_aer`` takes the same one: its types can
    be registered once in a process. Raises ImportError when qiskit-aer is not installed or is built differently."""
    loaded = sys.modules.get(NAME)
    if loaded is not None:
        return loaded
    package = importlib.util.find_spec("qiskit_aer")
    if package is None or not package.submodule_search_locations:
        raise ImportError("qiskit-aer is not installed")
    folder = Path(package.submodule_search_locations[0]) / "backends"
    spec = machinery.PathFinder.find_spec(NAME, [str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"qiskit-aer has no compiled simulator in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.aer_initialize_libraries(str(folder))  # what qiskit_aer does on import: libraries it loads at run time
    sys.modules[NAME] = module
    return module


def version() -> str:
    return metadata.version("qiskit-aer")
