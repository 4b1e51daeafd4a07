"""``qmk certificates`` and ``qmk isolation`` on the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_certificates_are_given_listed_and_revoked(qmk: Qmk, tmp_path: Path) -> None:
    out = tmp_path / "lab.pem"
    made = None
    for _ in range(2):
        made = json.loads(qmk("certificates", "issue", "lab", "--out", str(out), "--json").stdout)
        assert out.stat().st_mode & 0o777 == 0o600
    assert qmk("certificates", "revoke", "lab", "--older").stdout.startswith("revoked lab")
    rows = json.loads(qmk("certificates", "list", "--json").stdout)["certificates"]
    assert [(row["name"], row["revoked"]) for row in rows] == [("lab", False), ("lab", True)]
    assert made is not None
    assert rows[0]["serial"] == made["serial"]
    assert "certificates were given to: lab" in qmk("certificates", "revoke", "other").stderr
    assert "a gateway with --tls auto makes it" in qmk("certificates", "rotate").stderr
    assert "not a name for a certificate" in qmk("certificates", "issue", "../x").stderr


def test_policies_of_a_level_are_printed(qmk: Qmk) -> None:
    printed = qmk("isolation", "policy", "jail", "--format", "seccomp").stdout
    assert "pivot_root" in json.loads(printed)["syscalls"][0]["names"]
    assert "--worker goes with" in qmk("isolation", "policy", "process", "--format", "falco", "--worker").stderr
