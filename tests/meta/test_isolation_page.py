"""The page on isolation names tests and attempts that exist, and every attempt of the suite."""

from __future__ import annotations

import re
from pathlib import Path

from tests.engines.attempts import ATTEMPTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "howto" / "isolation.md").read_text()
TABLE = PAGE.partition("## What a level does and does not defend against")[2].partition("\n## ")[0]
LEVELS = {"process", "jail", "wasm", "gvisor", "microvm"}


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(?:(tests/[\w/.]+\.py)::)?(test_\w+)`", PAGE)
    assert len(named) >= 6
    everywhere = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in ((ROOT / file).read_text() if file else everywhere)
    ]
    assert missing == []


def test_the_table_names_every_attempt_and_no_other() -> None:
    rows = [line.split("|") for line in TABLE.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row[-2])}
    attempts = {name for name in named if name not in LEVELS and not name.startswith(("tests/", "test_", "--"))}
    assert attempts <= ATTEMPTS.keys(), f"no such attempt: {attempts - ATTEMPTS.keys()}"
    assert set(ATTEMPTS) <= attempts, f"not in the table of docs/howto/isolation.md: {set(ATTEMPTS) - attempts}"
