"""QVM-B: every bound of ``base.limits`` that applies to a graph. Checked first, so that no later rule meets a graph,
a guard or a text without end."""

from __future__ import annotations

from typing import Any, cast

from qmk.base.limits import LIMITS, TABLE
from qmk.qvm.graph import Guard, Node
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import State, quote
from qmk.qvm.verify.types import RANGE


def _rule(number: int, limit: str, title: str, help: str) -> Rule:
    return Rule(f"QVM-B{number:02}", title, f"Limit `{limit}`: {TABLE[limit].doc}.", help)


NODES = _rule(1, "nodes", "too many nodes", "split the program into several jobs")
QUBITS = _rule(2, "qubits", "too many qubits", "free qubits and allocate the same names again")
EVENTS = _rule(3, "events", "too many events or output bits", "split the program into several jobs")
CHANNELS = _rule(4, "channels", "too many channels", "close channels and open the same names again")
OPERANDS = _rule(5, "operands", "too many operands", "use several nodes")
GUARD_DEPTH = _rule(6, "guard_depth", "guard nested too deeply", "combine the events with core.lut first")
GUARD_CONDITIONS = _rule(7, "guard_conditions", "too many conditions in a guard", "combine events with core.lut first")
NAME = _rule(8, "name_chars", "name too long", "use a shorter name")
TEXT = _rule(9, "text_chars", "text too long", "shorten the text, or keep it outside the program")
ARGS = _rule(10, "args_entries", "too many arguments", "remove the arguments that the op does not have")
DEPTH = _rule(11, "json_depth", "value nested too deeply", "flatten the value")

RULES = (NODES, QUBITS, EVENTS, CHANNELS, OPERANDS, GUARD_DEPTH, GUARD_CONDITIONS, NAME, TEXT, ARGS, DEPTH)


def _exceeds(state: State, rule: Rule, limit: str, asked: int, what: str, node: Node | None = None) -> bool:
    """Adds a finding if ``asked`` is over the limit, and says whether it was."""
    row = TABLE[limit]
    if asked <= row.value:
        return False
    state.add(rule, f"{what}: {asked} {row.unit}, but at most {row.value} are allowed (limit '{limit}')", node)
    return True


def check_graph(state: State) -> bool:
    """Checks the sizes of the whole graph. False if it is too large to examine further."""
    graph = state.graph
    outputs = graph.outputs or ()
    over = [
        _exceeds(state, NODES, "nodes", len(graph.nodes), "the program"),
        _exceeds(state, QUBITS, "qubits", len(graph.vqs), "resources.vqs"),
        _exceeds(state, EVENTS, "events", len(graph.events), "resources.events"),
        _exceeds(state, EVENTS, "events", len(outputs) + sum(len(o.bits) for o in outputs), "outputs"),
        _exceeds(state, CHANNELS, "channels", len(graph.chs), "resources.chs"),
        _exceeds(state, ARGS, "args_entries", len(graph.caps), "caps"),
        _exceeds(state, ARGS, "args_entries", len(graph.families), "families"),
    ]
    if any(over):
        return False
    if max([len(node.id) for node in graph.nodes], default=0) > LIMITS.name_chars:
        for index, node in enumerate(graph.nodes):
            state.index = index
            _exceeds(state, NAME, "name_chars", len(node.id), "the node's id", node)
        state.index = -1
    for names in (graph.vqs, graph.chs, graph.events, graph.caps, graph.families, [o.name for o in outputs]):
        check_names(state, names)
    check_value(state, graph.metadata, "metadata")
    return True


def check_names(state: State, names: tuple[str, ...] | list[str]) -> None:
    """Checks the lengths of declared names."""
    if names and max(map(len, names)) > LIMITS.name_chars:
        for name in names:
            _exceeds(state, NAME, "name_chars", len(name), f"the name {quote(name)}")


def check_node(state: State, node: Node) -> bool:
    """Checks the sizes of one node. False if its operands, arguments or guard are too large to examine further."""
    operands = len(node.vqs) + len(node.chs) + len(node.inputs) + len(node.produces) + len(node.caps)
    fine = operands <= state.most_operands or _check_slots(state, node)
    if node.args:
        if _exceeds(state, ARGS, "args_entries", len(node.args), "args", node):
            return False
        fine = check_value(state, node.args, "args", node) and fine
    if node.metadata:
        check_value(state, node.metadata, "metadata", node)
    return (node.guard is None or check_guard(state, node, node.guard)) and fine


def _check_slots(state: State, node: Node) -> bool:
    slots = ("vqs", "chs", "inputs", "produces", "caps")
    over = [_exceeds(state, OPERANDS, "operands", len(getattr(node, slot)), slot, node) for slot in slots]
    return not any(over)


def check_guard(state: State, node: Node, guard: Guard) -> bool:
    """Checks the depth and size of a guard without recursion, and says whether both are within bounds."""
    if guard.type == "eq":
        return True
    conditions, depth, level = 0, 0, [guard]
    deepest, most = LIMITS.guard_depth, LIMITS.guard_conditions
    while level and depth <= deepest and conditions <= most:
        depth += 1
        conditions += len(level)
        level = [condition for parent in level for condition in parent.conditions]
    if depth > deepest:
        _exceeds(state, GUARD_DEPTH, "guard_depth", depth, "guard", node)
    if conditions > most:
        _exceeds(state, GUARD_CONDITIONS, "guard_conditions", conditions, "guard", node)
    return depth <= deepest and conditions <= most


def _has_no_form(item: Any) -> bool:
    """Whether a number is none of JSON, or beyond the 64 bits of the binary form."""
    return (type(item) is int and not -(1 << 63) <= item < 1 << 64) or (type(item) is float and item - item != 0)


def check_value(state: State, value: Any, what: str, node: Node | None = None) -> bool:
    """Checks nesting and text sizes inside a JSON value without recursion, and says whether all are within bounds."""
    if not value:
        return True
    longest, deepest = LIMITS.text_chars, LIMITS.json_depth
    level: list[Any] = [value]
    depth = 0
    fine = True
    while level:
        depth += 1
        if depth > deepest:
            _exceeds(state, DEPTH, "json_depth", depth, what, node)
            return False
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if len(item) > longest:
                    fine = not _exceeds(state, TEXT, "text_chars", len(item), f"a text in {what}", node)
            elif isinstance(item, dict):
                entries = cast("dict[Any, Any]", item)
                below.extend(entries)
                below.extend(entries.values())
            elif isinstance(item, (list, tuple)):
                below.extend(cast("list[Any]", item))
            elif what == "metadata" and _has_no_form(item):
                state.add(RANGE, f"{what} holds {item!r:.40}", node, help="keep numbers finite and within 64 bits")
                fine = False
        level = below
    return fine
