"""``qmk gateway`` as a person starts it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.commands import Started

Start = Callable[..., subprocess.Popen[str]]


def address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    found = re.match(r"listening on (http://127\.0\.0\.1:\d+);", line := process.stderr.readline())
    assert found, line + process.stderr.read()
    return found[1]


def asked(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=60) as answer:
        return json.load(answer)


def test_it_serves_until_it_is_told_to_stop(start: Start, daemon: Started, qmk: Any) -> None:
    gateway = start("gateway", "--port", "0")
    url = address(gateway)
    assert asked(f"{url}/health") == {"status": "up"}
    assert asked(f"{url}/qlam/v2/groups")["total"] == 1
    assert len(asked(f"{url}/braket/devices", {})["devices"]) == 5
    port = url.rpartition(":")[2]
    taken = qmk("gateway", "--port", port)
    assert (taken.returncode, "cannot listen" in taken.stderr) == (2, True)
    gateway.terminate()
    assert gateway.wait(30) in (0, -15)


def test_with_tokens_it_asks_for_one(start: Start, daemon: Started) -> None:
    url = address(start("gateway", "--port", "0", "--require-token"))
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(f"{url}/qlam/v2/groups")
    assert caught.value.code == 401


def test_without_its_packages_it_says_what_to_install(qmk: Any, folder: Any) -> None:
    code = "import sys; sys.modules['litestar'] = None; from qmk.cli.main import main; main(['gateway'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 3
    assert "quantum-microkernel[gateway]" in done.stderr
