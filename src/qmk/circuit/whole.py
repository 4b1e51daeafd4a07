"""Circuits as parts of circuits: added to another, undone, repeated, under controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.circuit.applying import control_state, exponent_of, items_of, raise_power
from qmk.circuit.building import PARAMS
from qmk.circuit.items import End, If, Item, ModifiedGate, Step, move
from qmk.circuit.operands import BitLike, QubitLike, whole_number, wrong
from qmk.circuit.store import as_list
from qmk.frontends.openqasm.unitary import Prim, Unitary, control, move_operands, prim
from qmk.ir.parameter_values import map_leaves
from qmk.ir.parameters import Expression
from qmk.models.arguments import show
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit

    C = TypeVar("C", bound=Circuit)


# These are methods of Circuit in a file of their own.
# pyright: reportPrivateUsage=false


def add(circuit: Circuit, other: Circuit, qubits: QubitLike | None, bits: BitLike | None) -> None:
    """Adds the items of ``other`` to ``circuit``; see ``Circuit.add``."""
    other._require_finished()
    onto = as_list(circuit._qubits(range(other.n_qubits) if qubits is None else qubits))
    if len(onto) != other.n_qubits or len(set(onto)) < len(onto):
        what = f"a circuit of {other.n_qubits} qubits is added on {len(set(onto))}"
        raise wrong(what, f"give {other.n_qubits} different qubits")
    into = _bits_by_name(circuit, other) if bits is None else circuit._bits_for(other.n_bits, bits)
    check("expansion_nodes", len(circuit._items) + len(other._items), "the circuit")
    circuit._items += move_items(other, onto, into)
    circuit._written.update(into[bit] for bit in other._written)
    circuit._channels |= other._channels


def move_items(circuit: Circuit, qubits: Sequence[int], bits: Sequence[int]) -> list[Item]:
    """The items of a circuit, its qubit k on ``qubits[k]``, its bit k on ``bits[k]``."""
    return [move(item, qubits.__getitem__, bits.__getitem__) for item in circuit._items]


def _bits_by_name(circuit: Circuit, other: Circuit) -> list[int]:
    """The bits of ``circuit`` with the names of those of ``other``; registers that are not there are added."""
    into = [0] * other.n_bits
    for register in other._bit_registers:
        found = circuit._bits_named(register.name)
        if found is None:
            added = circuit.add_bits(None if register.single else len(register.bits), register.name)
            found = [bit.index for bit in added]
        found = as_list(found)
        if len(found) != len(register.bits):
            what = (
                f"register '{register.name}' has {len(found)} bits here and {len(register.bits)} in the other circuit"
            )
            raise wrong(what, "name the bits with add(circuit, bits=...)", "bits")
        for bit, here in zip(register.bits, found, strict=True):
            into[bit] = here
    return into


def append(circuit: C, items: Iterable[Item], metadata: Mapping[str, Any] | None = None) -> C:
    """Adds items whose names, angles, qubits and bits the caller has checked, as a reader of programs has, and what
    such a reader keeps beside them."""
    begin = len(circuit._items)
    circuit._items += items
    steps = [item for item in circuit._items[begin:] if type(item) is Step]
    circuit._written.update(bit for step in steps for bit in step.writes)
    circuit._metadata.update(metadata or {})
    return circuit


def inverse_of(circuit: C) -> C:
    """The circuit that undoes ``circuit``."""
    return circuit._with_items(_items_to_power(circuit, -1.0))


def power_of(circuit: C, exponent: float) -> C:
    """The power of ``circuit``; see ``Circuit.power``."""
    return circuit._with_items(_items_to_power(circuit, exponent_of(exponent)))


def _items_to_power(circuit: Circuit, exponent: float) -> list[Item]:
    return items_of(raise_power("the circuit", unitary_of(circuit), exponent), range(circuit.n_qubits))


def control_whole(circuit: C, n_controls: int, state: str | None) -> C:
    """``circuit`` under controls; see ``Circuit.control``."""
    count = whole_number(n_controls)
    if count is None or not 1 <= count <= LIMITS.qubits:
        raise wrong(f"n_controls is {show(n_controls)}", "give at least one", "n_controls")
    values = control_state(state, count)
    taken = {register.name for register in circuit._qubit_registers}
    name = next(name for name in ("ctrl", *(f"ctrl{k}" for k in range(len(taken) + 1))) if name not in taken)
    made = type(circuit)({name: count})
    for register, size in circuit._qubit_registers:
        made.add_qubits(size, register)
    made._items = items_of(control(unitary_of(circuit), values), range(made.n_qubits))
    return made


def unitary_of(circuit: Circuit) -> Unitary:
    """A circuit of gates alone as one gate. Raises UNSUPPORTED naming what is not one."""
    circuit._require_finished()
    return Unitary(tuple(found for at, item in enumerate(circuit._items) for found in _primitives(item, at)))


def _primitives(item: Item, at: int) -> tuple[Prim, ...]:
    if type(item) is tuple:
        name, angles, qubits, controls, power = cast("ModifiedGate", (*item, "", 1.0)[:5])
        args = cast("dict[str, float]", dict(zip(PARAMS[name], angles, strict=True)))
        if len(item) > 3 or name == "gphase":
            return (Prim(name, qubits, args, controls, power),)
        return (prim(name, qubits, args),)
    if isinstance(item, Step) and item.op == "core.barrier":
        return (Prim("barrier", item.qubits),)
    op = OPS[item.op] if isinstance(item, Step) else None
    if isinstance(item, Step) and op is not None and op.op_class == "unitary" and op.lower is not None:
        steps = op.lower(item.args, len(item.qubits))
        made = Unitary(tuple(prim(step.op.removeprefix("core."), step.operands, step.args) for step in steps))
        return move_operands(made, item.qubits).prims
    what = item.op if isinstance(item, Step) else type(item).__name__.lower()
    raise QmkError(
        "UNSUPPORTED",
        f"op {at} ({what}) is not a gate: it has no inverse, power or controls",
        field="program",
        help="keep measurements, resets, noise and branches out of that part",
    )


def lower_step(step: Step) -> list[Item] | None:
    """A step as gates and measurements in Z, by the lowering of its op; None where it has none."""
    lower = OPS[step.op].lower
    if lower is None:
        return None
    found: list[Item] = []
    for each in lower(step.args, len(step.qubits)):
        short, qubits = each.op.removeprefix("core."), tuple(step.qubits[k] for k in each.operands)
        if each.event >= 0:
            found.append(Step(each.op, dict(each.args), qubits, (), (step.writes[each.event],)))
        else:
            found.append((short, tuple(each.args[name] for name in PARAMS[short]), qubits))
    return found


def depth_of(circuit: Circuit) -> int:
    """The number of ops on the longest path, see ``Circuit.depth``."""
    qubits, bits = [0] * circuit.n_qubits, [0] * circuit.n_bits
    floors = [0]
    for item in circuit._items:
        if isinstance(item, If):
            floors.append(max([floors[-1], *(bits[bit] for bit in item.condition.bits())]))
        elif isinstance(item, End):
            floors.pop()
        elif type(item) is tuple or (isinstance(item, Step) and _takes_time(item)):
            used = item.qubits if isinstance(item, Step) else cast("ModifiedGate", item)[2]
            read = item.reads + item.writes if isinstance(item, Step) else tuple[int, ...]()
            level = 1 + max([floors[-1], *(qubits[k] for k in used), *(bits[k] for k in read)])
            for wires, numbers in ((qubits, used), (bits, read)):
                for k in numbers:
                    wires[k] = level
    return max([0, *qubits, *bits])


def _takes_time(step: Step) -> bool:
    """Whether a step counts in a depth."""
    return step.op != "noise.readout" and OPS[step.op].op_class not in ("hint", "fence", "lifecycle", "metadata")


def with_texts(graph: Graph) -> Graph:
    """The graph with its open expressions as text, for a digest."""
    return msgspec.structs.replace(graph, nodes=tuple(map(_with_texts, graph.nodes)))


def _with_texts(node: Node) -> Node:
    args = map_leaves(node.args, lambda value: str(value) if isinstance(value, Expression) else value)
    return msgspec.structs.replace(node, args=args) if node.args else node
