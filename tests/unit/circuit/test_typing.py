"""What a type checker knows of a circuit: every method, and what is wrong in a call of one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import qmk
from qmk.circuit.declared import gate_methods, op_methods, program_methods

ROOT = Path(__file__).parents[3]

RIGHT = """
import numpy as np

import qmk
from qmk import X, Y, Z

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
p = qmk.Program(2).alloc("q", profile="logical:surface(d=5)").h(0).open_channel("link", 0, 1, fidelity=0.99)
p.use_channel("link", semantic="swap").close_channel("link").measure_angle(theta, [0, 1], "m").set_policy(priority=3)
p.place_atoms(np.zeros((2, 2)), 0, 1).move_atoms([[0, 1], (2.0, np.float64(3))], 10, 0, 1)
p.measure_atoms([0, 1], "out", "lost", lost_as=np.int64(1))
times = np.linspace(0, 1, 5)
p.rydberg(0, 1, positions=[[0, 0], [5, 0]], c6=5_420_000, duration=1, drives={"amplitude": 4, "phase": (times, times)})
raman: qmk.Drive = {"transition": "raman", "detuning": times, "pattern": [1, 0]}
p.rydberg3(0, 1, positions=np.eye(2), c6=1.0, duration=theta, drives=[raman], noise={"decay_per_us": 0.1})
h = 0.5 * X(0) @ X(1) + Z(2) - 2 * Y(np.int64(0)) / 3 - 1
h += qmk.Observable([("XX", 1j)]) + qmk.Observable(["ZZ"], np.array([0.5]), qubit0="right") - qmk.Observable({"X0": 1})
reveal_type(c.bind({theta: 0.5}, w=[1, 2, 3]).power(2))  # -> Circuit
reveal_type(p.copy().add(c).bind(theta=1))  # -> Program
reveal_type(qmk.Program.from_text(p.to("json")))  # -> Program
reveal_type(h.simplify())  # -> Observable
reveal_type(h.x)  # -> ndarray
reveal_type(next(iter(h)))  # -> tuple[str, complex]
reveal_type(qmk.run(c, shots=10, params={theta: 0.1}))  # -> Result
reveal_type(qmk.run(p).counts)  # -> Counts
over_time: qmk.Trajectory = qmk.run(p).trajectory
reveal_type(qmk.run([c, p]))  # -> CountsBatch[Result]
reveal_type(qmk.sample(p, shots=10))  # -> Sampled
reveal_type(qmk.expectation(p, h))  # -> Expectation
reveal_type(qmk.expectation(c, [h, "ZZ", {"XX": 0.5}]))  # -> list[Expectation]
reveal_type(qmk.expectation([c, p], h))  # -> ValuesBatch[Expectation]
reveal_type(qmk.expectation(c, h, {theta: times}))  # -> ValuesBatch[Expectation]
reveal_type(qmk.probabilities(c, [0]))  # -> Probabilities
reveal_type(qmk.amplitudes(c, ["00"]))  # -> list[complex]
reveal_type(qmk.state(c))  # -> ndarray
reveal_type(qmk.gradient(c, h))  # -> Gradient
reveal_type(qmk.value_and_grad(c, h))  # -> Objective
reveal_type(qmk.metric_tensor(c, [0.3]))  # -> ndarray
reveal_type(qmk.sweep(c, {theta: times}, h))  # -> Swept
reveal_type(qmk.estimate(p))  # -> Estimate
reveal_type(qmk.estimate(qmk.LogicalCounts(3, 5), [{}]))  # -> list[Estimate | QmkError]
reveal_type(qmk.rewrite(c).graph)  # -> Graph
compiled: qmk.Compiled = qmk.compile(c, "all:9")
reveal_type(compiled.program)  # -> Graph
reveal_type(qmk.outputs(c, expect=[h])[0])  # -> Graph
reveal_type(qmk.on_device(c, "zoned").graph)  # -> Graph
reveal_type(qmk.draw(c, width=360))  # -> Picture
script: qmk.ScriptResult = qmk.run_script("result = 1", input={"n": 3}, log=print)
later: qmk.ScriptResult = qmk.submit_script("result = 1", seed=3).result().script
reveal_type(script.log)  # -> list[str]
reveal_type(qmk.plot.histogram([qmk.run(c).counts], labels=["a"]))  # -> Figure


