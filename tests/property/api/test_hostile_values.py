"""Every argument of every public function with values of every kind: taken, or refused with a sentence that names what
is wrong. No error of the inside comes out."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.api.estimating import logical_counts
from qmk.models import noise
from qmk.models.atoms import AtomNoise

READ = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
PURE = 'OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit[2] q; ry(theta) q[0]; cx q[0], q[1];'
THETA = {"theta": 0.5}


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("not to be shown")


class Failing:
    def __index__(self) -> int:
        raise ValueError("not an index")

    def __float__(self) -> float:
        raise OSError("not a number")


def deep_list() -> list[Any]:
    found: list[Any] = []
    for _ in range(3000):
        found = [found]
    return found


def cyclic_dict() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["a"] = found
    return found


VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**80, -(2**80), 10**5000, 1.5, -0.0, 1e308, math.nan, math.inf, 1j,
    "", "10", "\x00", "\ud800", "\ud800;",
    "a" * 100_000, ";", "{", "{}", "[]", "null", "\n", "../../etc/passwd", "/dev/zero",
    b"", b"\xff\xfe", b"{", b"\x00" * 10, bytearray(b"h"), memoryview(b"h"),
    np.int64(3), np.uint8(3), np.float32(0.5), np.bool_(True), np.array(3), np.array([1, 2]), np.array([]),
    np.array("x"), np.datetime64("2020-01-01"), np.array([object()]), Fraction(1, 3), Decimal("0.1"), Decimal("sNaN"),
    [], (), {}, set[int](), frozenset[int](), [None], [1], ["x"], [[]], {1: 2}, {"x": None}, {"x": "y"}, {None: None},
    {"theta": object()}, {"theta": math.nan}, {"theta": 2**80}, {"theta": deep_list()}, {"a": {"b": [1, 2]}},
    object(), Unprintable(), Failing(), [Unprintable()], (n for n in ()), int, Exception(), deep_list(), cyclic_dict(),
    Path("/"), Path("/dev/null"), Path("nope"), range(3), range(10**12), ..., NotImplemented,
)  # fmt: skip

BELL: Any = qmk.Circuit(2, 2).h(0).cx(0, 1)


WIRED: Any = qmk.Program(2, 2).h(0).cx(0, 1).open_channel("link", 0, 1)
LIT: Any = qmk.Program(bits=4, modes=2)


def built(name: str, /, of: Any = BELL, **plain: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A method of a circuit of two qubits and two bits, with these arguments."""
    method = getattr(type(of), name)

    def call(**given: Any) -> object:
        positional = [given.pop(each) for each in plain if each.endswith("_")]
        return getattr(of.copy(), name)(*positional, **given)

    parameters = [inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY) for each in plain]
    signed: Any = call
    signed.__signature__ = inspect.Signature(parameters)
    assert method.__doc__
    return call, plain


RESULT = qmk.run(READ, shots=3, seed=1)


CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Circuit": (qmk.Circuit, {}),
    "Circuit.from_text": (qmk.Circuit.from_text, {"text": READ}),
    "Circuit.from_file": (qmk.Circuit.from_file, {"path": "nope"}),
    "Circuit.from_graph": (qmk.Circuit.from_graph, {"graph": BELL.graph}),
    "Circuit.h": built("h", qubit=0, ctrl=1, ctrl_state="1", power=1, inverse=False),
    "Circuit.rx": built("rx", theta=0.1, qubit=0, ctrl=None, ctrl_state=None, power=0.5),
    "Circuit.cx": built("cx", control=0, target=1),
    "Circuit.apply": built("apply", name_="rx", theta_=0.1, qubit_=0),
    "Circuit.paulirot": built("paulirot", paulis_="XY", theta_=0.1, qubit1_=0, qubit2_=1),
    "Circuit.depolarize": built("depolarize", p_=0.1, qubit_=0),
    "Circuit.pauli": built("pauli", qubit_=0, px=0.1),
    "Circuit.kraus": built("kraus", operators_=[np.eye(2)], qubit_=0),
    "Circuit.thermal": built("thermal", duration_=1e-6, qubit_=0, t1=1e-3, t2=None),
    "Circuit.unitary": built("unitary", matrix_=[[0, 1], [1, 0]], qubit_=0),
    "Circuit.measure": built("measure", qubits=0, bits=0, basis="X"),
    "Circuit.measure_all": built("measure_all", bits=None),
    "Circuit.measure_pauli": built("measure_pauli", paulis_="ZZ", qubit1_=0, qubit2_=1, bit=0),
    "Circuit.measure_bell": built("measure_bell", qubit1=0, qubit2=1, bits=[0, 1]),
    "Circuit.readout_error": built("readout_error", bits=0, p01=0.1, p10=0.1),
    "Circuit.assign": built("assign", bit=0, value=1),
    "Circuit.reset": built("reset", qubit_=0),
    "Circuit.barrier": built("barrier", qubit_=0),
    "Circuit.if_": built("if_", condition=0, value=1),
    "Circuit.repeat": built("repeat", times=2),
    "Circuit.add_qubits": built("add_qubits", size=2, name="more"),
    "Circuit.add_bits": built("add_bits", size=2, name="more"),
    "Circuit.add": built("add", circuit=BELL, qubits=[0, 1], bits=[0, 1]),
    "Circuit.power": built("power", exponent=2),
    "Circuit.control": built("control", n_controls=1, ctrl_state="1"),
    "Circuit.bind": built("bind", params={}),
    "Circuit.to_graph": built("to_graph", params=None),
    "Circuit.to": built("to", target="qasm3"),
    "Circuit.draw": built("draw", width=80, ascii_only=False),
    "Program": (qmk.Program, {}),
    "Program.from_graph": (qmk.Program.from_graph, {"graph": WIRED.graph}),
    "Program.apply": built("apply", WIRED, name_="atoms.mz", qubit_=0, bits=[0, 1], lost=None),
    "Program.condpauli": built("apply", WIRED, name_="core.condpauli", paulis_="X", qubit_=0, reads=[0]),
    "Program.alloc": built("alloc", WIRED, qubit_=0, profile="logical:surface(d=5)", tenant_id="me", carrier="qubit"),
    "Program.add_modes": built("add_modes", LIT, size=2, name="beam"),
    "Program.prepare_vacuum": built("prepare_vacuum", LIT, mode_=0),
    "Program.prepare_fock": built("prepare_fock", LIT, n_=1, mode_=0),
    "Program.prepare_coherent": built("prepare_coherent", LIT, r_=0.1, mode_=0, phi=0.2),
    "Program.prepare_squeezed": built("prepare_squeezed", LIT, r_=0.1, mode_=0, phi=0.2),
    "Program.prepare_thermal": built("prepare_thermal", LIT, nbar_=0.1, mode_=0),
    "Program.displace": built("displace", LIT, r_=0.1, mode_=0, phi=0.2),
    "Program.squeeze": built("squeeze", LIT, r_=0.1, mode_=0, phi=0.2),
    "Program.squeeze_two": built("squeeze_two", LIT, r_=0.1, a_=0, b_=1, phi=0.2),
    "Program.shift_phase": built("shift_phase", LIT, phi_=0.1, mode_=0),
    "Program.beam_splitter": built("beam_splitter", LIT, theta_=0.1, a_=0, b_=1, phi=0.2),
    "Program.mach_zehnder": built("mach_zehnder", LIT, inner_=0.1, outer_=0.2, a_=0, b_=1),
    "Program.interferometer": built("interferometer", LIT, matrix_=np.eye(2), a_=0, b_=1),
    "Program.kerr": built("kerr", LIT, kappa_=0.1, mode_=0),
    "Program.cross_kerr": built("cross_kerr", LIT, kappa_=0.1, a_=0, b_=1),
    "Program.cubic_phase": built("cubic_phase", LIT, gamma_=0.1, mode_=0),
    "Program.lose": built("lose", LIT, transmission_=0.9, mode_=0),
    "Program.lose_thermal": built("lose_thermal", LIT, transmission_=0.9, nbar_=0.1, mode_=0),
    "Program.count_photons": built("count_photons", LIT, mode_=0, bits=[0, 1], most=3),
    "Program.detect_photons": built("detect_photons", LIT, mode_=0, bits=0),
    "Program.homodyne": built("homodyne", LIT, mode_=0, bits=[0, 1], phi=0.1, span=4.0, digits=2),
    "Program.heterodyne": built("heterodyne", LIT, mode_=0, bits=[0, 1], span=4.0, digits=1),
    "Program.free": built("free", WIRED, qubit_=0),
    "Program.measure_angle": built("measure_angle", WIRED, theta_=0.1, qubit_=0, bits=0),
    "Program.open_channel": built("open_channel", WIRED, channel_="a", a_=0, b_=1, fidelity=0.9, raw=0.9, type=None),
    "Program.use_channel": built("use_channel", WIRED, channel_="link", semantic="swap"),
    "Program.close_channel": built("close_channel", WIRED, channel_="link"),
    "Program.set_policy": built("set_policy", WIRED, priority=1, deadline=2, code_distance=3),
    "Program.rydberg": built(
        "rydberg",
        WIRED,
        positions=[[0, 0], [5, 0]],
        c6=1.0,
        duration=1.0,
        drives={"amplitude": 1},
        noise={},
        a_=0,
        b_=1,
    ),
    "Program.rydberg3": built(
        "rydberg3",
        WIRED,
        positions=[[0, 0]],
        c6=1.0,
        duration=1.0,
        drives=[{"transition": "raman"}],
        noise=None,
        a_=0,
    ),
    "Program.drive": (
        lambda **drive: WIRED.copy().rydberg(0, positions=[[0, 0]], c6=1.0, duration=1.0, drives=drive),
        {"amplitude": 1.0, "phase": ([0, 1], [2, 3]), "detuning": [1, 2], "pattern": [1]},
    ),
    "Program.place_atoms": built("place_atoms", WIRED, positions_=[[0, 0], [5, 0]], a_=0, b_=1),
    "Program.move_atoms": built("move_atoms", WIRED, to_=[[0, 0]], duration_=1, a_=0),
    "Observable": (qmk.Observable, {"terms": ["ZZ"], "coefficients": [1.0], "qubit0": "left"}),
    "Observable of text": (qmk.Observable, {"terms": "ZZ"}),
    "Observable.from_bits": (qmk.Observable.from_bits, {"x": [[1, 0]], "z": [[0, 1]], "coefficients": [1.0]}),
    "Observable.from_matrix": (qmk.Observable.from_matrix, {"matrix": [[0, 1], [1, 0]], "tolerance": 0.0}),
    "Observable.simplify": ((qmk.X(0) + qmk.X(0)).simplify, {"tolerance": 0.0}),
    "X": (qmk.X, {"qubit": 0}),
    "Y": (qmk.Y, {"qubit": 0}),
    "Z": (qmk.Z, {"qubit": 0}),
    "Parameter": (qmk.Parameter, {"name": "a", "size": 2}),
    "run": (qmk.run, {"program": READ, "shots": 3}),
    "sample": (qmk.sample, {"program": READ, "shots": 3}),
    "expectation": (qmk.expectation, {"program": PURE, "params": THETA, "observable": "ZZ"}),
    "probabilities": (qmk.probabilities, {"program": PURE, "params": THETA}),
    "amplitudes": (qmk.amplitudes, {"program": PURE, "params": THETA, "bitstrings": ["00"]}),
    "state": (qmk.state, {"program": PURE, "params": THETA}),
    "gradient": (qmk.gradient, {"program": PURE, "params": THETA, "observable": "ZZ"}),
    "value_and_grad": (qmk.value_and_grad, {"program": PURE, "observable": "ZZ", "point": THETA}),
    "metric_tensor": (qmk.metric_tensor, {"program": PURE, "point": [0.5]}),
    "sweep": (qmk.sweep, {"program": PURE, "points": {"theta": [0.1, 0.2]}, "observable": "ZZ"}),
    "estimate": (qmk.estimate, {"program": {"numQubits": 10, "tCount": 10}}),
    "logical_counts": (logical_counts, {"program": READ}),
    "rewrite": (qmk.rewrite, {"program": READ}),
    "compile": (qmk.compile, {"program": READ, "target": "all:2"}),
    "on_device": (qmk.on_device, {"program": READ, "device": "zoned"}),
    "draw": (qmk.draw, {"program": READ, "width": 400, "max_nodes": 3}),
    "outputs": (qmk.outputs, {"program": PURE, "params": THETA}),
    "Counts": (qmk.Counts, {"counts": {"01": 3}}),
    "Result.from_json": (qmk.Result.from_json, {"text": RESULT.to_json()}),
    "Result.load": (qmk.Result.load, {"path": "nope"}),
    "Result.to": (RESULT.to, {"framework": "pennylane", "form": "counts"}),
    "Result.to_pandas": (RESULT.to_pandas, {"table": "counts"}),
    "Result.to_arrow": (RESULT.to_arrow, {"table": "counts"}),
    "plot.histogram": (qmk.plot.histogram, {"counts": {"01": 3}, "labels": ["a"]}),
    "plot.city": (qmk.plot.city, {"state": [1, 0]}),
    "plot.bloch": (qmk.plot.bloch, {"state": [1, 0]}),
    "plot.qsphere": (qmk.plot.qsphere, {"state": [1, 0]}),
    "plot.convergence": (qmk.plot.convergence, {"values": [1.0]}),
    "plot.error_rates": (qmk.plot.error_rates, {"found": None}),
    "plot.engines": (qmk.plot.engines, {"program": READ}),
    "Embedded": (qmk.Embedded, {}),
    "Client": (qmk.Client, {}),
    "AsyncClient": (qmk.AsyncClient, {}),
    "Estimate": (qmk.Estimate, {"counts": qmk.LogicalCounts(3, 5), "params": {}}),
    "NoiseModel": (qmk.NoiseModel, {}),
    "GateRule": (noise.GateRule, {"errors": (noise.Depolarize(0.1),)}),
    "Readout": (noise.Readout, {"p01": 0.1, "p10": 0.1}),
    "Relaxation": (noise.Relaxation, {"t1": 1e-3}),
    "Pauli": (noise.Pauli, {}),
    "Depolarize": (noise.Depolarize, {"p": 0.1}),
    "Pauli2": (noise.Pauli2, {"chances": {"ZZ": 0.1}}),
    "Kraus": (noise.Kraus, {"operators": [[[(1, 0), (0, 0)], [(0, 0), (1, 0)]]]}),
    "Loss": (noise.Loss, {"p": 0.1}),
    "Leak": (noise.Leak, {}),
    "AmplitudeDamping": (noise.AmplitudeDamping, {"gamma": 0.1}),
    "AtomNoise": (AtomNoise, {"name": "mine"}),
    "NoiseModel.depolarizing": (qmk.NoiseModel.depolarizing, {"p": 0.1}),
    "NoiseModel.uniform": (qmk.NoiseModel.uniform, {"p": 0.1}),
    "NoiseModel.si1000": (qmk.NoiseModel.si1000, {"p": 0.01}),
    "NoiseModel.with_bias": (qmk.NoiseModel.with_bias, {"p": 0.01, "eta": 3.0}),
    "NoiseModel.from_json": (qmk.NoiseModel.from_json, {"data": "{}"}),
    "NoiseModel.load": (qmk.NoiseModel.load, {"path": "nope"}),
}
NOT_CALLED = {
    "Batch", "Compiled", "Expectation", "Gradient", "Objective",
    "Probabilities", "Sampled", "Swept", "Trajectory", "Result",  # QMK makes them
    "LogicalCounts", "ProgramWarning", "QmkError", "__version__", "Drive", "plot",
    "ScriptResult", "run_script", "submit_script",  # a process of seconds each: tests/unit/api/test_scripting.py
}  # fmt: skip
LONGEST = 2000
"""Most characters of a refusal."""


