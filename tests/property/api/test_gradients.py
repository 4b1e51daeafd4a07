"""Gradients of random programs with every gate that has an angle, repeated parameters and expressions of them: equal to
PennyLane's, to the parameter-shift rule on another engine, and to differences of values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qmk

PARAMETERS = 3
GATES = {
    "rx": (1, 1), "ry": (1, 1), "rz": (1, 1), "p": (1, 1), "U": (1, 3),
    "cp": (2, 1), "crx": (2, 1), "cry": (2, 1), "crz": (2, 1), "rxx": (2, 1), "ryy": (2, 1), "rzz": (2, 1),
    "h": (1, 0), "sx": (1, 0), "cx": (2, 0), "swap": (2, 0), "ccx": (3, 0),
}  # fmt: skip
"""Qubits and angles."""
HEAD = """OPENQASM 3.0;
include "stdgates.inc";
gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }
gate rxx(t) a, b { h a; h b; rzz(t) a, b; h a; h b; }
gate ryy(t) a, b { rx(pi/2) a; rx(pi/2) b; rzz(t) a, b; rx(-pi/2) a; rx(-pi/2) b; }
input array[float[64], 3] x;
"""

Angle = tuple[float, tuple[int, ...], tuple[float, ...]]
"""A constant, and parameters with their factors."""
Gate = tuple[str, tuple[int, ...], tuple[Angle, ...]]

factors = st.sampled_from([-2.0, -1.0, 0.5, 1.0, 0.3])


@st.composite
def angles(draw: st.DrawFn) -> Angle:
    which = draw(st.lists(st.integers(0, PARAMETERS - 1), unique=True, max_size=2))
    return draw(st.floats(-3, 3)), tuple(which), tuple(draw(factors) for _ in which)


@st.composite
def programs(draw: st.DrawFn) -> tuple[int, list[Gate]]:
    n = draw(st.integers(3, 5))
    made: list[Gate] = []
    for name in draw(st.lists(st.sampled_from(sorted(GATES)), min_size=1, max_size=16)):
        n_qubits, n_angles = GATES[name]
        qubits = draw(st.permutations(range(n)))[:n_qubits]
        made.append((name, tuple(qubits), tuple(draw(angles()) for _ in range(n_angles))))
    return n, made


@st.composite
def observables(draw: st.DrawFn, n: int) -> dict[str, float]:
    strings = st.text("IXYZ", min_size=n, max_size=n)
    return draw(st.dictionaries(strings, st.floats(-2, 2), min_size=1, max_size=6))


def text_of(n: int, gates: list[Gate]) -> str:
    def written(angle: Angle) -> str:
        constant, which, slopes = angle
        return " + ".join(
            [f"({constant!r})", *(f"({slope!r}) * x[{k}]" for k, slope in zip(which, slopes, strict=True))]
        )

    lines: list[str] = []
    for name, qubits, args in gates:
        listed = f"({', '.join(map(written, args))})" if args else ""
        lines.append(f"{name}{listed} {', '.join(f'q[{q}]' for q in qubits)};")
    return HEAD + f"qubit[{n}] q;\n" + "\n".join(lines)


def value_of(angle: Angle, x: Any) -> Any:
    constant, which, slopes = angle
    return constant + sum(slope * x[k] for k, slope in zip(which, slopes, strict=True))


def penny_lanes(n: int, gates: list[Gate], observable: dict[str, float], point: np.ndarray[Any, Any]) -> Any:
    import pennylane as qml

    ops = {
        "rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "p": qml.PhaseShift, "cp": qml.ControlledPhaseShift, "crx": qml.CRX,
        "cry": qml.CRY, "crz": qml.CRZ, "rxx": qml.IsingXX, "ryy": qml.IsingYY, "rzz": qml.IsingZZ, "h": qml.Hadamard,
        "sx": qml.SX, "cx": qml.CNOT, "swap": qml.SWAP, "ccx": qml.Toffoli, "U": qml.U3,
    }  # fmt: skip
    letters = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ, "I": qml.Identity}

    @qml.qnode(qml.device("default.qubit", wires=n), diff_method="backprop")
    def circuit(x: Any) -> Any:
        for name, qubits, args in gates:
            ops[name](*(value_of(angle, x) for angle in args), wires=qubits)
        strings = [qml.prod(*(letters[letter](q) for q, letter in enumerate(text))) for text in observable]
        return qml.expval(qml.dot(list(observable.values()), strings))

    x = qml.numpy.array(point, requires_grad=True)
    return float(circuit(x)), qml.grad(circuit)(x)


@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_gradients_are_pennylanes(data: st.DataObject) -> None:
    pytest.importorskip("pennylane", reason="PennyLane is not installed")
    n, gates = data.draw(programs())
    observable = data.draw(observables(n))
    point = np.array(data.draw(st.lists(st.floats(-4, 4), min_size=PARAMETERS, max_size=PARAMETERS)))
    value, slopes = qmk.value_and_grad(text_of(n, gates), observable, point)
    expected, derivatives = penny_lanes(n, gates, observable, point)
    assert value == pytest.approx(expected, abs=1e-10)
    assert slopes == pytest.approx(np.asarray(derivatives), abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_gradients_are_those_of_the_shift_rule_and_slopes_of_values(data: st.DataObject) -> None:
    n, gates = data.draw(programs())
    observable = data.draw(observables(n))
    point = np.array(data.draw(st.lists(st.floats(-4, 4), min_size=PARAMETERS, max_size=PARAMETERS)))
    text = text_of(n, gates)
    function = qmk.value_and_grad(text, observable)
    value, slopes = function(point)
    assert function.value(point) == pytest.approx(value, abs=1e-12)
    shifted = qmk.gradient(text, observable, params={"x": point.tolist()}, engine="reference")
    assert value == pytest.approx(shifted.value, abs=1e-10)
    assert slopes.tolist() == pytest.approx(list(shifted.by.values()), abs=1e-10)
    for k, move in enumerate(1e-4 * np.eye(PARAMETERS)):
        slope = (function.value(point + move) - function.value(point - move)) / 2e-4
        assert slopes[k] == pytest.approx(slope, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_metrics_are_those_of_differences_of_states(data: st.DataObject) -> None:
    n, gates = data.draw(programs())
    point = np.array(data.draw(st.lists(st.floats(-4, 4), min_size=PARAMETERS, max_size=PARAMETERS)))
    text = text_of(n, gates)
    found = qmk.metric_tensor(text, point)
    assert np.linalg.eigvalsh(found)[0] > -1e-12

    def state(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        here, there = (qmk.state(text, params={"x": x.tolist()}, engine="native:dense64") for x in (point, at))
        overlap = np.vdot(here, there)
        return there * (abs(overlap) / overlap)  # the phase that a state is known up to

    here, step = state(point), 1e-5
    slopes = [(state(point + move) - state(point - move)) / (2 * step) for move in step * np.eye(PARAMETERS)]
    flat = [slope - here * np.vdot(here, slope) for slope in slopes]
    assert found == pytest.approx(np.array([[np.vdot(a, b).real for b in flat] for a in flat]), abs=1e-7)
