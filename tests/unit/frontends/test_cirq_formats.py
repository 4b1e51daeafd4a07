"""Cirq's JSON and TensorFlow Quantum's serialized circuits as formats.

``data/cirq/*.tfq`` were written by ``tfq.convert_to_tensor`` of TensorFlow Quantum 0.7.6 with Cirq 1.5.0; the values
beside them are those of its ``Expectation`` layer.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest
import sympy

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.formats import protobuf
from qmk.frontends import cirq_json, tfq
from qmk.integrations.states import exact_state
from tests.unit.adapters.circuits_of_cirq import random_circuit

DATA = Path(__file__).parents[2] / "data" / "cirq"
A, B = cirq.LineQubit.range(2)


def rule_of(text: str | bytes) -> str:
    with pytest.raises(QmkError) as refused:
        frontends.load(text if isinstance(text, bytes) else text.encode())
    assert refused.value.findings, refused.value
    assert refused.value.findings[0].help
    return refused.value.findings[0].rule


def document(**gate: Any) -> str:
    operation = {"cirq_type": "GateOperation", "gate": gate, "qubits": [{"cirq_type": "LineQubit", "x": 0}]}
    moment = {"cirq_type": "Moment", "operations": [operation]}
    return json.dumps({"cirq_type": "Circuit", "moments": [moment]})


def test_json_is_the_circuit() -> None:
    circuit = random_circuit(4)
    text = cirq.to_json(circuit)
    assert frontends.load(text.encode()).format == "cirq-json"
    assert qmk.Circuit.from_text(text).graph == qmk.Circuit.from_object(circuit).graph
    assert qmk.run(text, shots=100, seed=1).counts == qmk.run(circuit, shots=100, seed=1).counts
    assert qmk.run(cirq.to_json(circuit.freeze()), shots=10)


def test_json_has_parameters() -> None:
    circuit = cirq.Circuit(cirq.rx(sympy.Symbol("t") / 2)(A), cirq.measure(A, key="m"))
    text = cirq.to_json(circuit)
    assert frontends.inputs(text.encode()).shapes == {"t": ()}
    assert qmk.run(text, params={"t": 2 * np.pi}, shots=5).counts == {"1": 5}


def test_a_document_of_a_stranger_runs_no_code(tmp_path: Path) -> None:
    """Cirq 1.5 evaluates the first: its ``BooleanHamiltonianGate`` gives its text to sympy's parser."""
    proof = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    hamiltonian = {"cirq_type": "BooleanHamiltonianGate", "parameter_names": ["a"], "boolean_strs": [code], "theta": 1}
    assert rule_of(document(**hamiltonian)) == "CIRQ-02"
    for kind in ("Add", "Mul", "Pow", "Xor", "Equality", "Integer", "Rational"):
        exponent = {"cirq_type": f"sympy.{kind}", "args": [code, code], "i": code, "p": code, "q": 1}
        assert rule_of(document(cirq_type="XPowGate", exponent=exponent, global_shift=0)) == "CIRQ-02"
    for kind in ("pandas.DataFrame", "datetime.datetime", "_InverseCompositeGate", "os.system", 7):
        assert rule_of(document(cirq_type=kind)) in ("CIRQ-01", "CIRQ-02")
    assert not proof.exists()