def outcome(function: Callable[..., Any], keywords: dict[str, Any]) -> str:
    """ "" for a call that is taken, or refused as it should be; else what is wrong."""
    try:
        function(**keywords)
    except qmk.QmkError as error:
        text = str(error)
        if error.kind.name == "INTERNAL_ERROR" or "defect" in text:
            return f"called a defect: {text[:200]}"
        return "" if len(text) <= LONGEST else f"a refusal of {len(text)} characters: {text[:80]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


ARGUMENTS = [
    pytest.param(name, parameter.name, id=f"{name}-{parameter.name}")
    for name, (function, _) in CALLS.items()
    for parameter in inspect.signature(function).parameters.values()
    if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
]


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_any_value_is_taken_or_refused_with_a_sentence(name: str, argument: str) -> None:
    function, plain = CALLS[name]
    wrong: list[str] = []
    for at, value in enumerate(VALUES):
        said = outcome(function, {**plain, argument: value})
        if said:
            wrong.append(f"value {at} ({type(value).__name__}): {said}")
    assert not wrong, "\n".join(wrong)


def test_every_public_name_is_tried() -> None:
    assert {name for name in qmk.__all__ if name not in CALLS} == NOT_CALLED


@pytest.mark.parametrize(
    "shots", [10, np.int64(10), np.uint8(10), np.array(10)], ids=["int", "int64", "uint8", "0-d array"]
)
def test_whole_numbers_of_every_kind_are_taken(shots: Any) -> None:
    seed: Any = np.int32(1)
    assert qmk.run(READ, shots=shots, seed=seed).counts == qmk.run(READ, shots=10, seed=1).counts


