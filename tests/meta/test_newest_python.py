"""The bottom rooms under the newest Python that is at hand: the one of the engine that needs a newer Python.

Every module is imported, and every golden document gives the findings and the digest that it gives here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qmk.sdk import interpreters

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import pkgutil, sys
from importlib import import_module
from pathlib import Path

for room in ("base", "qvm", "abi", "kernel", "policy", "formats", "rpc"):
    package = import_module(f"qmk.{room}")
    for module in pkgutil.walk_packages(package.__path__, f"qmk.{room}."):
        import_module(module.name)

from qmk.base.errors import QmkError
from qmk.formats.json_codec import decode
from qmk.qvm.graph import digest
from qmk.qvm.verify import verify

for path in sorted(Path(sys.argv[1]).rglob("*.json")):
    try:
        graph, found = decode(path.read_bytes())
        found = [*found, *verify(graph).findings]
        print(path.name, digest(graph), [finding.rule for finding in found])
    except QmkError as refused:
        print(path.name, refused.kind.name)
"""


def outcome(python: str) -> str:
    done = subprocess.run(
        [python, "-c", PROGRAM, str(ROOT / "tests/golden")],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_golden_documents_are_the_same_under_the_newest_python() -> None:
    newest = interpreters.path_of("clifft")
    if newest is None:
        pytest.skip("there is no newer Python with an environment of its own here")
    here = outcome(sys.executable)
    assert here.count("\n") > 50
    assert outcome(str(newest)) == here
