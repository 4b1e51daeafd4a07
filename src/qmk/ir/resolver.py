"""Rewrites one op into the gates that an engine has.

A ``Resolver`` is made for one native gate set. It tries, in order: the gate itself, Clifford steps (for engines that
take only Clifford angles), the declared lowerings, and for a gate that has none the steps of its matrix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from qmk.ir.modifiers import clifford_steps
from qmk.ir.names import controlled_form
from qmk.ir.synthesis import mod_steps
from qmk.qvm.families import OPS
from qmk.qvm.op import Args, Op, Step
from qmk.qvm.powers import PowerError

ALL_GATES = frozenset(op.short for op in OPS.values() if op.family == "core" and op.op_class == "unitary")
"""Short names of every declared unitary gate."""

_NO_ARGS: dict[str, Any] = {}


class Piece(NamedTuple):
    """One native instruction of an op: ``operands`` index the op's qubits, ``event`` its flattened cbits."""

    kind: Literal["gate", "measure", "reset"]
    name: str
    operands: tuple[int, ...]
    params: tuple[float, ...] = ()
    args: Args = _NO_ARGS
    event: int = -1


class NoLowering(Exception):
    """The op cannot be written in the native gates; the text says why."""


@functools.cache
def angle_names(op: str) -> tuple[str, ...] | None:
    """The angle parameters of a gate in declaration order, or None when it takes more than angles."""
    params = OPS[op].params
    return tuple(p.name for p in params) if all(p.kind == "angle" for p in params) else None


def plain_gate(args: Args) -> tuple[str, dict[str, float]] | None:
    """The plain gate that a ``core.mod`` with these args equals, as (op, args), or None."""
    gate, controls = args["gate"], int(args.get("controls", 0))
    power, params = float(args.get("power", 1.0)), dict(args.get("params") or {})
    if "0" in (args.get("state") or ""):
        return None
    names = angle_names(f"core.{gate}")
    if names is None or (power != 1 and not (power.is_integer() and len(names) == 1)):
        return None
    angles = {name: float(params[name]) * power for name in names}
    form = controlled_form(gate, controls)
    return (f"core.{form}", angles) if form else None


class Resolver:
    """Pieces of ops over ``gates``; with ``clifford`` a gate with angles has pieces only where it is Clifford."""

    def __init__(self, gates: frozenset[str], clifford: bool = False) -> None:
        self.gates = gates
        self.clifford = clifford
        self._found: dict[str, tuple[Piece, ...]] = {}

    def direct(self) -> tuple[dict[str, str], dict[str, tuple[str, tuple[str, ...]]]]:
        """Ops that are one native gate whatever their args: without angles, and with (names in order)."""
        fixed: dict[str, str] = {}
        angled: dict[str, tuple[str, tuple[str, ...]]] = {}
        for short in self.gates:
            op = f"core.{short}"
            names = angle_names(op) if op in OPS else None
            if names == ():
                fixed[op] = short
            elif names and not self.clifford:
                angled[op] = (short, names)
        return fixed, angled

    def pieces(self, op: str, args: Args, qubits: int) -> tuple[Piece, ...]:
        """The native instructions of one op on ``qubits`` operands. Raises ``NoLowering``."""
        constant = not OPS[op].params
        key = f"{op}/{qubits}"
        if constant and key in self._found:
            return self._found[key]
        found = tuple(self._pieces(OPS[op], args, qubits, frozenset()))
        if constant:
            self._found[key] = found
        return found

    def _pieces(self, op: Op, args: Args, qubits: int, busy: frozenset[str]) -> list[Piece]:
        if op.name == "core.mz":
            return [Piece("measure", "", (0,), event=0)]
        if op.name == "core.reset":
            return [Piece("reset", "", (0,))]
        if op.op_class == "unitary" and (native := self._native(op, args, qubits)) is not None:
            return native
        if op.name in busy:
            raise NoLowering(self._why(op))
        stuck: NoLowering | None = None
        for steps in self._ways(op, args, qubits):
            try:
                return self._compose(steps, busy | {op.name})
            except NoLowering as failed:
                stuck = failed
        raise NoLowering(self._why(op)) from stuck

    def _compose(self, steps: tuple[Step, ...], busy: frozenset[str]) -> list[Piece]:
        out: list[Piece] = []
        for step in steps:
            for piece in self._pieces(OPS[step.op], step.args, len(step.operands), busy):
                operands = tuple([step.operands[k] for k in piece.operands])
                event = step.event if piece.kind == "measure" else -1
                out.append(piece._replace(operands=operands, event=event))
        return out

    def _native(self, op: Op, args: Args, qubits: int) -> list[Piece] | None:
        short = op.short
        if short not in self.gates:
            return None
        names = angle_names(op.name)
        operands = tuple(range(qubits))
        if names is None:
            return None if self.clifford else [Piece("gate", short, operands, (), dict(args))]
        if names and self.clifford:
            return None
        return [Piece("gate", short, operands, tuple([float(args[name]) for name in names]))]

    def _ways(self, op: Op, args: Args, qubits: int) -> Iterator[tuple[Step, ...]]:
        if op.name == "core.mod" and (plain := plain_gate(args)) is not None:
            yield (Step(plain[0], tuple(range(qubits)), plain[1]),)
        if op.op_class == "unitary" and self.clifford:
            steps = clifford_steps(op.name, args)
            if steps is not None:
                yield steps
        if op.name == "core.mod":
            try:
                yield mod_steps(args, qubits)
            except PowerError as stuck:
                raise NoLowering(str(stuck)) from stuck
            return
        if op.lower is not None:
            yield op.lower(args, qubits)
        yield from (steps(args, qubits) for steps in op.also)
        if op.op_class == "unitary" and op.lower is None and not op.also:
            yield mod_steps({"gate": op.short, "params": dict(args)}, qubits)

    def _why(self, op: Op) -> str:
        if self.clifford:
            return "it is not a Clifford operation, and this engine runs only those"
        return f"it cannot be written in this engine's gates ({', '.join(sorted(self.gates))})"