@pytest.mark.parametrize("theta", [np.float32(0.5), np.float64(0.5), 0.5, np.array(0.5), "0.5"], ids=repr)
def test_numbers_of_every_kind_are_taken_as_parameters(theta: Any) -> None:
    assert qmk.state(PURE, params={"theta": theta}) == pytest.approx(qmk.state(PURE, params=THETA))


@pytest.mark.parametrize("theta", [Fraction(1, 2), Decimal("0.5"), None], ids=repr)
def test_what_is_no_number_is_refused_by_the_name_of_its_parameter(theta: Any) -> None:
    with pytest.raises(qmk.QmkError, match=r"the input 'theta' \(float\): .* is not a number") as caught:
        qmk.state(PURE, params={"theta": theta})
    assert "write a number" in caught.value.findings[0].help


@pytest.mark.parametrize("argument", ["shots", "seed", "timeout_ms"])
@pytest.mark.parametrize("value", ["10", 1.5, math.nan, math.inf, True, Fraction(3, 1), Decimal(3), np.float32(3), 1e6])
def test_what_is_no_whole_number_is_refused_by_name(argument: str, value: Any) -> None:
    with pytest.raises(qmk.QmkError, match=f"^{argument} must be a whole number; got ") as caught:
        qmk.run(READ, **{argument: value})
    assert caught.value.fields["field"] == argument
    assert caught.value.fields["help"]
