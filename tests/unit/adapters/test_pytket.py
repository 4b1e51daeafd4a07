"""Circuits of pytket, both ways: every op, register, condition and symbol arrives or is refused."""

from __future__ import annotations

import json
import random
from typing import Any, cast

import numpy as np
import pytest
from pytket import Circuit, OpType
from pytket.circuit import (
    Bit,
    CircBox,
    DiagonalBox,
    DummyBox,
    ExpBox,
    Op,
    PauliExpBox,
    QControlBox,
    Qubit,
    ResourceBounds,
    ResourceData,
    ToffoliBox,
    Unitary1qBox,
    Unitary2qBox,
    Unitary3qBox,
    reg_eq,
    reg_lt,
)
from pytket.circuit.logic_exp import BitNot
from pytket.pauli import Pauli
from scipy.stats import unitary_group
from sympy import Symbol, cos, sqrt

import qmk
from qmk.base.errors import QmkError
from qmk.circuit import whole
from qmk.circuit.building import PARAMS
from qmk.frontends.openqasm.unitary import matrix_of
from qmk.frontends.pytket_json.gates import GATES
from qmk.qvm.families.gates import FIXED_SIZE

SIZES = {"CnX": 4, "CnY": 3, "CnZ": 3, "CnRx": 3, "CnRy": 2, "CnRz": 3, "PhaseGadget": 3, "NPhasedX": 3}


def matrix(circuit: qmk.Circuit) -> Any:
    return np.array(matrix_of(whole.unitary_of(circuit), circuit.n_qubits))


def agrees(circuit: Circuit) -> bool:
    """Whether the circuit that is read has the very matrix, and so has the one that is written."""
    found = qmk.Circuit.from_object(circuit)
    wanted = circuit.get_unitary()
    return np.allclose(matrix(found), wanted, atol=1e-7) and np.allclose(found.to("pytket").get_unitary(), wanted)


def one_gate(name: str) -> Circuit:
    kind, rng = OpType.__members__[name], random.Random(name)
    for count in range(5):
        angles = [rng.uniform(-2, 2) for _ in range(count)]
        for size in [SIZES[name]] if name in SIZES else range(4):
            try:
                circuit: Any = Circuit(max(size, 1))
                return circuit.add_gate(kind, *([angles] if angles else []), list(range(size)))
            except RuntimeError:
                continue
    raise AssertionError(name)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate_has_its_matrix_and_its_phase(name: str) -> None:
    assert agrees(one_gate(name))


def test_boxes_act_as_their_circuits() -> None:
    u1, u2, u3 = (unitary_group.rvs(2**n, random_state=n) for n in (1, 2, 3))
    inner = Circuit(2).H(0).CX(0, 1).add_phase(0.3)
    circuit = Circuit(3)
    circuit.add_gate(Unitary1qBox(u1), [1]).add_gate(Unitary2qBox(u2), [2, 0]).add_gate(Unitary3qBox(u3), [0, 2, 1])
    circuit.add_gate(ExpBox(np.diag([1.0, 2, 3, 4]), 0.3), [0, 1])
    circuit.add_gate(PauliExpBox([Pauli.X, Pauli.Z], 0.4), [2, 1]).add_gate(
        DiagonalBox(np.exp(1j * np.arange(4))), [0, 2]
    )
    circuit.add_gate(CircBox(inner), [2, 1]).add_gate(
        ToffoliBox([([False, True], [True, True]), ([True, True], [False, True])]), [0, 1]
    )
    circuit.add_gate(QControlBox(Op.create(OpType.Rx, 0.3), 2, [True, False]), [0, 1, 2])
    circuit.add_gate(QControlBox(CircBox(inner), 1, [False]), [2, 0, 1])
    assert agrees(circuit)


def test_a_permutation_without_gates_is_honoured() -> None:
    circuit = Circuit(4).Rx(0.3, 0).CX(0, 1).SWAP(0, 2).T(2).SWAP(2, 3).H(3)
    wanted = circuit.get_unitary()
    circuit.replace_SWAPs()
    assert circuit.has_implicit_wireswaps
    assert np.allclose(matrix(qmk.Circuit.from_object(circuit)), wanted)


def test_symbols_become_parameters_and_come_back() -> None:
    a, b = Symbol("a"), Symbol("b")
    circuit = Circuit(2).Rx(2 * a + 0.25, 0).Rz(cos(a) / (1 + b**2), 1).CU1(sqrt(b), 0, 1).add_phase(a / 3)
    found = qmk.Circuit.from_object(circuit)
    assert found.parameters == {"a": None, "b": None}
    values = {"a": 0.3, "b": 0.8}
    circuit.symbol_substitution({a: 0.3, b: 0.8})
    assert np.allclose(matrix(found.bind(values)), circuit.get_unitary())
    back = found.to("pytket")
    assert back.free_symbols() == {a, b}
    back.symbol_substitution({a: 0.3, b: 0.8})
    assert np.allclose(back.get_unitary(), circuit.get_unitary())
    assert qmk.Circuit.from_object(Circuit(1).Rx(Symbol("t") / 3.0, 0)).inputs.only_angles


