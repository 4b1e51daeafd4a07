"""What a type checker knows of a circuit: every method, and what is wrong in a call of one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import qmk
from qmk.circuit.declared import gate_methods, op_methods, program_methods

ROOT = Path(__file__).parents[3]

RIGHT = """
import numpy as np

import qmk

theta, w = qmk.Parameter("theta"), qmk.Parameter("w", 3)
c = qmk.Circuit({"data": 3, "anc": None}, 2)
c.h(0).cx(0, 1).rx(0.5, np.int64(1)).rx(2 * theta, c.qubits[:2]).ry(w, [0, 1, 2]).rz(np.array([0.1, 0.2]), range(2))
c.x(qubit=3, ctrl=[0, 1], ctrl_state="01").t("anc", inverse=True).depolarize(0.01, 0, 1).pauli(0, px=0.1)
c.measure(0, "flag").measure(c.qubits, basis="X").measure_all()
with c.if_("flag"):
    c.x(1)
with c.else_(), c.repeat(3):
    c.reset(0, [1, 2]).barrier()
with c.if_(c.bits[0] & ~c.bits[1], 1):
    c.add(qmk.Circuit(1).h(0).inverse(), "anc")
reveal_type(c.bind({theta: 0.5}, w=[1, 2, 3]).power(2))
counts = qmk.run(c, shots=10, params={theta: 0.1}).counts
"""

WRONG = """
import qmk

c = qmk.Circuit(2)
c.hh(0)
c.h(1.5)
c.rx(0)
c.rx("pi", 0)
c.cx(0, 1, 2)
c.x(0, control=1)
c.paulirot(3, 0.5, 0)
"""


def check(path: Path, text: str) -> str:
    path.write_text(text)
    (path.parent / "pyrightconfig.json").write_text(
        f'{{"extraPaths": ["{ROOT / "src"}"], "typeCheckingMode": "strict"}}'
    )
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(path.parent)]
    return subprocess.run(command, capture_output=True, text=True).stdout


def test_a_type_checker_follows_a_user(tmp_path: Path) -> None:
    found = check(tmp_path / "right.py", RIGHT)
    assert "0 errors" in found, found
    assert re.search(r'right\.py:\d+:13 - information: Type of ".*power\(2\)" is "Circuit"', found)


def test_a_type_checker_finds_each_wrong_call(tmp_path: Path) -> None:
    found = check(tmp_path / "wrong.py", WRONG)
    lines = {int(line) for line in re.findall(r"wrong\.py:(\d+):\d+ - error", found)}
    assert lines == set(range(5, 12)), found


def test_the_stub_has_every_method() -> None:
    stub = Path(qmk.__file__).with_name("circuit") / "methods.pyi"
    assert re.findall(r"^    def (\w+)\(", stub.read_text(), re.M) == [
        *gate_methods(),
        *op_methods(),
        *program_methods(),
    ]
