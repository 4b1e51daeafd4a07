"""The worker's start under the Python of another environment: a script, run by its path.

It makes this QMK importable and nothing else of the environment that QMK is installed in: compiled modules there are of
another Python. What the worker imports besides comes from its own environment.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def take_qmk() -> None:
    """Import the package ``qmk`` that this file belongs to."""
    folder = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        "qmk", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["qmk"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    take_qmk()
    from qmk.worker.main import main

    sys.exit(main())