def test_registers_keep_names_and_order() -> None:
    circuit = Circuit()
    for unit in (Qubit("b", 0), Qubit("b", 1), Qubit("node", 5), Qubit("lone")):
        circuit.add_qubit(unit)
    flags = circuit.add_c_register("flags", 2)
    circuit.add_bit(Bit("solo"))
    circuit.X(Qubit("node", 5)).Measure(Qubit("node", 5), flags[1]).Measure(Qubit("lone"), Bit("solo"))
    found = qmk.Circuit.from_object(circuit)
    assert [str(q.name) for q in found.qubits] == ["b[0]", "b[1]", "lone", "node_5"]
    assert qmk.run(found, shots=5).counts == {"0 10": 5}
    back = found.to("pytket")
    assert list(back.bits) == list(circuit.bits)
    assert Qubit("lone") in back.qubits


def classical(rng: random.Random) -> Circuit:
    """A circuit whose bits are all measured, computed with and acted on."""
    circuit = Circuit(3, 3)
    a, b = circuit.add_c_register("a", 2), circuit.add_c_register("b", 2)
    for q in range(3):
        circuit.H(q).Measure(q, q)
    circuit.add_c_copybits(circuit.bits[-3:-1], a.to_list())
    for _ in range(8):
        bits = list(circuit.bits)
        x, y, z = rng.sample(bits, 3)
        match rng.randrange(10):
            case 0:
                circuit.add_c_setbits([rng.random() < 0.5], [x])
            case 1:
                circuit.add_c_predicate([rng.random() < 0.5 for _ in range(4)], [x, y], z)
            case 2:
                circuit.add_c_modifier([rng.random() < 0.5 for _ in range(8)], [x, y], z)
            case 3:
                circuit.add_c_transform(rng.sample(range(8), 8), [x, y, z])
            case 4:
                circuit.add_c_range_predicate(rng.randrange(2), 2, [x, y], z)
            case 5:
                circuit.add_clexpr_from_logicexp(a + b, b.to_list())
            case 6:
                circuit.add_clexpr_from_logicexp((x & y) | BitNot(z), [rng.choice(bits)])
            case 7:
                circuit.add_clexpr_from_logicexp(reg_lt(a, cast("Any", b)), [circuit.bits[-1 - rng.randrange(2)]])
            case 8:
                circuit.X(rng.randrange(3), condition=reg_eq(a, rng.randrange(4)))
            case _:
                circuit.Measure(rng.randrange(3), z, condition_bits=[x, y], condition_value=rng.randrange(4))
    return circuit


def same_bits(one: Any, other: Any, seed: int) -> bool:
    """Whether each printed register of the first program has the same bits in both, shot by shot."""
    first, second = (qmk.run(program, shots=200, seed=seed) for program in (one, other))
    return all(np.array_equal(first.bits(r.name), second.bits(r.name)) for r in first.registers)


def check_classical(seed: int) -> None:
    circuit = classical(random.Random(seed))
    found = qmk.Circuit.from_object(circuit)
    assert same_bits(found, found.to("pytket"), seed)
    assert same_bits(found, json.dumps(circuit.to_dict()), seed)


@pytest.mark.parametrize("seed", range(12))
def test_bits_are_computed_alike_by_object_writer_and_json(seed: int) -> None:
    check_classical(seed)


def test_what_classical_ops_give() -> None:
    circuit = Circuit(1, 3)
    a, b = circuit.add_c_register("a", 2), circuit.add_c_register("b", 2)
    circuit.add_c_setbits([True, False, True], [0, 1, 2]).add_c_setbits([True, True], a.to_list())
    circuit.add_clexpr_from_logicexp(a + a, b.to_list())  # 3 + 3 = 6, of which two bits are kept
    circuit.add_c_transform([0, 2, 1, 3], [0, 1]).add_c_xor(0, 1, 2)
    circuit.add_c_range_predicate(2, 3, a.to_list(), Bit(0))
    assert qmk.run(circuit, shots=3).counts == {"111 10 11": 3}


def unitary_circuit(rng: random.Random) -> Circuit:
    circuit = Circuit(3)
    for _ in range(12):
        inner = one_gate(rng.choice([name for name in sorted(GATES) if name != "CnX"]))
        circuit.add_circuit(inner, rng.sample(range(3), inner.n_qubits))
    return circuit


def check_gates(seed: int) -> None:
    assert agrees(unitary_circuit(random.Random(seed)))


@pytest.mark.parametrize("seed", range(13))
def test_there_and_back(seed: int) -> None:
    check_gates(seed)


