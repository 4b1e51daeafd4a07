"""``qmk backup``: made, verified and restored from the command line, without a daemon."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import Qmk


def test_a_backup_is_made_verified_and_restored(qmk: Qmk, folder: Path) -> None:
    assert "there is no journal" in qmk("backup", "create", str(folder / "copy")).stderr
    qmk("tenant", "add", "chem")
    assert "64 hexadecimal digits" in qmk("backup", "create", str(folder / "copy"), "--keys", "env:HOME").stderr
    made = json.loads(qmk("backup", "create", str(folder / "copy"), "--json").stdout)
    assert (made["jobs"], made["keys"], made["missing"]) == (0, False, [])
    assert "is whole: 0 jobs, " in qmk("backup", "verify", str(folder / "copy")).stdout
    again = str(folder / "again")
    assert "restored in " in qmk("backup", "restore", str(folder / "copy"), "--data-dir", again).stdout
    assert "chem" in qmk("tenant", "list", "--data-dir", again).stdout
    refused = qmk("backup", "restore", str(folder / "copy"), "--data-dir", again)
    assert refused.returncode != 0
    assert "is not written over" in refused.stderr
