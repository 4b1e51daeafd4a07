"""``docs/reference/frameworks.md``: which constructs go to each format and framework and come back, by trying them."""

from __future__ import annotations

import io
import itertools
import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from pages import NOTICE, table, write_or_check

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.circuit import objects
from qmk.circuit.circuit import Circuit
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, Output
from qmk.sdk import discovery

INTRO = """# Formats and frameworks

What goes where, found out by trying: each row is a small program, written in each format and as an object of each
framework, and read back. `bell.to("qiskit")` writes one, `qmk.Circuit.from_object(...)` and every call that takes a
program read one.

```python
import qmk

bell = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
written = bell.to("qiskit")
assert set(qmk.run(written, shots=100).counts) == {"00", "11"}
assert qmk.Circuit.from_object(written).count_ops() == {"mz": 2, "h": 1, "cnot": 1}
```

- **same**: what comes back has the same digest, so that it gives the same bits for a seed.
- **equal**: it has the same outcomes with the same probabilities and names, in other ops.
- **other order**: so it has, but a result prints its registers of bits in another order: Cirq has no order of
  keys, and pytket sorts registers by name.
- **registers added**: so it has, and beside its registers come those that the writer keeps values in on the way.
- **names lost**: it prints the same bits with the same probabilities, but a name does not come back: of a register of
  bits, or of a vector of parameters, whose elements become single parameters.
- **record**: what is measured has the same probabilities in the order in which it is measured; registers of bits do not
  come back.
- Columns with **text** are formats that QMK reads and does not write: their frameworks wrote them from the object that
  QMK gave.
- **refused**: it cannot be said there; the refusal names the op and its place. Nothing is left out in silence.

"""
TOLERANCE = 1e-9
"""Most difference of a probability."""


def circuit(**registers: int) -> Circuit:
    """A circuit of two qubits in no simple state, with bits in registers of these sizes."""
    return qmk.Circuit({"q": 2}, registers or {"c": 2}).ry(0.7, 0).ry(1.1, 1).cx(0, 1)


def with_condition(add: Callable[[Circuit], object]) -> Circuit:
    made = circuit(a=2, b=1).measure([0, 1], "a")
    add(made)
    return made.measure(0, "b")


def conditioned(made: Circuit, *condition: Any) -> None:
    with made.if_(*condition):
        made.x(0)


def either(made: Circuit) -> None:
    with made.if_("a[0]"):
        made.h(0)
    with made.else_():
        made.x(0)


THETA = qmk.Parameter("theta")
W = qmk.Parameter("w", 2)
CONSTRUCTS: dict[str, Callable[[], Circuit]] = {
    "gates with angles": lambda: circuit().rx(0.3, 0).u(0.1, 0.2, 0.3, 1).rzz(0.4, 0, 1).measure_all(),
    "gates on three qubits": lambda: qmk.Circuit(3).h([0, 1]).ccx(0, 1, 2).cswap(0, 1, 2).measure_all(),
    "controls, also on 0": lambda: qmk.Circuit(3).h([0, 1]).ry(0.8, 2, ctrl=[0, 1], ctrl_state="01").measure_all(),
    "powers of gates": lambda: circuit().x(0, power=0.3).measure_all(),
    "a global phase": lambda: circuit().gphase(0.4).measure_all(),
    "Pauli rotations": lambda: circuit().paulirot("XY", 0.3, 0, 1).measure_all(),
    "two registers of bits": lambda: circuit(low=1, high=1).measure(0, "high").measure(1, "low"),
    "registers of qubits by name": lambda: qmk.Circuit({"data": 1, "anc": 1}).h("data").cx(0, 1).measure_all(),
    "a measurement on the way": lambda: circuit(a=1, b=1).measure(0, "a").h(0).measure(0, "b"),
    "a reset": lambda: circuit().reset(0).measure_all(),
    "measurement in X": lambda: circuit(c=1).measure(0, "c", basis="X"),
    "a Pauli product measured": lambda: circuit(c=1).measure_pauli("ZZ", 0, 1, bit="c"),
    "a barrier": lambda: circuit().barrier().h(0).measure_all(),
    "a parameter": lambda: circuit().rx(THETA, 0).measure_all(),
    "arithmetic with parameters": lambda: circuit().rx(2 * THETA + 0.5, 0).measure_all(),
    "a vector of parameters": lambda: circuit().rx(W, [0, 1]).measure_all(),
    "a gate if one bit is 1": lambda: with_condition(lambda made: conditioned(made, "a[0]")),
    "a gate if a register has a value": lambda: with_condition(lambda made: conditioned(made, "a", 2)),
    "a gate if one bit differs from another": lambda: with_condition(
        lambda made: conditioned(made, made.bits[0] ^ made.bits[1])
    ),
    "if and else": lambda: with_condition(either),
    "bits computed from bits": lambda: with_condition(lambda made: made.assign("a[1]", made.bits[0] ^ made.bits[1])),
    "Pauli noise": lambda: circuit().depolarize(0.1, 0, 1).pauli(0, px=0.1, py=0.0, pz=0.05).measure_all(),
    "damping": lambda: circuit().amplitude_damping(0.2, 0).phase_damping(0.1, 1).measure_all(),
    "a channel by Kraus operators": lambda: (
        circuit().kraus([[[1, 0], [0, 0.6**0.5]], [[0, 0.4**0.5], [0, 0]]], 0).measure_all()
    ),
    "wrong readings": lambda: circuit().measure_all().readout_error([0, 1], p01=0.1, p10=0.05),
}


