"""QVM-C: what a program needs, what it declares, and what the session that submits it holds.

The session is asked, never the program: what ``caps`` says of itself can only narrow what the program may do.
"""

from __future__ import annotations

from qmk.qvm.families import CAPABILITIES
from qmk.qvm.graph import Node
from qmk.qvm.op import Op
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import State, quote

UNDECLARED = Rule(
    "QVM-C01",
    "capability needed but not declared",
    "A program that lists `caps` lists every capability its ops need. A program without a list needs what its ops "
    "need; then only the session decides.",
    "add the capability to caps",
)
NOT_HELD = Rule(
    "QVM-C02",
    "capability not held by the session",
    "The session holds every capability that the program needs or declares. Measuring needs CAP_MEASURE of the "
    "session without being declared.",
    "ask for the capability when negotiating the session, or ask the operator to grant it",
)
UNKNOWN = Rule(
    "QVM-C03",
    "unknown capability",
    "`caps` holds known capability tokens; others have no effect.",
    f"known capabilities: {', '.join(CAPABILITIES)}",
    "warning",
)

RULES = (UNDECLARED, NOT_HELD, UNKNOWN)

_KNOWN = frozenset(CAPABILITIES)


def check_node(state: State, node: Node, op: Op) -> None:
    """Checks the capabilities of the op and of the node's own list."""
    if node.caps or op.session_cap not in state.settled_caps:
        to_declare = [cap for cap in (op.cap, *node.caps) if cap]
        for cap in dict.fromkeys((*to_declare, op.session_cap)):
            if cap:
                _judge(state, node, op, cap, cap in to_declare)


def _judge(state: State, node: Node, op: Op, cap: str, to_declare: bool) -> None:
    if cap not in _KNOWN:
        state.add(UNKNOWN, f"{quote(cap)} is not a capability", node)
        return
    state.needed_caps.add(cap)
    declared = not to_declare or not state.declared_caps or cap in state.declared_caps
    held = state.held_caps is None or cap in state.held_caps
    if not declared:
        state.add(UNDECLARED, f"{op.name} needs {cap}, which caps does not list", node, help=f"add {cap} to caps")
    if not held:
        state.add(NOT_HELD, f"{op.name} needs {cap}, which the session does not hold", node)
    if declared and held and cap == op.session_cap:
        state.settled_caps.add(cap)


def check_end(state: State) -> None:
    """Checks the capabilities that the program declares and no node needs."""
    for cap in sorted(state.declared_caps - _KNOWN):
        state.add(UNKNOWN, f"caps lists {quote(cap)}, which is not a capability", index=-1)
    if state.held_caps is not None:
        for cap in sorted((state.declared_caps & _KNOWN) - state.needed_caps - state.held_caps):
            state.add(NOT_HELD, f"caps asks for {cap}, which the session does not hold", index=-1)
