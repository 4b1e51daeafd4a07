"""``qmk scenario`` as a person runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Qmk = Callable[..., subprocess.CompletedProcess[str]]
HOT = {
    "name": "hot",
    "seed": 6,
    "program": {"qubits": 3, "layers": 3},
    "machine": {"modules": {"A": {"noise": "p=1e-3"}, "B": {"noise": "p=1e-3"}}},
    "events": [{"at_round": 20, "kind": "drift", "module": "A", "noise": "p=3e-3"}],
    "courses": 2,
    "shots": 500,
}


def test_decisions_are_written_replayed_and_found_out(qmk: Qmk, tmp_path: Path) -> None:
    file, journal = tmp_path / "hot.json", tmp_path / "journal.jsonl"
    file.write_text(json.dumps(HOT))
    told = json.loads(qmk("scenario", str(file), "--journal", str(journal), "--json").stdout)
    assert told["ratio"]["high"] < 1
    lines = journal.read_text().splitlines()
    assert [json.loads(line) for line in lines] == [each for course in told["decisions"] for each in course]
    assert json.loads(qmk("scenario", str(file), "--replay", str(journal), "--json").stdout) == {"replayed": 4}
    file.write_text(json.dumps({**HOT, "policy": {"objective": "error"}}))
    refused = qmk("scenario", str(file), "--replay", str(journal))
    assert refused.returncode != 0
    assert "the policy chooses" in refused.stderr
