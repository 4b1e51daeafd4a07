"""``qmk gc`` beside and after a daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_gc_says_what_goes_and_keeps_what_is_young(qmk: Any, daemon: Any, folder: Path) -> None:
    qmk("submit", "examples/bell.qasm", "--wait")
    beside = qmk("gc")
    assert beside.returncode == 3
    assert "another daemon" in beside.stderr
    daemon.terminate()
    daemon.wait(30)
    young = json.loads(qmk("gc", "--older-than", "30d", "--json").stdout)
    assert (young["jobs"], young["kept_jobs"]) == (0, 1)
    dry = qmk("gc", "--older-than", "0s", "--dry-run")
    assert dry.stdout.startswith("1 jobs would go, "), dry.stderr
    gone = qmk("gc", "--older-than", "0s")
    assert gone.stdout.startswith("1 jobs gone, ")
    assert "kept: 0 jobs" in gone.stdout


def test_gc_refuses_what_it_does_not_understand(qmk: Any) -> None:
    assert "is no age" in qmk("gc", "--older-than", "soon").stderr
    assert "there is no data folder" in qmk("gc", "--data-dir", "nowhere").stderr
