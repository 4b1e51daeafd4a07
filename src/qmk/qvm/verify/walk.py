"""The one pass over the nodes.

Nearly all nodes of a large program are plain: a gate of fixed size on live qubits with its own finite angles, and
nothing else. ``walk`` recognises those with a handful of comparisons and changes no state for them, since a gate
changes none. A program's second and later measurements of one qubit into one event are as plain, and change two
entries. Every other node, sound or not, goes through the rule groups, which say what is wrong with it.
"""

from __future__ import annotations

from qmk.qvm.families import OPS
from qmk.qvm.graph import Node
from qmk.qvm.op import CAP_MEASURE, Op, exactly
from qmk.qvm.verify import arguments, bounds, capabilities, events, firewall, linearity, structure, types
from qmk.qvm.verify.state import LIVE, MEASURED, State

Plain = tuple[int, tuple[str, ...]]


def _plain(op: Op) -> Plain | None:
    """Number of qubits and names of the angles of a gate that the fast path can judge, else None."""
    angles_only = all(param.kind == "angle" and param.required for param in op.params)
    bounded = any(param.low is not None or param.high is not None for param in op.params)
    if op.op_class != "unitary" or op.cap or not angles_only or bounded or op.vqs.high not in (1, 2, 3):
        return None
    return (op.vqs.low, tuple(param.name for param in op.params)) if op.vqs.low == op.vqs.high else None


PLAIN: dict[str, Plain] = {op.name: plain for op in OPS.values() if (plain := _plain(op)) is not None}

READS: frozenset[str] = frozenset(
    op.name
    for op in OPS.values()
    if op.op_class == "measure" and op.vqs == op.produces == exactly(1) and not op.params and not op.cap
    if op.name not in linearity.LOOKING
)
"""Measurements of one qubit into one event, without arguments."""


def walk(state: State) -> None:
    """Checks every node in program order."""
    families = state.families
    plain_ops, reads = PLAIN, READS
    if families is not None:
        plain_ops = {name: plain for name, plain in PLAIN.items() if OPS[name].family in families}
        reads = frozenset(name for name in READS if OPS[name].family in families)
    get_plain, get_phase, usable = plain_ops.get, state.qubits.get, state.usable
    tenants = state.tenants
    for index, node in enumerate(state.graph.nodes):
        plain = get_plain(node.op)
        if plain is not None:
            size, angles = plain
            vqs = node.vqs
            if len(vqs) != size:
                sound = False
            elif size == 1:
                sound = get_phase(vqs[0], 0) >= usable
            elif size == 2:
                a, b = vqs
                sound = a != b and get_phase(a, 0) >= usable and get_phase(b, 0) >= usable
            else:
                a, b, c = vqs
                sound = a != b != c != a and min(get_phase(a, 0), get_phase(b, 0), get_phase(c, 0)) >= usable
            if (
                sound
                and node.guard is None
                and not (node.chs or node.inputs or node.produces or node.caps or node.metadata)
                and (size == 1 or len(tenants) < 2)
                and _plain_args(node, angles)
            ):
                continue
        state.index = index
        if node.op not in reads or not _plain_read(state, node):
            check_node(state, node)
    state.index = len(state.graph.nodes)


def _plain_args(node: Node, angles: tuple[str, ...]) -> bool:
    """Whether the arguments are exactly the gate's angles, as finite floats."""
    args = node.args
    if len(args) != len(angles):
        return False
    for name in angles:
        value = args.get(name)
        if type(value) is not float or value - value != 0.0:
            return False
    return True


def _plain_read(state: State, node: Node) -> bool:
    """Takes in a measurement in which nothing can be wrong. False if something may be; then the rules check it."""
    vqs, produces = node.vqs, node.produces
    if len(vqs) != 1 or len(produces) != 1 or node.guard is not None or CAP_MEASURE not in state.settled_caps:
        return False
    if node.args or node.chs or node.inputs or node.caps or node.metadata:
        return False
    qubit, event = vqs[0], produces[0]
    phase = state.qubits.get(qubit, 0)
    if phase < state.usable or event not in state.events or event in state.writers:
        return False
    if phase == LIVE:
        state.qubits[qubit] = MEASURED
    state.writers[event] = state.index
    return True


def check_node(state: State, node: Node) -> None:
    """Checks one node by every rule group. What the node writes, allocates or frees is taken in even where a rule is
    broken, so that one slip is one finding and not one for every node behind it."""
    within = bounds.check_node(state, node)
    op = structure.check_op(state, node)
    if not _all_declared(state, node):
        structure.check_operands(state, node)
        types.check_kinds(state, node)
    if not within:
        state.outsized.add(state.index)
        events.write(state, node, op)
        structure.adopt(state, node)
        return
    if node.inputs or node.produces or node.guard is not None:
        events.check_node(state, node, op)
    if op is None:
        structure.adopt(state, node)
        return
    sized = types.check_operands(state, node, op)
    if node.args or op.params:
        arguments.check_arguments(state, node, op, sized)
    capabilities.check_node(state, node, op)
    firewall.check_node(state, node, op)
    linearity.check_node(state, node, op)


def _all_declared(state: State, node: Node) -> bool:
    """Whether every handle of the node is declared, as the kind of the slot it stands in."""
    qubits, channels, declared = state.qubits, state.channels, state.events
    return (
        all(map(qubits.__contains__, node.vqs))
        and (not node.chs or all(map(channels.__contains__, node.chs)))
        and (not node.produces or all(map(declared.__contains__, node.produces)))
        and (not node.inputs or all(map(declared.__contains__, node.inputs)))
    )
