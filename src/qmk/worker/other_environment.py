"""The worker's start under the Python of another environment: a script, run by its path.

It makes this QMK and its native core importable and nothing else of the environment that QMK is installed in: compiled
modules there are of another Python. The core is built against the stable ABI, so that one file serves every Python.
What the worker imports besides comes from its own environment. The first argument is the folder of the native core.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def take(name: str, folder: Path) -> None:
    """Import the package that lies in this folder."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    take("qmk_native", Path(sys.argv.pop(1)))
    take("qmk", Path(__file__).resolve().parents[1])
    from qmk.worker.main import main

    sys.exit(main())