def ask(counts: qmk.Counts, batch: qmk.Batch[qmk.Result], gradient: qmk.Gradient, swept: qmk.Swept) -> None:
    noise = qmk.NoiseModel()
    with qmk.Embedded() as here, qmk.Client() as client:
        reveal_type(here.run(p, noise=noise))  # -> Result
        reveal_type(client.run(p, shots=10))  # -> Result
    print(qmk.__version__, counts, batch[0].counts, gradient.by, swept.values, qmk.ProgramWarning, qmk.Objective)


async def wait(found: qmk.Expectation, probabilities: qmk.Probabilities, estimate: qmk.Estimate) -> qmk.Sampled | None:
    try:
        async with qmk.AsyncClient() as client:
            reveal_type(await client.run(c))  # -> Result
    except qmk.QmkError as error:
        print(error.kind, found.value, probabilities.values, estimate)
    return None
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
c.rydberg(0)
qmk.Program(2).use_channel("link", semantic="teleports")
qmk.Program(2).rydberg(0, 1, positions=[[0, 0]], c6=1, duration=1, drives={"amplitud": 1})
qmk.Observable("X0", qubit0="first")
qmk.X("0") + "Z"
qmk.expectaton
"""


def check(folder: Path) -> str:
    """What pyright says of both scripts."""
    (folder / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{ROOT / "src"}"], "typeCheckingMode": "strict"}}')
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(folder)]
    return subprocess.run(command, capture_output=True, text=True).stdout


def require_types(found: str, told: str) -> None:
    """Every type that the script reveals is the one behind its arrow. ``told``: how the checker tells one."""
    revealed = {int(line): kind for line, kind in re.findall(told, found)}
    for number, line in enumerate(RIGHT.splitlines(), 1):
        if "reveal_type" in line:
            wanted = line.rpartition("# -> ")[2]
            kind = re.sub(r"\b[a-z_]+(?=\.)\.|\b[a-z_]+\.", "", revealed[number])
            assert kind.startswith(wanted), (line, revealed[number])


def test_the_script_uses_every_public_name() -> None:
    used = set(re.findall(r"qmk\.(\w+)", RIGHT)) | {"X", "Y", "Z"}
    assert set(qmk.__all__) <= used


def check_with_mypy(folder: Path) -> str:
    """What mypy says of both scripts, with QMK as an installed package, whose own lines it does not judge."""
    options = ["--strict", "--follow-imports=silent", f"--cache-dir={folder / 'cache'}"]
    command = [sys.executable, "-m", "mypy", *options, str(folder / "right.py"), str(folder / "wrong.py")]
    roots = {"MYPYPATH": f"{ROOT / 'src'}:{ROOT / 'native'}"}
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **roots}).stdout


@pytest.mark.parametrize(
    ("checker", "told", "error"),
    [
        (check, r'right\.py:(\d+):\d+ - information: Type of ".*" is "(.*)"', r"(right|wrong)\.py:(\d+):\d+ - error"),
        (check_with_mypy, r'right\.py:(\d+): note: Revealed type is "(.*)"', r"(right|wrong)\.py:(\d+): error"),
    ],
    ids=["pyright", "mypy"],
)
def test_a_type_checker_follows_a_user_and_finds_each_wrong_call(
    checker: Callable[[Path], str], told: str, error: str, tmp_path: Path
) -> None:
    if checker is check_with_mypy:
        pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    found = checker(tmp_path)
    require_types(found, told)
    lines = {(name, int(line)) for name, line in re.findall(error, found)}
    assert lines == {("wrong", number) for number in range(5, 5 + len(WRONG.splitlines()) - 4)}, found


def test_the_stub_has_every_method() -> None:
    stub = Path(qmk.__file__).with_name("circuit") / "methods.pyi"
    assert re.findall(r"^    def (\w+)\(", stub.read_text(), re.M) == [
        *gate_methods(),
        *op_methods(),
        *program_methods(),
    ]
