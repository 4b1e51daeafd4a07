"""Front-end ``kirin``: what it pins (turns, bit order, lost atoms), against Bloqade's simulator; what it refuses."""

from __future__ import annotations

import cmath
import gzip
import importlib
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from qmk import frontends
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.exact.simulator import exact_distribution
from qmk.frontends.kirin import FRONTEND, KIRIN_RULES
from qmk.frontends.kirin.quantum import ANGLES, FIXED, rotation_gate
from qmk.frontends.kirin.reader import STATEMENTS, parse
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms" / "kirin"
ARGUMENTS: dict[str, dict[str, float]] = {
    "gates": {"theta": 0.7}, "classical": {"n": 5, "theta": 0.4}, "classical_cf": {"n": 5, "theta": 0.4},
    "teleport": {"theta": 0.9}, "reload": {"p": 0.5}, "memory": {"rounds": 2}, "ghz": {"n": 5},
}  # fmt: skip
NAMES = sorted(path.name.partition(".")[0] for path in DATA.glob("*.gz"))


def packed(name: str) -> bytes:
    return (DATA / f"{name}.kirin.json.gz").read_bytes()


def read(name: str) -> Graph:
    return frontends.load(packed(name), path=name, params=ARGUMENTS.get(name)).graph


def chances(graph: Graph) -> dict[str, float]:
    return exact_distribution(lower(graph, ALL_GATES))


def ops(graph: Graph, op: str) -> list[Node]:
    return [node for node in graph.nodes if node.op == op]


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_recognised_and_sound(name: str) -> None:
    loaded = frontends.load(packed(name), params=ARGUMENTS.get(name))
    assert loaded.format == "kirin"
    assert verify(loaded.graph).ok
    assert frontends.load(gzip.decompress(packed(name)), params=ARGUMENTS.get(name)).graph == loaded.graph


@pytest.mark.parametrize("name", ["gates", "classical", "classical_cf"])
def test_distributions_are_those_of_bloqades_simulator(name: str) -> None:
    """Every gate of squin, on states that tell them apart; loops, closures and branches of both forms."""
    want = json.loads((DATA / "expected.json").read_text())[name.removesuffix("_cf")]["probabilities"]
    got = chances(read(name))
    assert max(abs(got.get(key, 0.0) - want.get(key, 0.0)) for key in {*got, *want}) < 1e-6
    assert len(want) > 2


def test_what_bell_and_ghz_give() -> None:
    for name in ("bell", "nested"):
        assert chances(read(name)) == pytest.approx({"00": 0.5, "11": 0.5})
    assert chances(read("ghz")) == pytest.approx({"00000": 0.5, "11111": 0.5})
    assert chances(read("recursive")) == pytest.approx({"1111": 1.0})


def test_feed_forward_teleports() -> None:
    got = chances(read("teleport"))
    assert got == pytest.approx({"0": math.cos(0.45) ** 2, "1": math.sin(0.45) ** 2})
    assert [node.guard is not None for node in ops(read("teleport"), "core.x")] == [True]


def test_conditions_of_measured_bits() -> None:
    """q0 is flipped if (b0 and b1) or not b2, q1 is reset and set if b0 == b1."""
    want: dict[str, float] = {}
    for k in range(8):
        a, b, c = k >> 2, k >> 1 & 1, k & 1
        row = f"{a ^ int((a and b) or not c)}{int(a == b)}{c}"
        want[row] = want.get(row, 0.0) + 0.125
    assert chances(read("logic")) == pytest.approx(want)


# -- gates ------------------------------------------------------------------------------------------------------------

Array = npt.NDArray[np.complex128]
PAULI = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}


def rotation(axis: str, turns: float) -> Array:
    angle = math.pi * turns
    return math.cos(angle) * np.eye(2) - 1j * math.sin(angle) * np.array(PAULI[axis])


def same(a: Any, b: Any) -> None:
    """Equal up to a global phase."""
    left, right = np.array(a, complex), np.array(b, complex)
    assert abs(abs(np.trace(left.conj().T @ right)) - len(left)) < 1e-12


def matrix(gate: str, args: dict[str, float]) -> Any:
    made = OPS[f"core.{gate}"].matrix
    assert made is not None
    return made(args)


@pytest.mark.parametrize("turns", [(0.1, 0.2, 0.3), (0.25, -0.7, 0.5), (-0.4, 1.6, 0.05)])
def test_gates_with_angles_take_turns(turns: tuple[float, float, float]) -> None:
    x, y, z = turns
    for axis in "XYZ":
        same(matrix(*rotation_gate(f"R{axis.lower()}", (x,))), rotation(axis, x))
    same(matrix(*rotation_gate("U3", turns)), rotation("Z", y) @ rotation("Y", x) @ rotation("Z", z))
    same(matrix(*rotation_gate("PhasedXZ", turns)), rotation("Z", z + y) @ rotation("X", x) @ rotation("Z", -z))


