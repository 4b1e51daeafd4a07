"""The style, the types and the import contracts, held by the suite itself; of the native core where its toolchain has
rustfmt and clippy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

CHECKS = {
    "style": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["pyright", "--pythonpath", sys.executable],
    "imports": ["lint-imports", "--no-cache"],
}


WRONG_ON_PURPOSE = 153
"""Lines of ``tests`` and ``tools`` that the type checker passes over: wrong arguments that a test gives on purpose,
stubs that say less than their library does. The number only falls."""


def test_types_are_passed_over_in_no_more_places() -> None:
    note = re.compile(r"# (?:pyright|type): ignore")
    files = (path for folder in ("tests", "tools") for path in sorted((ROOT / folder).rglob("*.py")))
    found = sum(len(note.findall(path.read_text())) for path in files)
    assert found <= WRONG_ON_PURPOSE, "give the right type instead of a comment that passes over it"
    assert found >= WRONG_ON_PURPOSE, f"it is {found} now: lower WRONG_ON_PURPOSE"


@pytest.mark.timeout(600)  # the types of everything take minutes on a busy machine
@pytest.mark.parametrize("check", CHECKS)
def test_lint(check: str) -> None:
    program, *arguments = CHECKS[check]
    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


NATIVE_CHECKS = {
    "rustfmt": ["cargo-fmt", "fmt", "--check"],
    "clippy": [
        *("cargo-clippy", "clippy", "--quiet", "--release", "--locked", "--all-targets"),
        *("--", "-D", "warnings"),
    ],
}
"""the program that must stand beside cargo, then what cargo is called with"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", NATIVE_CHECKS)
def test_native_lint(check: str) -> None:
    program, *arguments = NATIVE_CHECKS[check]
    folder = subprocess.run([ROOT / "tools/rust.sh", "--find"], capture_output=True, text=True).stdout.strip()
    if not folder or not (Path(folder) / program).exists():
        pytest.skip(f"there is no {program} beside the cargo that builds the native core")
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"PYO3_PYTHON": sys.executable, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    done = subprocess.run(
        [Path(folder) / "cargo", *arguments], cwd=ROOT / "native", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
