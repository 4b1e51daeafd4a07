"""What importing costs: counted in modules, as seconds depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    *("numpy", "scipy", "stim", "qiskit", "qiskit_aer", "qdk", "rich", "pyqir", "openqasm3", "sympy", "matplotlib"),
    *("qsimcirq", "cirq", "qulacs", "qulacs_core", "pennylane", "pennylane_lightning", "mqt", "quimb", "cotengra"),
    *("numba", "clifft", "tenpy", "jax", "torch", "autograd"),
}


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after ``code``."""
    script = f"{code}\nimport sys, json\nsys.stdout.write('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "code",
    [
        "import qmk",
        "import qmk.qvm.families, qmk.qvm.graph, qmk.base.errors",
        "import qmk.kernel",
        "import qmk.client",
        "import qmk.cli.main",
        "from qmk.cli.main import cli\ncli.main(['--help'], standalone_mode=False)",
        "import qmk.host.daemon",
        "import qmk.router",
        "from qmk.sdk.discovery import engines, frontends\nengines()\nfrontends()",
        "from qmk.sdk.discovery import available, engines\n[available(found) for found in engines().values()]",
    ],
)
def test_loads_no_framework(code: str) -> None:
    assert not modules_after(code) & HEAVY


def test_plain_import_is_tiny() -> None:
    """``import qmk`` adds itself and next to nothing of Python's own; no third-party module."""
    added = modules_after("import qmk") - modules_after("pass")
    assert added - {"qmk"} <= {"__future__", "typing", "_typing", "contextlib", "warnings"}


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--help"], {}), ([], {"_QMK_COMPLETE": "bash_complete", "COMP_WORDS": "qmk c", "COMP_CWORD": "1"})],
    ids=["help", "completion"],
)
def test_a_list_of_commands_imports_none(arguments: list[str], environment: dict[str, str]) -> None:
    code = (
        "import atexit, os, sys\n"
        f"os.environ.update({environment})\n"
        "from qmk.cli.main import main\n"
        "@atexit.register\n"
        "def report():\n"
        "    commands = [n for n, m in sys.modules.items() if n.startswith('qmk.cli.') and hasattr(m, 'command')]\n"
        "    print('loaded', commands, any(n.startswith('qmk.qvm') for n in sys.modules))\n"
        f"main({arguments})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded [] False\n"), done.stdout
    assert "checkpoint" in done.stdout


def test_one_command_imports_no_other() -> None:
    code = (
        "import sys\nfrom qmk.cli.main import cli\n"
        "cli.main(['gc', '--help'], standalone_mode=False)\n"
        "loaded = {name for name in sys.modules if name.startswith('qmk.cli.')}\n"
        "commands = {name for name in loaded if hasattr(sys.modules[name], 'command')}\n"
        "assert commands == {'qmk.cli.gc'}, loaded"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