def test_fixed_gates_and_their_adjoints() -> None:
    quarter = {"S": rotation("Z", 0.25), "T": rotation("Z", 0.125)}
    quarter |= {"SqrtX": rotation("X", 0.25), "SqrtY": rotation("Y", 0.25)}
    for name, want in quarter.items():
        same(matrix(*FIXED[name][0]), want)
        same(matrix(*FIXED[name][1]), want.conj().T)
    for name in "XYZ":
        same(matrix(*FIXED[name][0]), PAULI[name])
        two = np.eye(4, dtype=complex)
        two[2:, 2:] = PAULI[name]
        same(matrix(*FIXED[f"C{name}"][0]), two)
    same(matrix(*FIXED["CCZ"][0]), np.diag([1] * 7 + [-1]))
    same(matrix(*FIXED["H"][0]), np.array([[1, 1], [1, -1]]) / math.sqrt(2))
    assert set(FIXED) & set(ANGLES) == set()
    assert cmath.isclose(matrix("swap", {})[1][2], 1)


# -- atoms, noise, annotations ----------------------------------------------------------------------------------------


def test_a_lost_atom_is_an_event_of_its_own() -> None:
    graph = read("reload")
    assert [node.op for node in graph.nodes if "loss" in node.op or node.op == "atoms.mz"] == [
        "noise.loss", "atoms.mz", "atoms.mz",
    ]  # fmt: skip
    assert graph.outputs is not None
    assert [(row.name, row.bits) for row in graph.outputs] == [("result", ("m0", "m1")), ("lost", ("lost0", "lost1"))]
    guard = ops(graph, "core.x")[-1].guard
    assert guard is not None
    assert (guard.event, guard.value) == ("lost0", 1)
    assert all("lost_as" not in node.args for node in ops(graph, "atoms.mz"))
    assert {"atoms", "noise"} <= set(graph.families)


def test_a_lost_atom_starts_the_other_branch() -> None:
    """q0 is lost with probability 1/2; then q1 is set. Counts print L for the bit of a lost atom."""
    assert chances(read("reload")) == pytest.approx({"10 00": 0.5, "L1 10": 0.5})


def test_without_loss_measurements_are_plain() -> None:
    assert not ops(read("teleport"), "atoms.mz")


def test_noise_keeps_its_order() -> None:
    graph = read("noise")
    args = {node.op: node.args for node in graph.nodes if node.op.startswith("noise.")}
    assert args["noise.pauli"] == {"px": 0.01, "py": 0.02, "pz": 0.03}
    assert args["noise.pauli2"]["pix"] == 0.001
    assert args["noise.pauli2"]["pzz"] == 0.015
    assert args["noise.pauli2"]["pxi"] == 0.004
    assert [node.args["p"] for node in ops(graph, "noise.depolarize")] == [0.01, 0.02]
    assert [(node.args["p"], len(node.vqs)) for node in ops(graph, "noise.loss")] == [(0.04, 1), (0.04, 1), (0.05, 2)]
    assert args["noise.leak"] == {"p0": 0.06, "p1": 0.07}


def test_detectors_and_observables_are_registers() -> None:
    graph = read("memory")
    assert graph.outputs is not None
    assert {row.name: len(row.bits) for row in graph.outputs} == {"result": 3, "detectors": 4, "observables": 1}
    assert graph.metadata["detectors"] == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]


# -- what it refuses --------------------------------------------------------------------------------------------------

Raw = dict[str, Any]


def units(value: Any) -> Iterator[list[Any]]:
    """Every unit's list, outermost first."""
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, list):
            stack.extend(here)
        elif isinstance(here, dict):
            if "$u" in here:
                yield here["$u"]
            stack.extend(here.values())


def statement(made: Raw, id: str) -> list[Any]:
    return next(unit for unit in units(made) if unit[0] == "statement" and unit[3]["id"] == id)


def rename(id: str, module: str, name: str) -> Callable[[Raw], None]:
    def apply(made: Raw) -> None:
        statement(made, id)[1:3] = [module, name]

    return apply


def foreign(made: Raw) -> None:
    next(unit for unit in units(made) if unit[0] == "type")[1:3] = ["os", "system"]


def near(made: Raw) -> None:
    next(unit for unit in units(made) if unit[0] == "type")[1:3] = ["kirin_evil.types", "X"]


def dangling(made: Raw) -> None:
    next(unit for unit in units(made) if unit[0] == "ssa_ref")[-1]["id"] = "%nothing"


def constant(id: str, text: str) -> Callable[[Raw], None]:
    def apply(made: Raw) -> None:
        for unit in units(statement(made, id)[3]["attributes"]):
            if unit[0] == "int":
                unit[-1]["value"] = text

    return apply


