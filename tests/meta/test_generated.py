"""Generated pages and schemas equal a fresh generation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATORS = sorted((ROOT / "tools").glob("generate_*.py"))


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda path: path.stem)
def test_generated_files_are_fresh(generator: Path) -> None:
    done = subprocess.run([sys.executable, str(generator), "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrun: make docs"


def test_the_runner_finds_every_generator() -> None:
    assert GENERATORS
    runner = (ROOT / "tools" / "generate.py").read_text()
    assert 'glob("generate_*.py")' in runner
