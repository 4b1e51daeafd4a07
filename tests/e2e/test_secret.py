"""``qmk secret``: what a user types, sees, and never sees."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_secrets_are_kept_listed_renewed_and_forgotten(qmk: Qmk) -> None:
    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        done = qmk("secret", *arguments, stdin=given)
        assert "of-the-lab" not in done.stdout + done.stderr
        return done

    assert "no secrets are kept" in run("list").stdout
    assert "refer to it as store:ionq" in run("set", "ionq", given="key-of-the-lab\n").stdout
    assert [row["name"] for row in json.loads(run("list", "--json").stdout)["secrets"]] == ["ionq"]
    assert run("check", "store:ionq").stdout == "found, of 14 characters\n"
    assert json.loads(run("rotate", "--json").stdout) == {"secrets": 1}
    assert run("check", "store:ionq").returncode == 0
    assert run("remove", "ionq").stdout == "forgot ionq\n"
    lost = run("check", "store:ionq")
    assert (lost.returncode, "qmk secret set ionq" in lost.stderr) == (2, True)
    assert "is not a reference to a secret" in run("check", "key-of-the-lab").stderr
