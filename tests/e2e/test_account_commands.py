"""Commands about accounts, on the gateway's own file without a daemon."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_accounts_on_this_machine(qmk: Run, tmp_path: Path) -> None:
    place = ("--data-dir", str(tmp_path / "state"))
    rates = tmp_path / "rates.json"
    rates.write_text(json.dumps({"*": {"shot": "0.01"}}))
    assert "user: ada" in qmk("user", "add", "ada", "--operator", *place).stdout
    listed = json.loads(qmk("user", "list", "--json", *place).stdout)["users"]
    assert [(row["user"], row["operator"]) for row in listed] == [("ada", True)]
    assert "currency: EUR" in qmk("price", "set", "standard", str(rates), "--currency", "EUR", *place).stdout
    assert "no webhooks" in qmk("webhook", "list", "chem", *place).stdout
    for command in (("budget", "show", "chem"), ("invoice", "show", "chem", "2026-13"), ("org", "list")):
        refused = qmk(*command, *place)
        assert (refused.returncode != 0, "Traceback" in refused.stderr) == (True, False)
        assert "fix:" in refused.stderr or "there is no budget" in refused.stderr, refused.stderr
