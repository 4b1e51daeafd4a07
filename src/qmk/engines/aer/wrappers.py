"""Aer's compiled simulator, loaded without the rest of Qiskit (0.04 s against 0.4 s; see ``sdk.extension``)."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import Any

from qmk.sdk import extension

NAME = "qiskit_aer.backends.controller_wrappers"


@cache
def simulator() -> Any:
    """The module ``NAME``. Raises ImportError when qiskit-aer is not installed or is built differently."""
    folder = extension.folder_of("qiskit_aer") / "backends"
    module: Any = extension.load(NAME, folder)
    module.aer_initialize_libraries(str(folder))  # what qiskit_aer does on import: libraries it loads at run time
    return module


def version() -> str:
    return metadata.version("qiskit-aer")
