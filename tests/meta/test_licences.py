"""Every dependency has a licence under which QMK may use it: none of the GPL, and every other one that binds is named
here with the reason. A new dependency fails here until its licence is known."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKED = sorted(set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements.lock").read_text(), re.M)))
PERMISSIVE = re.compile(
    r"\b(MIT(-0|-CMU)?|Apache([ -]|\b)|BSD|0BSD|ISC|Zlib|PSF|Python Software Foundation|CC0|Unicode|LLVM|Kiwi"
    r"|Unlicense|Public Domain)",
    re.I,
)
BINDING = re.compile(r"GPL|MPL|Mozilla|EUPL|CDDL|SSPL|BUSL|Commons Clause|proprietary|commercial", re.I)
NAMED = {
    "certifi": "MPL-2.0: a file of certificates, which QMK does not change",
    "componentize-py": "Apache-2.0 with the LLVM exception, as its repository says; its metadata has none",
    "hypothesis": "MPL-2.0: for tests only",
    "pathspec": "MPL-2.0: for building only",
    "tqdm": "MPL-2.0 and MIT: imported by optional engines, not changed",
    "psycopg": "LGPL-3.0: extra 'server' only; a library of its own that anyone may replace",
    "psycopg-binary": "LGPL-3.0: as psycopg",
}
"""Licences that bind more than to name the authors, and why that is no trouble. None is in the dependencies of QMK
itself or in its extras for simulators, but where it says so."""
UNDECLARED = {
    "pysqlite3": "zlib",
    "bloqade-core": "Apache-2.0 WITH LLVM-exception",
    "kirin-toolchain": "Apache-2.0 WITH LLVM-exception",
    "orderedmultidict": "Unlicense",
}
"""Licences that a package has in its source and not in its metadata."""
CRATES = {
    "autocfg": "Apache-2.0 OR MIT", "heck": "MIT OR Apache-2.0", "indoc": "MIT OR Apache-2.0",
    "libc": "MIT OR Apache-2.0", "memoffset": "MIT", "once_cell": "MIT OR Apache-2.0",
    "portable-atomic": "Apache-2.0 OR MIT", "proc-macro2": "MIT OR Apache-2.0", "pyo3": "MIT OR Apache-2.0",
    "pyo3-build-config": "MIT OR Apache-2.0", "pyo3-ffi": "MIT OR Apache-2.0", "pyo3-macros": "MIT OR Apache-2.0",
    "pyo3-macros-backend": "MIT OR Apache-2.0", "quote": "MIT OR Apache-2.0", "rustversion": "MIT OR Apache-2.0",
    "syn": "MIT OR Apache-2.0", "target-lexicon": "Apache-2.0 WITH LLVM-exception",
    "unicode-ident": "(MIT OR Apache-2.0) AND Unicode-3.0", "unindent": "MIT OR Apache-2.0",
}  # fmt: skip
"""The licence of each crate of the native core, as its manifest has it."""


def licence_of(name: str) -> str | None:
    """What a package's metadata says of its licence; None where it is not installed on this Python."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if name in UNDECLARED:
        return UNDECLARED[name]
    classifiers = [row for row in found.get_all("Classifier") or [] if row.startswith("License ::")]
    expression = (found.get_all("License-Expression") or [""])[0]
    if expression or classifiers:
        return " ".join([expression, *classifiers]).strip()
    return (found.get_all("License") or [""])[0][:200]


def test_the_lock_names_the_dependencies() -> None:
    assert {"numpy", "stim", "msgspec", "psycopg", "litestar"} <= set(LOCKED)


@pytest.mark.parametrize("name", [name for name in LOCKED if licence_of(name) is not None])
def test_a_package_has_a_licence_that_is_known(name: str) -> None:
    licence = licence_of(name) or ""
    assert PERMISSIVE.search(licence) or name in NAMED, f"{name}: {licence or 'no licence in its metadata'}"
    assert not BINDING.search(licence) or name in NAMED, f"{name}: {licence}; say in NAMED why that is no trouble"


def test_no_package_is_named_without_need() -> None:
    needless = [name for name in NAMED if not BINDING.search(licence_of(name) or "GPL")]
    assert needless == []
    assert NAMED.keys() <= set(LOCKED)
    assert not any(re.search(r"(?<!L)GPL", licence_of(name) or "") for name in LOCKED), "the GPL is in no extra"


def test_a_crate_has_a_licence_that_is_known() -> None:
    packages = tomllib.loads((ROOT / "native" / "Cargo.lock").read_text())["package"]
    assert {row["name"] for row in packages} - {"qmk-native"} == CRATES.keys()
    assert all(PERMISSIVE.search(licence) and not BINDING.search(licence) for licence in CRATES.values())
