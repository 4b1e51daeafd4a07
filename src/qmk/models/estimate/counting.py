"""Logical counts of a program: one linear pass over a verified graph.

What is counted (the rules of Azure's counter, for what a graph can say):
- ``numQubits``: the largest number of qubits alive at once; a freed one is used again.
- ``tCount``: T gates, and rotations by odd multiples of pi/4; a controlled H is two.
- ``cczCount``: Toffoli, CCZ and controlled-swap gates, each one, not seven T.
- ``rotationCount``: rotations by other angles; U(theta, phi, lam) is up to three, a controlled rotation its lowering.
- ``rotationDepth``: layers that hold a rotation, where a T, a CCZ or a rotation takes one layer on its qubits, and a
  Clifford gate on several qubits only lets them wait for each other.
- ``measurementCount``: measurements of one Pauli product; one at an angle is a rotation too, a Bell measurement is two.
Guarded gates count as executed: the result is for the longest run. Resets, noise, feed-forward of Paulis and channels
cost nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.ir.clifford import quarter_turns
from qmk.ir.modifiers import clifford_steps
from qmk.ir.names import TURNS, controlled_form
from qmk.models.estimate.counts import LogicalCounts
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.op import Step

_TOFFOLIS = frozenset(("core.toffoli", "core.ccz", "core.cswap"))
_MEASURED = {"core.mbell": 2}
_PHASES = {"core.t": math.pi / 4, "core.tdg": -math.pi / 4, "core.s": math.pi / 2, "core.z": math.pi}


class Cost(NamedTuple):
    """``kind``: "t", "rotation", "ccz", or "" for a gate that only makes its qubits wait for each other."""

    kind: str
    operands: tuple[int, ...]


def count(graph: Graph) -> LogicalCounts:
    """Raises UNSUPPORTED for a gate that is not a Clifford gate and raised to a power or controlled by several: how it
    is built decides what it costs."""
    tally = _Tally()
    for node in graph.nodes:
        tally.take(node)
    return LogicalCounts(
        max(tally.most_alive, 1),
        tally.found["t"],
        tally.found["rotation"],
        len(tally.rotation_layers),
        tally.found["ccz"],
        0,
        tally.measurements,
    )


class _Tally:
    def __init__(self) -> None:
        self.found = {"t": 0, "rotation": 0, "ccz": 0, "": 0}
        self.level: dict[str, int] = {}
        self.rotation_layers: set[int] = set()
        self.measurements = self.most_alive = self.floor = 0
        self._costs: dict[str, tuple[Cost, ...]] = {}

    def take(self, node: Node) -> None:
        op = OPS[node.op]
        if op.op_class == "lifecycle":
            self._lifecycle(node)
        elif op.op_class in ("unitary", "composite"):
            self._apply(self._cost(node), node.vqs)
        elif op.op_class == "evolution":
            raise QmkError(
                "UNSUPPORTED",
                f"node '{node.id}': {node.op} is not a gate, and an error-corrected machine runs gates",
                node=node.id,
                help="write the evolution as a circuit first",
            )
        elif op.op_class == "measure":
            self.measurements += _MEASURED.get(node.op, 1)
            if node.op == "core.mangle" and quarter_turns(node.args["theta"]) is None:
                self._apply((Cost(_rotation(node.args["theta"]), (0,)),), node.vqs)
            if len(node.vqs) > 1:
                self._apply((Cost("", tuple(range(len(node.vqs)))),), node.vqs)

    def _lifecycle(self, node: Node) -> None:
        for name in node.vqs:
            if node.op == "core.free":
                self.level.pop(name, None)
            else:
                self.level[name] = 0
        self.most_alive = max(self.most_alive, len(self.level))

    def _cost(self, node: Node) -> tuple[Cost, ...]:
        key = f"{node.op} {len(node.vqs)} {json.dumps(node.args, sort_keys=True)}" if node.args else node.op
        if not node.args and OPS[node.op].vqs.high is None:
            key += f" {len(node.vqs)}"
        found = self._costs.get(key)
        if found is None:
            if len(self._costs) > 10_000:
                self._costs.clear()
            found = self._costs[key] = _costs(node.op, node.args, tuple(range(len(node.vqs))))
        return found

    def _apply(self, costs: Sequence[Cost], qubits: Sequence[str]) -> None:
        for kind, operands in costs:
            names = [qubits[index] for index in operands]
            at = max(self.level[name] for name in names)
            if kind:
                self.found[kind] += 1
                if kind == "rotation":
                    self.rotation_layers.add(at)
                at += 1
            for name in names:
                self.level[name] = at


def _costs(name: str, args: Mapping[str, Any], operands: tuple[int, ...]) -> tuple[Cost, ...]:
    """What a gate costs on which of its operands, in order."""
    op = OPS[name]
    if op.op_class not in ("unitary", "composite") or not operands:
        return ()
    if op.op_class == "unitary" and clifford_steps(name, args) is not None:
        return (Cost("", operands),) if len(operands) > 1 else ()
    if name in ("core.t", "core.tdg"):
        return (Cost("t", operands),)
    if name in _TOFFOLIS:
        return (Cost("ccz", operands),)
    if name == "core.ch":
        return (Cost("t", operands[1:]), Cost("", operands), Cost("t", operands[1:]))
    if name in TURNS:
        return (Cost(_rotation(args[TURNS[name][1]]), operands),)
    if name == "core.u":
        return tuple(Cost(_rotation(angle), operands) for angle in _angles(args) if quarter_turns(angle) is None)
    if name == "core.mod":
        return _count_modified(args, operands)
    assert op.lower is not None
    return _lower(op.lower(args, len(operands)), operands)


def _lower(steps: Sequence[Step], operands: tuple[int, ...]) -> tuple[Cost, ...]:
    found: list[Cost] = []
    for step in steps:
        found += _costs(step.op, step.args, tuple(operands[index] for index in step.operands))
    return tuple(found)


def _count_modified(args: Mapping[str, Any], operands: tuple[int, ...]) -> tuple[Cost, ...]:
    """A gate to a power, with controls: what has a name of its own, or a rotation to a power."""
    controls, power = args.get("controls", 0), args.get("power", 1.0)
    gate, inner = f"core.{args['gate']}", dict(args.get("params") or {})
    if gate in TURNS:
        inner[TURNS[gate][1]] = inner[TURNS[gate][1]] * power
        power = 1.0
    elif gate in _PHASES:
        gate, inner, power = "core.p", {"lam": _PHASES[gate] * power}, 1.0
    if power == -1.0 and not inner:
        power = 1.0
    if power == 1.0 and controls == 0:
        return _costs(gate, inner, operands)
    if power == 1.0 and controls == 1 and (named := controlled_form(args["gate"], 1)):
        return _costs(f"core.{named}", inner, operands)
    if power == 1.0 and controls == 2 and gate in ("core.x", "core.y", "core.z"):
        return (Cost("ccz", operands),)
    what = f"'{args['gate']}' to the power {args.get('power', 1.0):g} with {controls} controls"
    said = f"{what} has no cost of its own here"
    raise QmkError("UNSUPPORTED", said, help="write it out in gates with at most two controls")


def _rotation(angle: float) -> str:
    """A rotation by a multiple of pi/4 that is not Clifford is a T gate up to Clifford gates."""
    return "t" if quarter_turns(2 * angle) is not None else "rotation"


def _angles(args: Mapping[str, Any]) -> tuple[float, ...]:
    """U = RZ(phi) RY(theta) RZ(lam) up to phase; diagonal and antidiagonal ones are a single RZ."""
    turns = quarter_turns(args["theta"])
    if turns is not None and turns % 2 == 0:
        return (args["phi"] + args["lam"] if turns % 4 == 0 else args["phi"] - args["lam"],)
    return args["lam"], args["theta"], args["phi"]
