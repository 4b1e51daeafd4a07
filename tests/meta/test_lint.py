"""``make lint`` holds style, types and import contracts, and continuous integration runs it after the suite: here is
what keeps it honest."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WRONG_ON_PURPOSE = 156
"""Lines of ``tests`` and ``tools`` that the type checker passes over: wrong arguments that a test gives on purpose,
stubs that say less than their library does. The number only falls."""


def test_types_are_passed_over_in_no_more_places() -> None:
    note = re.compile(r"# (?:pyright|type): ignore")
    files = (path for folder in ("tests", "tools") for path in sorted((ROOT / folder).rglob("*.py")))
    found = sum(len(note.findall(path.read_text())) for path in files)
    assert found <= WRONG_ON_PURPOSE, "give the right type instead of a comment that passes over it"
    assert found >= WRONG_ON_PURPOSE, f"it is {found} now: lower WRONG_ON_PURPOSE"


def test_continuous_integration_runs_the_suite_and_the_checks() -> None:
    called = (ROOT / ".ci" / "run").read_text()
    assert [line for line in called.splitlines() if line.startswith("make ")] == [
        "make test </dev/null",
        "make lint </dev/null",
        "make hosts </dev/null",
        "make environments </dev/null",
    ]
    makefile = (ROOT / "Makefile").read_text()
    checks = makefile.split("\nlint:")[1].split("\n\n")[0]
    for check in ("ruff check", "ruff format --check", "pyright", "lint-imports", "fmt --check", "clippy"):
        assert check in checks
