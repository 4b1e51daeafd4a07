"""The programs of the engine kit: fixed ones, one a property; exact distributions come from ``exact.simulator``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qmk.qvm.graph import Graph, Output
from qmk.sdk.kit.builder import Builder, all_of, any_of, when


@dataclass(frozen=True)
class Case:
    """``needs``: capabilities beyond plain gates and final measurement: mid_circuit, reset, pauli (conditions on
    parities applied to Paulis), full (any condition), logic, noise (random Pauli errors), kraus (general error
    channels). ``clifford``: every gate is a Clifford gate."""

    name: str
    graph: Graph
    needs: frozenset[str] = frozenset()
    clifford: bool = False


_CASES: list[Callable[[], Case]] = []


def _case(name: str, *needs: str, clifford: bool = False) -> Callable[[Callable[[], Builder]], Callable[[], Builder]]:
    def register(build: Callable[[], Builder]) -> Callable[[], Builder]:
        _CASES.append(lambda: Case(name, build().graph(), frozenset(needs), clifford))
        return build

    return register


BASES = ("mz", "mx", "my")


def _mod_case(name: str, qubits: int, **args: Any) -> None:
    def build() -> Builder:
        b = Builder(qubits)
        for q in range(qubits):
            b.op("u", q, theta=1.2 + 0.3 * q, phi=0.4 * q, lam=0.0)
        b.op("mod", *range(qubits), **args)
        for q in range(qubits):
            b.op("u", q, theta=0.8, phi=0.1, lam=0.3 + 0.2 * q)
        return b.measure_all()

    _case(f"modified gate {name}")(build)


_mod_case("ctrl3 x", 4, gate="x", controls=3)
_mod_case("ctrl(01) u", 3, gate="u", controls=2, state="01", params={"theta": 0.7, "phi": 0.3, "lam": -1.1})
_mod_case("pow 0.5 swap", 2, gate="swap", power=0.5)
_mod_case("ctrl inverse iswap", 3, gate="iswap", controls=1, power=-1.0)
_mod_case("ctrl2 gphase", 2, gate="gphase", controls=2, params={"gamma": 0.9})
_mod_case("ctrl2 rz pow 3", 3, gate="rz", controls=2, power=3.0, params={"theta": 0.5})
_mod_case("ctrl rxx", 3, gate="rxx", controls=1, params={"theta": 1.3})


@_case("Pauli rotation")
def _pauli_rotation() -> Builder:
    b = Builder(3).op("h", 0).op("u", 1, theta=0.6, phi=0.2, lam=0.0).op("t", 0)
    b.op("paulirot", 0, 1, 2, paulis="YXZ", theta=0.8).op("paulirot", 0, 1, 2, paulis="XIY", theta=-1.1)
    return b.measure_all()


@_case("global phase has no effect", clifford=True)
def _phase() -> Builder:
    return Builder(1).op("h", 0).op("gphase", gamma=1.0).op("s", 0).op("h", 0).measure_all()


@_case("GHZ", clifford=True)
def _ghz() -> Builder:
    b = Builder(5).op("h", 0)
    for q in range(4):
        b.op("cnot", q, q + 1)
    return b.measure_all()


@_case("order of bits", clifford=True)
def _order() -> Builder:
    return Builder(4).op("x", 0).op("x", 2).measure_all()


@_case("events are not in qubit order", clifford=True)
def _crossed_reads() -> Builder:
    b = Builder(3).op("x", 1)
    for q in (1, 0, 2):
        b.measure(q)
    return b


@_case("measured twice", "mid_circuit", clifford=True)
def _twice() -> Builder:
    b = Builder(1).op("h", 0)
    b.measure(0)
    b.measure(0)
    b.op("h", 0)
    b.measure(0)
    return b


@_case("bases leave eigenstates", "mid_circuit", clifford=True)
def _eigenstates() -> Builder:
    b = Builder(2)
    for basis in ("mx", "my", "mx", "mx", "mz", "mz", "my", "my"):
        b.measure(0, basis=basis)
    b.op("mbell", 0, 1, produces=("p", "q")).op("mbell", 0, 1, produces=("r", "s"))
    b.events += ["p", "q", "r", "s"]
    return b


@_case("angle measurement", "mid_circuit")
def _angle() -> Builder:
    b = Builder(1).op("ry", 0, theta=0.4)
    for k, theta in enumerate((1.0, 1.0, -0.7, 0.0)):
        b.op("mangle", 0, produces=(f"m{k}",), theta=theta)
        b.events.append(f"m{k}")
    return b


@_case("Bell measurement in one event", "mid_circuit", clifford=True)
def _bell_event() -> Builder:
    b = Builder(2).op("x", 1).op("h", 0).op("cnot", 0, 1).op("z", 0)
    b.measure(0, 1, basis="mbell")
    b.measure(0)
    b.measure(1)
    return b


@_case("Pauli product measurement", "mid_circuit", clifford=True)
def _product() -> Builder:
    b = Builder(3).op("h", 0).op("cnot", 0, 1).op("s", 2)
    for k, paulis in enumerate(("XXI", "ZZI", "XYZ", "XYZ", "III", "ZIZ")):
        b.op("mpauli", 0, 1, 2, produces=(f"m{k}",), paulis=paulis)
        b.events.append(f"m{k}")
    return b


@_case("T injection", "mid_circuit", "reset", "full")  # its correction is no Pauli gate
def _inject() -> Builder:
    b = Builder(2).op("h", 0).op("inject_t", 1, family="magic").op("cnot", 0, 1)
    e = b.measure(1)
    b.op("s", 0, guard=when(e)).op("h", 0)
    b.measure(0)
    return Builder.op(b, "barrier", 0)


_PREPARED: dict[str, Callable[[Builder, int], object]] = {
    "T": lambda b, q: b.op("h", q).op("t", q),
    "S": lambda b, q: b.op("h", q).op("s", q),
    "generic": lambda b, q: b.op("u", q, theta=1.1, phi=0.7, lam=0.0),
}


def _teleportation_case(state: str, basis: str) -> None:
    def build() -> Builder:
        b = Builder(3)
        _PREPARED[state](b, 0)
        b.op("h", 1).op("cnot", 1, 2).op("cnot", 0, 1).op("h", 0)
        z, x = b.measure(0), b.measure(1)
        b.op("condpauli", 2, inputs=(x,), paulis="X").op("z", 2, guard=when(z))
        b.measure(2, basis=basis)
        return b

    _case(f"teleported {state} state in {basis}", "mid_circuit", "pauli", clifford=state == "S")(build)


for _state in _PREPARED:
    for _basis in BASES:
        _teleportation_case(_state, _basis)


@_case("reset and reuse", "mid_circuit", "reset", clifford=True)
def _reset() -> Builder:
    b = Builder(2).op("h", 0).op("cnot", 0, 1).op("reset", 0)
    b.measure(0)
    b.op("h", 0)
    b.measure(0)
    b.measure(1)
    return b


@_case("a reset qubit keeps nothing of its partner", "mid_circuit", "reset", clifford=True)
def _reset_partner() -> Builder:
    b = Builder(2).op("h", 0).op("cnot", 0, 1).op("reset", 0).op("h", 1)
    b.measure(1)
    b.measure(0)
    return b


@_case("free and allocate again", "mid_circuit", "reset", clifford=True)
def _free() -> Builder:
    b = Builder(2).op("h", 0).op("cnot", 0, 1).op("free", 0)
    b.alloc(1)
    b.measure("q2")
    b.measure("q1")
    return b


@_case("condition on a parity", "mid_circuit", "pauli", clifford=True)
def _parity() -> Builder:
    b = Builder(4)
    for q in range(3):
        b.op("h", q)
    events = [b.measure(q) for q in range(3)]
    b.op("condpauli", 3, 0, inputs=tuple(events), paulis="XY")
    b.measure(3)
    b.measure(0)
    return b


@_case("compound guards", "mid_circuit", "full", clifford=True)
def _compound() -> Builder:
    b = Builder(4)
    for q in range(3):
        b.op("h", q)
    x, y, z = (b.measure(q) for q in range(3))
    b.op("x", 3, guard=all_of(when(x), when(y, 0)))
    b.measure(3)
    b.op("h", 3, guard=any_of(all_of(when(x), when(y)), when(z, 0)))
    b.measure(3)
    return b


@_case("condition on a value of 0", "mid_circuit", "pauli", clifford=True)
def _zero() -> Builder:
    b = Builder(2).op("h", 0)
    e = b.measure(0)
    b.op("x", 1, guard=when(e, 0))
    b.measure(1)
    return b


@_case("condition on a two-bit event", "mid_circuit", "full", clifford=True)
def _two_bits() -> Builder:
    b = Builder(3).op("h", 0)
    e = b.measure(0, 1, basis="mbell")
    b.op("x", 2, guard=when(e, 2))
    b.measure(2)
    b.op("x", 2, guard=when(e, 3))
    b.measure(2)
    return b


@_case("guarded gates that are not Paulis", "mid_circuit", "full")
def _guarded_gates() -> Builder:
    b = Builder(3).op("h", 0)
    e = b.measure(0)
    b.op("ry", 1, theta=0.8, guard=when(e)).op("cnot", 1, 2, guard=when(e)).op("t", 2, guard=when(e))
    b.op("h", 2, guard=when(e, 0)).op("crx", 2, 1, theta=1.1, guard=when(e, 0))
    b.op("mod", 1, 2, 0, gate="ry", controls=2, params={"theta": 0.9}, guard=when(e))
    b.measure(1, basis="mx")
    b.measure(2, basis="my")
    b.measure(0)
    return b


@_case("guarded measurement reads 0 when it did not run", "mid_circuit", "full", clifford=True)
def _guarded_measure() -> Builder:
    b = Builder(3).op("h", 0).op("h", 1)
    e = b.measure(0)
    f = b.measure(1, guard=when(e))
    b.op("h", 1)
    b.measure(1)
    b.measure(2, basis="mx", guard=when(e, 0))
    b.op("x", 0, guard=when(f))
    b.measure(0)
    b.measure(2, basis="mx")
    return b


@_case("guarded reset", "mid_circuit", "reset", "full", clifford=True)
def _guarded_reset() -> Builder:
    b = Builder(3).op("h", 0).op("h", 1).op("cnot", 1, 2)
    e = b.measure(0)
    b.op("reset", 1, guard=when(e))
    b.measure(1)
    b.measure(2)
    return b


@_case("event logic", "mid_circuit", "full", "logic", clifford=True)
def _logic() -> Builder:
    b = Builder(5)
    for q in range(3):
        b.op("h", q)
    e = [b.measure(q) for q in range(3)]
    b.op("lut", produces=("majority",), inputs=e, table=0b11101000)
    b.op("lut", produces=("one",), table=1).op("lut", produces=("inverse",), inputs=("majority",), table=0b01)
    b.op("lut", produces=("choice",), inputs=(e[0], "majority", "one"), table=0b10110010, guard=when(e[2]))
    b.events += ["majority", "one", "inverse", "choice"]
    b.op("x", 3, guard=when("majority")).op("x", 4, guard=all_of(when("choice"), when("one")))
    b.measure(3)
    b.measure(4)
    b.op("lut", produces=("late",), inputs=(e[0], b.events[-1]), table=0b0110)
    b.events.append("late")
    return b


@_case("parity logic", "mid_circuit", "pauli", "logic", clifford=True)
def _parity_logic() -> Builder:
    b = Builder(3).op("h", 0).op("h", 1)
    e = [b.measure(q) for q in range(2)]
    b.op("lut", produces=("same",), inputs=e, table=0b1001)
    b.events.append("same")
    b.op("x", 2, guard=when("same"))
    b.measure(2)
    return b


@_case("majority vote repairs a bit flip", "mid_circuit", "reset", "full", clifford=True)
def _code() -> Builder:
    b = Builder(5).op("h", 0).op("cnot", 0, 1).op("cnot", 0, 2).op("x", 1)
    for a, c, ancilla in ((0, 1, 3), (1, 2, 4)):
        b.op("cnot", a, ancilla).op("cnot", c, ancilla)
    s, t = b.measure(3), b.measure(4)
    b.op("x", 0, guard=all_of(when(s), when(t, 0))).op("x", 1, guard=all_of(when(s), when(t)))
    b.op("x", 2, guard=all_of(when(s, 0), when(t)))
    b.op("reset", 3)
    b.op("mpauli", 0, 1, 2, produces=("logical",), paulis="XXX")
    b.events.append("logical")
    for q in (0, 1, 2, 3):
        b.measure(q)
    return b


@_case("adaptive rotation", "mid_circuit", "full")
def _adaptive() -> Builder:
    b = Builder(1).op("ry", 0, theta=1.0)
    for k in range(4):
        e = b.measure(0)
        b.op("ry", 0, theta=0.6 + 0.2 * k, guard=when(e)).op("rx", 0, theta=1.1, guard=when(e, 0))
    b.measure(0)
    return b


@_case("qubit never measured", clifford=True)
def _partly_measured() -> Builder:
    b = Builder(3).op("h", 0).op("cnot", 0, 1).op("cnot", 1, 2)
    b.measure(1)
    return b


@_case("two correlated pairs")
def _pairs() -> Builder:
    """Outcomes two bit flips apart and of unequal probability: a sampler that walks by single flips goes wrong."""
    b = Builder(4)
    for q in (0, 2):
        b.op("h", q).op("t", q).op("h", q).op("cnot", q, q + 1)
    return b.measure_all()


@_case("superposition of many outcomes")
def _many() -> Builder:
    b = Builder(6)
    for q in range(6):
        b.op("ry", q, theta=0.5 + 0.35 * q)
    return b.measure_all()


def registers_case() -> Case:
    """Registers with constants, repeats and a reversed order."""
    b = Builder(3).op("x", 0).op("h", 2)
    b.measure_all()
    outputs = (Output("a", ("e2", "e0"), descending=True), Output("b", (None, "e1", "e0", "e2")))
    return Case("registers", b.graph(outputs), frozenset(), clifford=True)


def fixed_cases() -> list[Case]:
    """Every program of this module."""
    return [*(make() for make in _CASES), registers_case()]