def to_qpy(circuit: Any) -> bytes:
    from qiskit import qpy

    file = io.BytesIO()
    qpy.dump(circuit, file)
    return file.getvalue()


def to_cirq_json(circuit: Any) -> str:
    import cirq

    return cirq.to_json(circuit)


def to_braket_text(program: Any) -> str:
    return program.source if hasattr(program, "source") else program.to_ir("OPENQASM").source


READ_ONLY: dict[str, tuple[str, Callable[[Any], str | bytes]]] = {
    "braket": ("braket", to_braket_text),
    "cirq-json": ("cirq", to_cirq_json),
    "pytket-json": ("pytket", lambda circuit: json.dumps(circuit.to_dict())),
    "qpy": ("qiskit", to_qpy),
}
"""Formats of circuits that QMK reads and does not write: the framework that writes them, and how."""


def outcome(made: Circuit, target: str) -> str:
    """What happens to a circuit that is written as ``target`` and read back; as a format of ``READ_ONLY`` by its
    framework. Raises AssertionError for another program than was written."""
    format = target.removesuffix(" text")
    framework, by_it = READ_ONLY[format] if format != target else (target, None)
    try:
        written = made.to(framework)
    except QmkError:
        return "refused"
    if by_it is not None or target in frontends.TARGETS:  # text is read with values for its inputs
        values = values_of(made)
        made, written = made.bind(values), by_it(written) if by_it else written
        try:
            back = qmk.Circuit.from_text(written, format=format if by_it else None, params=values or None)
        except QmkError:
            return "refused"
    else:
        back = qmk.Circuit.from_object(written)
    if back.digest == made.digest:
        return "same"
    wanted, found = made.bind(values_of(made)).graph, back.bind(values_of(back)).graph
    into, names = registers(found), list(registers(wanted))
    if all(into.get(name) == size for name, size in registers(wanted).items()):
        require_equal(target, distribution(wanted), distribution(keep(found, names)))
        if len(into) > len(names):
            return "registers added"
        if list(into) != names:
            return "other order"
        return "equal" if back.parameters == made.parameters else "names lost"
    if is_close(joined(distribution(wanted)), joined(distribution(found))):
        return "names lost"
    require_equal(target, distribution(recorded(wanted)), distribution(recorded(found)))
    return "record"


def values_of(made: Circuit) -> dict[str, float | list[float]]:
    """A value for each parameter, all different, in their order."""
    values = itertools.count(3)
    return {
        name: next(values) / 10 if size is None else [next(values) / 10 for _ in range(size)]
        for name, size in made.parameters.items()
    }


def registers(graph: Graph) -> dict[str, int]:
    """Names and sizes of what a result prints, in this order."""
    return {output.name: len(output.bits) for output in graph.outputs or ()}


def keep(graph: Graph, names: list[str]) -> Graph:
    """The graph that prints these registers alone, in this order."""
    outputs = {output.name: output for output in graph.outputs or ()}
    return msgspec.structs.replace(graph, outputs=tuple(outputs[name] for name in names))


def distribution(graph: Graph) -> dict[str, float]:
    """The distribution of outcomes as printed."""
    return exact_distribution(lower(graph, ALL_GATES))


def joined(chances: dict[str, float]) -> dict[str, float]:
    """The same without spaces between registers."""
    return {key.replace(" ", ""): chance for key, chance in chances.items()}


def recorded(graph: Graph) -> Graph:
    """The graph with all that is measured, in its order, as its one register."""
    events = tuple(event for node in graph.nodes if node.vqs for event in node.produces)
    return msgspec.structs.replace(graph, outputs=(Output("all", events),))


def is_close(wanted: dict[str, float], found: dict[str, float]) -> bool:
    return all(abs(wanted.get(key, 0) - found.get(key, 0)) < TOLERANCE for key in wanted.keys() | found.keys())


def require_equal(target: str, wanted: dict[str, float], found: dict[str, float]) -> None:
    assert is_close(wanted, found), (target, wanted, found)


def targets() -> list[str]:
    """Formats of text, frameworks, and formats that are read only. Bitcode of QIR says what its text says."""
    return [
        *(name for name in frontends.TARGETS if name not in ("json-0.1", "qir-bitcode")),
        *(name for name in objects.writable() if name not in frontends.TARGETS),
        *(f"{name} text" for name in READ_ONLY),
    ]


def pages() -> dict[str, str]:
    names = targets()
    made = {what: build() for what, build in CONSTRUCTS.items()}
    rows = [(what, *(outcome(one, name) for name in names)) for what, one in made.items()]
    text = NOTICE.format(script="generate_matrix.py") + INTRO + table(("a program with", *names), rows)
    read = [
        (adapter.name, adapter.doc, "yes" if adapter.writer else "", f"`quantum-microkernel[{adapter.extra}]`")
        if adapter.extra
        else (adapter.name, adapter.doc, "yes" if adapter.writer else "", "")
        for adapter in discovery.adapters().values()
    ]
    text += "\n## Frameworks whose objects are read\n\n" + table(("framework", "what", "written too", "install"), read)
    formats = [(name, found.doc, "yes" if found.emit else "") for name, found in sorted(discovery.frontends().items())]
    text += "\n## Formats of text and files\n\n" + table(("format", "what", "written too"), formats)
    text += "\nEngines and what each can do stand in [Engines](engines.md).\n"
    return {"docs/reference/frameworks.md": text}


if __name__ == "__main__":
    sys.exit(write_or_check(pages(), sys.argv[1:]))
