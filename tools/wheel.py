"""The wheel of the project holds the native core too: hatchling runs this when it builds one.

The core is built by maturin from ``native/``, which needs cargo. For an editable installation nothing is built here:
``tools/setup.sh`` installs the core by itself, anew when its sources change.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def find_maturin() -> Path:
    """The program that the package maturin has installed. Where pip builds in an environment of its own, that is not
    beside the interpreter, where ``python -m maturin`` looks for it."""
    files = metadata.distribution("maturin").files or ()
    return next(Path(str(file.locate())).resolve() for file in files if file.name in ("maturin", "maturin.exe"))


class NativeCore(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the core, and add its package to the wheel."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        manifest = Path(self.root, "native", "Cargo.toml")
        command = [str(find_maturin()), "build", "--release", "--locked", "--interpreter", sys.executable]
        subprocess.run([*command, "--manifest-path", str(manifest), "--out", str(folder)], check=True)
        built = next(folder.glob("*.whl"))
        with zipfile.ZipFile(built) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith("qmk_native/")])
        build_data["force_include"][str(folder / "qmk_native")] = "qmk_native"
        build_data["pure_python"] = False
        build_data["tag"] = "-".join(built.stem.split("-")[-3:])
