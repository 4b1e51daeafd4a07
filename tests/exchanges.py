"""The worked example of each call: what docs/spec/qsyscall.md shows, and what tests play through a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[1] / "docs" / "spec" / "qsyscall_examples.json"
EXAMPLES: dict[str, tuple[Any, Any]] = {
    name: (row["params"], row["result"]) for name, row in json.loads(_FILE.read_text(encoding="utf-8")).items()
}
"""Params and result by the name of the call."""

SESSION = "ses_example"
JOB = "job_example"
CHANNEL = "chan_example"
OTHER_JOB = "job_other"
CHECKPOINT = "chk_example"
TIME = 1767225600.0
"""2026-01-01 00:00:00 UTC, Unix seconds."""
BELL: dict[str, Any] = EXAMPLES["q_submit"][0]["graph"]
