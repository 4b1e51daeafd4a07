"""QVM-E: events are written once and read after they are written.

List order is program order, so an event that is read above its writer can never be there in time. Where events wait for
each other in a ring, no order of the nodes could help, and the finding says so.
"""

from __future__ import annotations

from qmk.qvm.graph import Guard, Node
from qmk.qvm.op import Op
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import State, join_names, quote, show

UNKNOWN_EVENT = Rule(
    "QVM-E01",
    "undeclared event",
    "Every event in `inputs` and `produces` stands in `resources.events`.",
    "add the event to resources.events",
)
WRITTEN_TWICE = Rule(
    "QVM-E02",
    "event written twice",
    "An event is written by one slot of one node.",
    "give each write an event of its own; core.lut merges them into one where needed",
)
READ_EARLY = Rule(
    "QVM-E03",
    "event read before it is written",
    "A node that reads an event stands behind the node that writes it.",
    "move the node behind the one that writes the event",
)
CYCLE = Rule(
    "QVM-E04",
    "cycle of events",
    "No event depends on itself, neither directly nor through guards and inputs of other nodes.",
    "break the ring: one of these nodes must not read the event",
)
GUARD_EVENT = Rule(
    "QVM-E05",
    "guard on an unknown event",
    "Every event in a guard stands in `resources.events`.",
    "add the event to resources.events, or guard on an event that exists",
)
GUARD_VALUE = Rule(
    "QVM-E06",
    "guard value out of range",
    "A guard compares with 0 or 1; with 0 to 3 for the two-bit event of a Bell measurement.",
    "compare with a value that the event can have",
)
GUARD_FORM = Rule(
    "QVM-E07",
    "malformed guard",
    "A guard is `eq` with an event, or `and`/`or` with at least one condition; nothing besides.",
    "write {event, equals} or {type: and|or, conditions: [...]}",
)
NEVER_WRITTEN = Rule(
    "QVM-E08",
    "event read but never written",
    "Some node writes every event that is read.",
    "write the event with a measurement or core.lut, or remove the read",
)

RULES = (UNKNOWN_EVENT, WRITTEN_TWICE, READ_EARLY, CYCLE, GUARD_EVENT, GUARD_VALUE, GUARD_FORM, NEVER_WRITTEN)


def check_node(state: State, node: Node, op: Op | None) -> None:
    """Takes the node's reads before its writes: a node that reads its own event reads it too early."""
    if node.inputs:
        for event in node.inputs:
            if event in state.events:
                _read(state, node, event)
            elif event not in state.qubits and event not in state.channels:
                _unknown(state, node, event)
    if node.guard is not None:
        _check_guard(state, node, node.guard)
    if node.produces:
        write(state, node, op)


def _unknown(state: State, node: Node, event: str) -> None:
    message = f"the event {quote(event)} is not declared"
    state.add(UNKNOWN_EVENT, message, node, help=f"add {quote(event)} to resources.events")


def _read(state: State, node: Node, event: str) -> None:
    if event not in state.writers:
        state.late_reads.append((state.index, node, event))


def write(state: State, node: Node, op: Op | None) -> None:
    writers, index = state.writers, state.index
    for event in node.produces:
        if event in writers:
            before = state.graph.nodes[writers[event]].id
            other = "this node too" if writers[event] == index else f"node {quote(before)}"
            state.add(WRITTEN_TWICE, f"the event {quote(event)} is already written by {other}", node)
        elif event in state.events:
            writers[event] = index
        elif event not in state.qubits and event not in state.channels:
            _unknown(state, node, event)
    if op is not None and op.name == "core.mbell" and len(node.produces) == 1:
        state.wide.add(node.produces[0])


def _check_guard(state: State, node: Node, guard: Guard) -> None:
    """Checks a guard. Its bounds have been checked, so the recursion is at most ``LIMITS.guard_depth`` deep."""
    if guard.type == "eq":
        if guard.conditions or not guard.event:
            wrong = "has conditions as well" if guard.conditions else "names no event"
            state.add(GUARD_FORM, f"a guard of type 'eq' {wrong}", node)
        elif guard.event not in state.events:
            state.add(GUARD_EVENT, f"the guard reads {quote(guard.event)}, which is not a declared event", node)
        else:
            _read(state, node, guard.event)
            most = 3 if guard.event in state.wide else 1
            if not 0 <= guard.value <= most:
                message = f"the guard compares {quote(guard.event)} with {show(guard.value)}, but it is 0 to {most}"
                state.add(GUARD_VALUE, message, node)
        return
    if guard.type not in ("and", "or") or not guard.conditions or guard.event:
        wrong = "has no conditions" if not guard.conditions else "names an event as well"
        state.add(GUARD_FORM, f"a guard of type {quote(guard.type)} {wrong}", node)
    for condition in guard.conditions:
        _check_guard(state, node, condition)


def check_end(state: State) -> None:
    """Judges the reads that found no writer above them. Linear in the graph, and free when there were none."""
    if not state.late_reads:
        return
    nodes = state.graph.nodes
    ring = _rings(state)
    for index, node, event in state.late_reads:
        writer = state.writers.get(event)
        if writer is None:
            state.add(NEVER_WRITTEN, f"no node writes the event {quote(event)}", node, index=index)
        elif writer == index:
            state.add(CYCLE, f"the node reads {quote(event)}, which it writes itself", node, index=index)
        elif writer in ring and ring[writer] is ring.get(index):
            members = join_names([nodes[member].id for member in ring[writer][:9]])
            state.add(CYCLE, f"the nodes {members} wait for each other's events", node, index=index)
        else:
            writer_id = quote(nodes[writer].id)
            message = f"the event {quote(event)} is read here but written later, by node {writer_id}"
            state.add(READ_EARLY, message, node, index=index, help=f"move this node behind {writer_id}")


def _rings(state: State) -> dict[int, list[int]]:
    """Node index to the ring of nodes that wait for each other's events which it is in: the strongly connected
    components of two or more nodes (Tarjan 1972, without recursion), as far as a late read leads to them."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    waiting: list[int] = []
    on_stack: set[int] = set()
    rings: dict[int, list[int]] = {}
    for root, _, _ in state.late_reads:
        path: list[tuple[int, list[int]]] = []
        follow = root if root not in order else -1
        while follow >= 0 or path:
            if follow >= 0:
                order[follow] = low[follow] = len(order)
                waiting.append(follow)
                on_stack.add(follow)
                path.append((follow, _waits_for(state, follow)))
                follow = -1
            index, writers = path[-1]
            if writers:
                writer = writers.pop()
                if writer not in order:
                    follow = writer
                elif writer in on_stack:
                    low[index] = min(low[index], order[writer])
                continue
            path.pop()
            if path:
                parent = path[-1][0]
                low[parent] = min(low[parent], low[index])
            if low[index] == order[index]:
                _close_ring(index, waiting, on_stack, rings)
    return rings


def _waits_for(state: State, index: int) -> list[int]:
    """The nodes that write what node ``index`` reads."""
    node = state.graph.nodes[index]
    guard = node.guard.events() if node.guard is not None and index not in state.outsized else ()
    return [state.writers[event] for event in (*node.inputs, *guard) if event in state.writers]


def _close_ring(index: int, waiting: list[int], on_stack: set[int], rings: dict[int, list[int]]) -> None:
    ring: list[int] = []
    while not ring or ring[-1] != index:
        ring.append(waiting.pop())
        on_stack.discard(ring[-1])
    if len(ring) > 1:
        ring.sort()
        rings.update(dict.fromkeys(ring, ring))
