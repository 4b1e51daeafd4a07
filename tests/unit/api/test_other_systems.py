"""Calls in the caller's own process need nothing that only Unix has: its modules are taken away, and they run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

WITHOUT_UNIX = """
import os, socket, sys
for name in ("fcntl", "resource", "uvloop", "pysqlite3", "grp", "pwd", "termios"):
    sys.modules[name] = None
for module, names in ((socket, ("AF_UNIX",)), (os, ("sched_getaffinity", "fork", "getuid", "sysconf", "O_CLOEXEC"))):
    for name in names:
        delattr(module, name)
import qmk
"""


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(set(qmk.run('examples/bell.qasm', shots=100, seed=1).counts))", "00"),
        ("print(set(qmk.run('examples/bell.qasm', shots=100, seed=1, engine='stabilizer').counts))", "11"),
        ("print(sum(qmk.sample('examples/bell.qasm', shots=100, seed=1).counts.values()))", "100"),
        ("print(qmk.expectation('examples/bell.qasm', 'ZZ').value)", "1.0"),
        ("print(qmk.Circuit(2).h(0).cx(0, 1).to('qasm3'))", "cx"),
        (
            "from qmk.cli.main import main; main(['run', 'examples/bell.qasm', '--shots', '10', '--seed', '1'])",
            "10 shots",
        ),
        ("from qmk.cli.main import main; main(['engines'])", "native"),
    ],
)
def test_it_runs_without_unix(code: str, printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_UNIX + code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
