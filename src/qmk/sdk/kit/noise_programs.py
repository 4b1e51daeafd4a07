"""The programs of the engine kit that suffer noise. Their exact distributions come from ``exact.simulator``."""

from __future__ import annotations

from typing import Any

from qmk.sdk.kit.builder import Builder, all_of, when
from qmk.sdk.kit.programs import Case

NOISE, KRAUS = frozenset({"noise"}), frozenset({"noise", "kraus"})
PHASE_KICK = [
    [[[0.8, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.8]]],
    [[[0.0, 0.0], [0.6, 0.0]], [[0.0, -0.6], [0.0, 0.0]]],
]
"""The gate diag(1, i) with probability 0.64, else an X that is turned."""
EXCHANGE = [
    [[[0.6 * (row == column), 0.0] for column in range(4)] for row in range(4)],
    [[[0.8 * (row == (0, 2, 1, 3)[column]), 0.0] for column in range(4)] for row in range(4)],
]
"""Exchange of two qubits with probability 0.64."""


def _err(b: Builder, short: str, *qubits: int, **args: Any) -> Builder:
    return b.op(short, *qubits, family="noise", **args)


def _read(b: Builder, qubit: int, p01: float, p10: float) -> str:
    """Measures with a reading that may be wrong, and gives the event of the reading."""
    true = b.measure(qubit)
    read = f"r{len(b.events)}"
    b.op("readout", family="noise", inputs=(true,), produces=(read,), p01=p01, p10=p10)
    b.events.append(read)
    return read


def _superposition(qubits: int) -> Builder:
    b = Builder(qubits)
    for q in range(qubits):
        b.op("h", q)
    return b


def _paulis() -> Case:
    b = _superposition(3).op("cnot", 0, 1)
    _err(b, "pauli", 0, px=0.1, py=0.05, pz=0.2)
    _err(b.op("s", 0).op("h", 0).op("h", 1), "depolarize", 1, p=0.3)
    _err(b.op("cz", 1, 2).op("h", 2), "phase_damping", 2, lam=0.5)
    b.op("h", 2)
    return Case("Pauli errors on one qubit", b.measure_all().graph(), NOISE, clifford=True)


def _pairs() -> Case:
    b = Builder(3).op("h", 0).op("cnot", 0, 1)
    _err(b, "pauli2", 1, 2, pxz=0.2, pyi=0.1, pzz=0.1, pix=0.15)
    _err(b.op("h", 0).op("s", 1).op("h", 1), "depolarize", 0, 1, p=0.3)
    _err(b.op("cnot", 1, 2).op("h", 0), "pauli2", 2, 0, pxx=0.3)
    return Case("Pauli products on two qubits", b.measure_all().graph(), NOISE, clifford=True)


def _between_rotations() -> Case:
    b = Builder(3).op("u", 0, theta=1.1, phi=0.3, lam=0.0).op("cnot", 0, 1)
    _err(b, "depolarize", 0, 1, p=0.25)
    _err(b.op("ry", 0, theta=0.7).op("rx", 1, theta=0.4).op("t", 0), "pauli2", 0, 2, pyx=0.3, pzi=0.2)
    b.op("ry", 0, theta=-1.2).op("cnot", 1, 2).op("u", 2, theta=0.6, phi=1.0, lam=0.2)
    return Case("Pauli errors between rotations", b.measure_all().graph(), NOISE)


def _certain() -> Case:
    b = Builder(2)
    _err(_err(b, "pauli", 0, px=1.0), "pauli2", 0, 1, pix=1.0)
    return Case("errors that are certain", b.measure_all().graph(), NOISE, clifford=True)


def _late_readings() -> Case:
    b = Builder(3).op("h", 0).op("cnot", 0, 1)
    for qubit, p01, p10 in ((0, 0.1, 0.3), (1, 0.0, 0.2), (2, 1.0, 0.0)):
        _read(b, qubit, p01, p10)
    return Case("readings that may be wrong", b.graph(), frozenset(), clifford=True)


def _logic_of_readings() -> Case:
    b = Builder(2).op("h", 0).op("h", 1)
    events = [_read(b, 0, 0.2, 0.2), _read(b, 1, 0.1, 0.4)]
    b.op("lut", produces=("both",), inputs=events, table=0b1000)
    b.events.append("both")
    return Case("logic of readings that may be wrong", b.graph(), frozenset({"logic"}), clifford=True)


