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


def test_an_authority_is_made_anew_in_two_steps(qmk: Qmk, tmp_path: Path) -> None:
    qmk("certificates", "issue", "lab", "--out", str(tmp_path / "lab.pem"))
    assert (
        "no rotation of the authority is under way" in qmk("certificates", "rotate", "--authority", "--finish").stderr
    )
    assert "--force goes with --finish" in qmk("certificates", "rotate", "--finish").stderr
    begun = qmk("certificates", "rotate", "--authority")
    assert "copy it to all clients" in begun.stdout
    assert "Certificates of the one before have: lab" in begun.stdout
    assert "of the authority before" in qmk("certificates", "list").stdout
    assert "qmk certificates issue NAME" in qmk("certificates", "rotate", "--authority", "--finish").stderr
    qmk("certificates", "issue", "lab", "--out", str(tmp_path / "lab.pem"))
    ended = json.loads(qmk("certificates", "rotate", "--authority", "--finish", "--json").stdout)
    assert Path(ended["path"]).read_text().count("BEGIN CERTIFICATE") == 1
    assert ended["waiting"] == []
    rows = json.loads(qmk("certificates", "list", "--json").stdout)["certificates"]
    assert [row["revoked"] for row in rows] == [False, True]


def test_policies_of_a_level_are_printed(qmk: Qmk) -> None:
    printed = qmk("isolation", "policy", "jail", "--format", "seccomp").stdout
    assert "pivot_root" in json.loads(printed)["syscalls"][0]["names"]
    assert "--worker goes with" in qmk("isolation", "policy", "process", "--format", "falco", "--worker").stderr
