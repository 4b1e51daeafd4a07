"""A daemon that is killed in the middle leaves nothing. ``python -m benchmarks.isolation --kill 12 --jobs 10000`` is
the long form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import isolation_kills


def run(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "benchmarks.isolation", "--levels", "jail", *arguments]
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=240, check=False)
    return found.returncode, found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_daemon_that_is_killed_in_the_middle_leaves_nothing() -> None:
    status, said = run("--kill", "3", "--jobs", "60")
    assert status == 0, said
    assert said.count("processes 0 and 0, mounts 0 and 0") == 3
    ended = re.search(r"(\d+) jobs ended well at jail, 0 did not", said)
    assert ended is not None
    assert int(ended[1]) >= 60


def test_the_benchmark_sees_what_is_left(tmp_path: Path) -> None:
    """What a daemon might leave is there, and is told of."""
    site = object.__new__(isolation_kills.Site)
    site.temporary, site.dead, site.process = tmp_path, [], subprocess.Popen(["true"])
    site.process.wait()
    clean = site.left()
    (tmp_path / "qmk-held-1-x").mkdir()
    orphan = subprocess.Popen(["sleep", "60"])
    try:
        wrong: list[str] = []
        isolation_kills.compare("here", clean, site.left(), wrong)
        assert len(wrong) == 2
        assert "processes" in wrong[0]
        assert "1 temporary files, 0 before" in wrong[1]
    finally:
        orphan.kill()
        orphan.wait()