@pytest.mark.parametrize("controls", ["", "1", "01"])
@pytest.mark.parametrize("power", [1.0, 0.37])
def test_every_gate_of_ours_is_written(controls: str, power: float) -> None:
    rng = random.Random(3)
    for name, op in FIXED_SIZE.items():
        n = (op.vqs.high or 0) + len(controls)
        if n > 4 or (power != 1 and not op.vqs.high):
            continue
        circuit = qmk.Circuit(max(n, 1))
        angles = tuple(rng.uniform(-3, 3) for _ in PARAMS[name])
        plain = not controls and power == 1
        modifiers = () if plain else (controls, power)
        item: Any = (name, angles, tuple(range(n)), *modifiers)
        whole.append(circuit, [item])
        written = circuit.to("pytket")
        assert np.allclose(written.get_unitary(), matrix(circuit), atol=1e-7), name
        assert np.allclose(matrix(qmk.Circuit.from_object(written)), matrix(circuit), atol=1e-7), name


def test_branches_and_steps_of_ours_are_written() -> None:
    c = qmk.Circuit({"a": 2, "x": None}, {"s": 2, "f": None}).h([0, 1]).measure(0, "f").measure(1, "s[0]")
    with c.if_("f"):
        c.x(1).measure(1, "f")
    with c.else_():
        c.z(1)
    low, _, flag = c.bits
    with c.if_(low ^ flag):
        c.y(2).barrier(2)
    c.assign("s[1]", low | flag).measure_pauli("XY", 0, 1, bit="s[0]").measure(2, "f", basis="Y").reset(0).barrier()
    c.apply("paulirot", "XY", 0.3, 0, 1)
    assert same_bits(c, c.to("pytket"), 3)


def refusal(circuit: Any) -> str:
    with pytest.raises(QmkError) as refused:
        qmk.Circuit.from_object(circuit)
    return f"{refused.value} {refused.value.fields['help']}"


def test_refusals_name_the_op_and_its_place() -> None:
    bounds = ResourceBounds(0, 0)
    data = ResourceData({}, bounds, {}, bounds)
    assert "command 1: a box without a circuit" in refusal(Circuit(1).H(0).add_dummybox(DummyBox(1, 0, data), [0], []))
    within = Circuit(1).add_gate(CircBox(Circuit(1).add_dummybox(DummyBox(1, 0, data), [0], [])), [0])
    assert "command 0 (CircBox): command 0" in refusal(within)
    wide = Circuit(0, 0)
    a, b = wide.add_c_register("a", 8), wide.add_c_register("b", 8)
    wide.add_clexpr_from_logicexp(a * b, b.to_list())
    assert "arithmetic of 16 bits" in refusal(wide)
    shot = Circuit(1)
    shot.get_job_shot_num(shot.add_c_register("n", 32))
    assert "the number of the shot" in refusal(shot)
    assert "is not a program" in refusal(Op.create(OpType.H))


def test_what_pytket_has_not_is_refused() -> None:
    for circuit in (qmk.Circuit(1).depolarize(0.1, 0), qmk.Circuit(1).fence()):
        with pytest.raises(QmkError, match="pytket: op 0: "):
            circuit.to("pytket")
    with pytest.raises(QmkError, match="has no value yet"):
        qmk.Circuit(1).rx(qmk.Parameter("t"), 0, power=0.5).to("pytket")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"commands": [{"op": {"type": "H"}, "args": [["q", [9]]]}]}, "PYTKET-02"),
        ({"commands": [{"op": {"type": "CX"}, "args": [["q", [0]], ["q", [0]]]}]}, "PYTKET-02"),
        ({"commands": [{"op": {"type": "ExpBox"}, "args": [["q", [0]]]}]}, "PYTKET-03"),
        ({"commands": [{"op": {"type": "Rx", "params": ["f(x)"]}, "args": [["q", [0]]]}]}, "PYTKET-04"),
        ({"commands": [{"op": {"type": "Rx"}, "args": [["q", [0]]]}]}, "PYTKET-04"),
        ({"commands": 3}, "PYTKET-01"),
        ({"qubits": [["q", [0]], ["q", [1, 2]], ["q_0", []]]}, "PYTKET-02"),
    ],
)
def test_json_that_is_wrong_is_refused(change: dict[str, Any], rule: str) -> None:
    document = {**Circuit(2, 1).H(0).to_dict(), **change}
    with pytest.raises(QmkError, match=rule):
        qmk.run(json.dumps(document), shots=10, format="pytket-json")


def test_json_has_symbols_and_boxes() -> None:
    circuit = Circuit(2, 2).Rx(2 * Symbol("x") + 0.5, 0).add_circbox(CircBox(Circuit(2).CX(0, 1)), [0, 1]).measure_all()
    text = json.dumps(circuit.to_dict())
    assert qmk.run(text, shots=50, seed=1, params={"x": 0.25}).counts == {"11": 50}
    assert qmk.sweep(text, {"x": [-0.25, 0.25]}, "ZZ").values.shape == (2, 1)


def test_elements_of_vectors_are_symbols_of_their_own() -> None:
    vector = qmk.Parameter("w", 2)
    circuit = qmk.Circuit(2).rx(vector, [0, 1])
    again = qmk.Circuit.from_object(circuit.to("pytket"))
    assert again.parameters == {"w_0": None, "w_1": None}
    with pytest.raises(QmkError, match="element 1 of parameter 'w' would have the name of another"):
        circuit.rz(qmk.Parameter("w_1"), 0).to("pytket")