def _acted_on(skewed: bool) -> Case:
    b = _superposition(2)
    first = _read(b, 0, 0.2, 0.4 if skewed else 0.2)
    b.op("x", 1, guard=when(first)).op("h", 1)
    b.op("z", 1, guard=when(first))
    b.op("h", 1).op("h", 0)
    _read(b, 0, 0.3, 0.3)
    b.measure(1)
    needs = {"mid_circuit", "reset", "noise", "logic", "full" if skewed else "pauli"}
    name = "a wrong reading that is acted on" + (", unlike for 0 and 1" if skewed else "")
    return Case(name, b.graph(), frozenset(needs), clifford=True)


def _error_correction() -> Case:
    b = Builder(5).op("h", 0).op("cnot", 0, 1).op("cnot", 0, 2)
    for q in range(3):
        _err(b, "pauli", q, px=0.2)
    for a, c, ancilla in ((0, 1, 3), (1, 2, 4)):
        b.op("cnot", a, ancilla).op("cnot", c, ancilla)
        _err(b, "depolarize", c, ancilla, p=0.1)
    s, t = _read(b, 3, 0.1, 0.1), _read(b, 4, 0.1, 0.1)
    b.op("x", 0, guard=all_of(when(s), when(t, 0))).op("x", 1, guard=all_of(when(s), when(t)))
    b.op("x", 2, guard=all_of(when(s, 0), when(t)))
    for q in range(3):
        b.measure(q)
    needs = frozenset({"mid_circuit", "reset", "full", "noise", "logic"})
    return Case("a noisy code that is decoded on the way", b.graph(), needs, clifford=True)


def _decay() -> Case:
    b = Builder(2).op("h", 0).op("cnot", 0, 1)
    _err(_err(b, "amplitude_damping", 0, gamma=0.4), "thermal", 1, t1=1.0, t2=1.5, duration=0.7)
    _err(b.op("ry", 0, theta=0.9).op("h", 1), "thermal", 0, t2=2.0, duration=1.0)
    b.op("h", 0)
    return Case("decay and dephasing", b.measure_all().graph(), KRAUS)


def _general() -> Case:
    b = Builder(3).op("ry", 0, theta=1.0).op("cnot", 0, 1).op("h", 2)
    _err(_err(b, "kraus", 1, operators=PHASE_KICK), "kraus", 1, 2, operators=EXCHANGE)
    b.op("rx", 1, theta=0.6).op("cnot", 2, 0).op("h", 2)
    return Case("general channels", b.measure_all().graph(), KRAUS)


def _decay_acted_on() -> Case:
    b = Builder(2).op("h", 0).op("cnot", 0, 1)
    _err(b, "amplitude_damping", 0, gamma=0.5)
    event = b.measure(0)
    b.op("ry", 1, theta=0.8, guard=when(event, 0)).op("reset", 0)
    _err(b.op("h", 0).op("cnot", 0, 1), "kraus", 0, 1, operators=EXCHANGE)
    b.measure(0)
    b.measure(1, basis="mx")
    return Case("decay beside feed-forward", b.graph(), KRAUS | {"mid_circuit", "reset", "full"})


def _with_fences(kraus: bool) -> Case:
    b = Builder(3).op("h", 0).op("cnot", 0, 1).op("fence")
    _err(_err(b, "pauli2", 0, 1, pxy=0.2, pzi=0.1), "depolarize", 2, p=0.3)
    if kraus:
        _err(_err(b, "amplitude_damping", 1, gamma=0.3), "kraus", 1, 2, operators=EXCHANGE)
    b.op("fence").op("h", 0)
    event = _read(b, 0, 0.1, 0.1)
    b.op("fence").op("x", 2, guard=when(event)).op("h", 1)
    b.measure(1)
    b.measure(2)
    needs = {"mid_circuit", "reset", "pauli", "logic"}
    name = f"{'general channels' if kraus else 'Pauli errors'} between fences"
    return Case(name, b.graph(), (KRAUS if kraus else NOISE) | needs, clifford=not kraus)


def noise_cases() -> list[Case]:
    """Programs without fences."""
    return [
        _paulis(),
        _pairs(),
        _between_rotations(),
        _certain(),
        _late_readings(),
        _logic_of_readings(),
        _acted_on(skewed=False),
        _acted_on(skewed=True),
        _error_correction(),
        _decay(),
        _general(),
        _decay_acted_on(),
    ]


def fenced_noise_cases() -> list[Case]:
    """Programs that suffer noise between fences."""
    return [_with_fences(kraus=False), _with_fences(kraus=True)]
