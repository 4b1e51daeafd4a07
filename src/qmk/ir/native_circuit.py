"""Programs as circuits of the native core (``qmk_native``), and back.

A ``Circuit`` says the same as a ``Program`` in flat arrays: conditions and truth tables stand in pools of their own,
each once. Barriers and fences have no place in it, and neither have gates that take more than angles: a program is
lowered to ``GATES`` first. The native core is imported when it is first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.ir.misread import RandomBits
from qmk.ir.names import gates_with
from qmk.ir.program import (
    Barrier,
    Cond,
    Gate,
    Instruction,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    Misread,
    Noise,
    NoisyEvolution,
    PauliNoise,
    PauliNoise2,
    Program,
    Register,
    Reset,
)

if TYPE_CHECKING:
    from qmk_native import Circuit

GATES = gates_with("native")
"""Short names of the gates that a circuit may hold."""

WORD = 64
TABLE_INPUTS = 24
"""Inputs of the largest truth table that a circuit may hold."""


class _Pool:
    """Numbers rows, each once."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, key: Any, row: Any) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return found


LossEvents = list[tuple[int, list[int], float]]
"""Loss events: the op that each one precedes, the cbits that it sets, its probability."""

Channels = list[tuple[int, KrausNoise]]
"""Channels by Kraus operators, with the op that each one precedes."""


def circuit_of(program: Program, loss_events: LossEvents | None = None, channels: Channels | None = None) -> Circuit:
    """``program`` as a circuit, what is computed after it as ordinary ops at the end: readings that may be wrong draw
    random bits on one more qubit, into cbits behind the program's own. Raises UNSUPPORTED for a gate or channel that no
    circuit holds and a truth table of more than 24 inputs; for loss events and channels by Kraus operators
    unless ``loss_events`` and ``channels`` are lists to take them."""
    import qmk_native

    kinds = {name: number for number, (name, _, _) in enumerate(qmk_native.KINDS)}
    conds, tables = _Pool(), _Pool()
    ops: list[tuple[int, list[int], list[float], int, int, int]] = []
    random_bits = RandomBits(program.n_qubits, program.n_cbits)
    after = [
        part for item in program.post for part in (random_bits.read(item) if isinstance(item, Misread) else (item,))
    ]
    for item in (*program.instructions, *after):
        if isinstance(item, LossEvent):
            if loss_events is None:
                raise QmkError("UNSUPPORTED", "this method of the native core has no loss events")
            loss_events.append((len(ops), list(item.cbits), item.p))
            continue
        when = -1 if isinstance(item, Barrier | Noise) or item.cond is None else _cond(item.cond, conds)
        match item:
            case Gate(name="gphase"):
                pass  # global in every branch: no measurement sees it
            case Gate():
                if item.name not in GATES:
                    raise QmkError("UNSUPPORTED", f"the native core has no gate '{item.name}'", op=item.name)
                ops.append((kinds[item.name], list(item.qubits), list(item.params), when, -1, -1))
            case Measure():
                ops.append((kinds["measure"], [item.qubit], [], when, item.cbit, -1))
            case Reset():
                ops.append((kinds["reset"], [item.qubit], [], when, -1, -1))
            case PauliNoise():
                ops.append((kinds["noise"], [item.qubit], [item.x, item.y, item.z], -1, -1, -1))
            case PauliNoise2():
                ops.append((kinds["noise2"], list(item.pair), list(item.errors), -1, -1, -1))
            case KrausNoise() if channels is not None:
                channels.append((len(ops), item))
            case KrausNoise():
                raise QmkError("UNSUPPORTED", "the native core has no error channels that are not Pauli channels")
            case NoisyEvolution():
                raise QmkError("UNSUPPORTED", "the native core has no evolutions with noise in a circuit")
            case Logic():
                ops.append((kinds["logic"], [], [], when, item.cbit, _table(item, tables)))
            case Barrier():
                pass
    registers = [(r.name, list(r.cbits), r.descending) for r in program.registers]
    n_qubits = program.n_qubits + random_bits.used
    return qmk_native.Circuit(n_qubits, random_bits.n_cbits, ops, conds.rows, tables.rows, registers)


def _cond(cond: Cond, conds: _Pool) -> int:
    """The number of ``cond`` in the pool; its parts stand before it."""
    parts = [cond[1]] if cond[0] == "bit" else [_cond(part, conds) for part in cond[1:]]
    return conds.number((cond[0], *parts), (cond[0], parts))


def _table(item: Logic, tables: _Pool) -> int:
    size = len(item.inputs)
    if size > TABLE_INPUTS:
        raise QmkError("UNSUPPORTED", f"the native core takes event logic of {TABLE_INPUTS} inputs, not {size}")
    words = [(item.table >> at) & ((1 << WORD) - 1) for at in range(0, 1 << size, WORD)]
    words[0] &= (1 << min(WORD, 1 << size)) - 1
    return tables.number((item.inputs, item.table), (list(item.inputs), words))


def program_of(circuit: Circuit) -> Program:
    """``circuit`` as a program. An unread measurement gets a cbit that no register shows."""
    import qmk_native

    rows, conds, tables = circuit.rows()
    known = [_nest(row, conds) for row in conds]
    n_cbits = circuit.n_cbits
    out: list[Instruction] = []
    for kind, qubits, params, cond, cbit, table in rows:
        when = None if cond < 0 else known[cond]
        match qmk_native.KINDS[kind][0]:
            case "measure":
                if cbit < 0:
                    cbit, n_cbits = n_cbits, n_cbits + 1
                out.append(Measure(qubits[0], cbit, when))
            case "reset":
                out.append(Reset(qubits[0], when))
            case "noise":
                out.append(PauliNoise(qubits[0], *params))
            case "noise2":
                out.append(PauliNoise2((qubits[0], qubits[1]), tuple(params)))
            case "logic":
                inputs, words = tables[table]
                out.append(Logic(sum(word << WORD * at for at, word in enumerate(words)), tuple(inputs), cbit, when))
            case name:
                out.append(Gate(name, tuple(qubits), tuple(params), when))
    registers = tuple(Register(name, tuple(cbits), descending) for name, cbits, descending in circuit.registers)
    return Program(circuit.n_qubits, n_cbits, tuple(out), registers, {})


def _nest(row: tuple[str, list[int]], conds: list[tuple[str, list[int]]]) -> Cond:
    """Writes a row of the pool as nested tuples; ``circuit`` bounds its depth."""
    kind, parts = row
    return (kind, *parts) if kind == "bit" else (kind, *(_nest(conds[part], conds) for part in parts))