def refused(data: bytes, **params: Any) -> tuple[str, str]:
    with pytest.raises(QmkError) as caught:
        FRONTEND.parse(frontends.Source(data, "k.json", params or None))
    finding = caught.value.findings[0]
    assert finding.help
    assert finding.file == "k.json"
    return finding.rule, finding.message


@pytest.mark.parametrize(
    ("rule", "says", "change"),
    [
        ("KIRIN-01", "no result|results", rename("%measure", "bloqade.qubit.stmts", "Reset")),
        ("KIRIN-02", "Popen of subprocess", rename("%measure", "subprocess", "Popen")),
        ("KIRIN-02", "Surprise", rename("%measure", "bloqade.qubit.stmts", "Surprise")),
        ("KIRIN-03", "system comes from os", foreign),
        ("KIRIN-03", "kirin_evil", near),
        ("KIRIN-08", "calls nest deeper", rename("%sub_1", "kirin.dialects.py.binop.stmts", "Mult")),
        ("KIRIN-08", "1000000000 elements", constant("%constant", "1000000000")),
        ("KIRIN-08", "digits", constant("%constant", "9" * 500)),
        ("KIRIN-09", "%nothing", dangling),
    ],
)
def test_programs_that_break_a_rule(rule: str, says: str, change: Callable[[Raw], None]) -> None:
    made = json.loads(gzip.decompress(packed("recursive")))
    change(made)
    got, message = refused(json.dumps(made).encode())
    assert got == rule
    assert any(part in message for part in says.split("|")), message


def test_noise_does_not_depend_on_a_measurement() -> None:
    """Noise strikes on every path; X of the teleportation becomes a Pauli channel on the same list."""
    made = json.loads(gzip.decompress(packed("teleport")))
    given = next(unit for unit in units(made) if unit[:3] == ["statement", "bloqade.squin.gate.stmts", "X"])
    given[1:3] = ["bloqade.squin.noise.stmts", "Depolarize"]
    assert refused(json.dumps(made).encode(), theta=0.9)[0] == "KIRIN-05"


def test_arguments_are_named() -> None:
    assert refused(packed("ghz"))[0] == "KIRIN-06"
    assert "'m'" in refused(packed("ghz"), n=2, m=1)[1]
    assert refused(packed("ghz"), n=2.5)[0] == "KIRIN-04"
    assert refused(packed("ghz"), n="5")[0] == "KIRIN-06"


def test_endless_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMITS, "expansion_steps", 2000)
    rule, message = refused(packed("memory"), rounds=1_000_000_000)
    assert rule == "KIRIN-08"
    assert "2000 statements" in message


def test_hostile_bytes() -> None:
    """A bomb is not unpacked beyond the limit, and depth is no crash."""
    bomb = gzip.compress(b'{"__serialization_module__": true, "pad": "' + bytes(1 << 20) * 20, 9)
    assert len(bomb) < 200_000
    assert refused(bomb)[0] == "KIRIN-08"
    assert refused(b'{"__serialization_module__": true, "pad": "' + bytes(1 << 24))[0] == "KIRIN-08"
    assert refused(packed("bell")[:-50])[0] == "KIRIN-01"
    assert refused(b'{"__serialization_module__": true, "body": ' + b"[" * 100_000)[0] == "KIRIN-01"
    deep = b'{"__serialization_module__": true, "body": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert refused(deep)[0] == "KIRIN-01"


def test_no_module_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*names: Any) -> None:
        raise AssertionError(names)

    monkeypatch.setattr(importlib, "import_module", forbid)
    before = set(sys.modules)
    parse(frontends.Source(packed("noise")))
    assert not [name for name in set(sys.modules) - before if name.startswith(("kirin", "bloqade"))]


def test_rules_are_numbered() -> None:
    assert list(KIRIN_RULES) == [f"KIRIN-{k:02d}" for k in range(1, len(KIRIN_RULES) + 1)]
    assert len(STATEMENTS) > 90


SAMPLES = frontend_kit.Samples(
    valid={
        "bell": (packed("bell"), {"00": 0.5, "11": 0.5}),
        "recursive": (packed("recursive"), {"1111": 1.0}),
        "logic": (gzip.decompress(packed("logic")), None),
    },
    invalid={"half": (packed("bell")[:-50], 0), "other": (b'{"__serialization_module__": false}', 0)},
    foreign=[b'{"version": "1.0", "program": {"nodes": []}}', b"OPENQASM 3;\nqubit q;", b"\x1f\x8b junk"],
)
CHECKS = frontend_kit.checks(FRONTEND, SAMPLES)


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_conformance(check: Any) -> None:
    if check.skipped:
        pytest.skip(check.skipped)
    assert check.run() == ""