def test_a_text_where_a_number_stands_is_not_evaluated(tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    for gate in (
        {"cirq_type": "XPowGate", "exponent": code, "global_shift": 0},
        {"cirq_type": "GlobalPhaseGate", "coefficient": code},
        {"cirq_type": "XPowGate", "exponent": {"cirq_type": "sympy.Float", "approx": code}, "global_shift": 0},
        {"cirq_type": "XPowGate", "exponent": {"cirq_type": "sympy.Symbol", "name": code}, "global_shift": 0},
    ):
        with pytest.raises(QmkError):
            frontends.load(document(**gate).encode())
    condition = {"cirq_type": "SympyCondition", "expr": code}
    flip = cirq.Circuit(cirq.measure(A, key="m"), cirq.X(B).with_classical_controls("m"))
    held = json.loads(cirq.to_json(flip))
    held["moments"][1]["operations"][0]["conditions"] = [condition]
    with pytest.raises(QmkError):
        frontends.load(json.dumps(held).encode())
    assert not proof.exists()


def test_what_is_not_a_circuit_of_cirqs_is_refused_by_its_rule() -> None:
    power: Any = {"cirq_type": "sympy.Integer", "i": 9}
    for _ in range(6):
        power = {"cirq_type": "sympy.Pow", "args": [power, {"cirq_type": "sympy.Integer", "i": 9}]}
    deep = "[" * 300 + "]" * 300
    broken = {
        "CIRQ-01": [
            '{"cirq_type": "Circuit"',
            cirq.to_json(cirq.X),
            '{"cirq_type": "Circuit", "moments": [3]}',
            document(cirq_type="XPowGate", exponent=1, shift=2),
        ],
        "CIRQ-02": [document(cirq_type="Nothing")],
        "CIRQ-03": [
            document(cirq_type="IdentityGate", num_qubits=10**9),
            document(cirq_type="DepolarizingChannel", p=0.1, n_qubits=9),
            document(cirq_type="XPowGate", exponent=power, global_shift=0),
            f'{{"cirq_type": "Circuit", "moments": {deep}}}',
            document(cirq_type="XPowGate", exponent=10**40, global_shift=0),
        ],
    }
    assert broken.keys() == cirq_json.CIRQ_RULES.keys()
    assert {rule: {rule_of(text) for text in texts} for rule, texts in broken.items()} == {r: {r} for r in broken}
    loop = cirq.FrozenCircuit(cirq.Circuit())
    for _ in range(4):
        loop = cirq.FrozenCircuit(cirq.CircuitOperation(loop, repetitions=100_000))
    with pytest.raises(QmkError, match="expansion_nodes"):
        frontends.load(cirq.to_json(cirq.Circuit(loop.to_op())).encode())


# -- TensorFlow Quantum ------------------------------------------------------------------------------------------------


def gates() -> cirq.Circuit:
    """What ``gates.tfq`` holds, as Cirq has it; numbers are rounded to six digits there."""
    q = cirq.GridQubit.rect(1, 3)
    a, b = sympy.symbols("a b")
    return cirq.Circuit(
        cirq.H.on_each(*q),
        cirq.X(q[0]) ** a,
        cirq.Y(q[1]) ** 0.3,
        cirq.rz(2 * b)(q[2]),
        cirq.XX(q[0], q[1]) ** 0.2,
        cirq.YY(q[1], q[2]) ** b,
        cirq.ZZ(q[0], q[2]) ** (0.5 * a),
        cirq.CZ(q[0], q[1]) ** 0.4,
        cirq.CNOT(q[1], q[2]),
        cirq.SWAP(q[0], q[2]) ** 0.5,
        cirq.ISWAP(q[0], q[1]) ** a,
        cirq.PhasedXPowGate(phase_exponent=0.25 * b, exponent=a)(q[0]),
        cirq.PhasedISwapPowGate(phase_exponent=0.3, exponent=0.7)(q[1], q[2]),
        cirq.FSimGate(theta=0.4 * a, phi=0.3)(q[0], q[1]),
        cirq.I(q[2]),
        (cirq.Z**a)(q[0]).controlled_by(q[1], q[2], control_values=[0, 1]),
        cirq.H(q[1]) ** 0.7,
    )


def test_a_serialized_circuit_is_the_circuit() -> None:
    data, values = (DATA / "gates.tfq").read_bytes(), {"a": 0.3, "b": 0.7}
    assert frontends.load(data, params=values).format == "tfq"
    wanted = cirq.resolve_parameters(gates(), values).final_state_vector(dtype=np.complex128)
    assert abs(exact_state(qmk.Circuit.from_text(data, params=values)) - wanted).max() < 1e-5
    layer = [0.25955942273139954, 0.03333473205566406, 0.031571514904499054]
    found = [each.value for each in qmk.expectation(data, ["ZII", "IXY", "IIZ"], params=values)]
    assert found == pytest.approx(layer, abs=1e-6)
    assert qmk.gradient(data, "ZII", params=values).by.keys() == {"a", "b"}


def test_serialized_channels_are_read() -> None:
    circuit = qmk.Circuit.from_text((DATA / "channels.tfq").read_bytes())
    channels = {"depolarize": 1, "pauli": 3, "amplitude_damping": 1, "kraus": 1, "phase_damping": 1}
    wanted = {"x": 1, "reset": 1, **{f"noise.{name}": count for name, count in channels.items()}}
    assert circuit.count_ops() == wanted
    assert circuit.n_qubits == 2


def test_what_is_not_such_a_message_is_refused_by_its_rule() -> None:
    data = (DATA / "gates.tfq").read_bytes()
    head = data[:16]
    assert head.endswith(b"tfq_gate_set")
    unknown = data.replace(b"\n\x02XP", b"\n\x02QQ", 1)
    missing = data.replace(b"\n\x08exponent", b"\n\x08exponenz", 1)
    broken = {
        "TFQ-01": [data[:-3], head + b"\x12\xff\xff", data.replace(b"0_0", b"x_y")],
        "TFQ-02": [unknown, missing],
    }
    assert broken.keys() == tfq.TFQ_RULES.keys()
    assert {rule: {rule_of(each) for each in texts} for rule, texts in broken.items()} == {r: {r} for r in broken}


def test_random_damage_never_escapes_as_another_error() -> None:
    data, rng = bytearray((DATA / "channels.tfq").read_bytes()), np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(16, len(data), 3):
            damaged[place] = int(rng.integers(256))
        with contextlib.suppress(QmkError):
            frontends.load(bytes(damaged))


def test_the_wire_format() -> None:
    message = protobuf.read(b"\x08\x96\x01\x12\x07testing\x1d\x00\x00\x80\x3f\x21" + b"\x00" * 6 + b"\xf0\x3f")
    assert message[1] == [150]
    assert (protobuf.text(message, 2), protobuf.real(message, 3), protobuf.real(message, 4)) == ("testing", 1.0, 1.0)
    assert (protobuf.text(message, 9), protobuf.real(message, 9), protobuf.message(message, 9)) == ("", 0.0, {})
    for wrong in (b"\x08", b"\x12\x05ab", b"\x0b", b"\xff" * 12, b"\x02\x00"):
        with pytest.raises(ValueError, match="byte"):
            protobuf.read(wrong)
    with pytest.raises(ValueError, match="not a number"):
        protobuf.real(message, 2)
