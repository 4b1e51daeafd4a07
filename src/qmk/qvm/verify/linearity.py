"""QVM-L: qubits and channels are linear. A qubit lives from ALLOC to FREE, a channel from open to close, on every
path through the program; between the two it has one owner and stands in one operand slot at a time.

A measured qubit stays alive in the eigenstate it was measured in. ``strict=True`` is for programs that mean to measure
once: there a measured qubit may only be reset or freed, and what is left behind at the end is an error.
"""

from __future__ import annotations

from qmk.qvm.graph import Node
from qmk.qvm.op import NONE, Op
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import (
    CLOSED,
    DECLARED,
    FREED,
    LIVE,
    MEASURED,
    MODE,
    OPEN,
    OTHER_KIND,
    UNOPENED,
    State,
    join_names,
    quote,
)
from qmk.qvm.verify.types import CARRIER

BEFORE_ALLOC = Rule(
    "QVM-L01",
    "qubit used before it is allocated",
    "An ALLOC stands before every use of a qubit, FREE included.",
    "allocate the qubit first",
)
DOUBLE_ALLOC = Rule(
    "QVM-L02",
    "qubit allocated twice",
    "A qubit is allocated when it is not alive: at first, or after a FREE.",
    "free the qubit first, reset it instead, or use another name",
)
AFTER_FREE = Rule(
    "QVM-L03",
    "qubit used after it is freed",
    "After a FREE a name means nothing until it is allocated again.",
    "move the FREE behind the last use, or allocate the qubit again",
)
DOUBLE_FREE = Rule(
    "QVM-L04",
    "qubit freed twice",
    "A qubit is freed once for each time it is allocated.",
    "remove one of the FREEs",
)
REPEATED = Rule(
    "QVM-L05",
    "same operand twice",
    "One node takes a qubit or a channel in one operand slot only.",
    "use a different qubit or channel in each slot",
)
UNOPENED_CHANNEL = Rule(
    "QVM-L06",
    "channel used before it is opened",
    "An open stands before every use of a channel, close included.",
    "open the channel first",
)
AFTER_CLOSE = Rule(
    "QVM-L07",
    "channel used after it is closed",
    "A closed channel means nothing until it is opened again.",
    "move the close behind the last use, or open the channel again",
)
CLOSED_TWICE = Rule(
    "QVM-L08",
    "channel closed twice",
    "A channel is closed once for each time it is opened.",
    "remove one of the closes",
)
OPENED_TWICE = Rule(
    "QVM-L09",
    "channel opened twice",
    "A channel is opened when it is not open.",
    "close the channel first, or use another name",
)
GUARDED = Rule(
    "QVM-L10",
    "guard on an op that may not depend on events",
    "ALLOC, FREE, channel and policy ops run on every path, else nobody could say which handles are alive. "
    "(A guarded fence is allowed: it is a fence whether the guard holds or not.) Noise on qubits strikes on every path "
    "too: the time passes, whatever is done in it.",
    "take the guard off; guard the gates, measurements or resets in between",
)
LEAKED = Rule(
    "QVM-L11",
    "qubit neither freed nor measured",
    "A qubit that is alive at the end is released then. One that was never measured either may be a slip.",
    "free the qubit when the program is done with it",
    "warning",
)
MEASURED_USE = Rule(
    "QVM-L12",
    "measured qubit used again",
    "Only with strict=True: after its measurement a qubit is reset or freed, nothing else.",
    "reset the qubit first, or verify without strict",
)
CHANNEL_LEFT_OPEN = Rule(
    "QVM-L13",
    "channel never closed",
    "A channel that is open at the end is closed then.",
    "close the channel when the program is done with it",
    "warning",
)

RULES = (
    BEFORE_ALLOC, DOUBLE_ALLOC, AFTER_FREE, DOUBLE_FREE, REPEATED, UNOPENED_CHANNEL, AFTER_CLOSE, CLOSED_TWICE,
    OPENED_TWICE, GUARDED, LEAKED, MEASURED_USE, CHANNEL_LEFT_OPEN,
)  # fmt: skip

_UNGUARDABLE = ("lifecycle", "channel", "metadata")
_REVIVING = ("core.reset", "magic.inject_t", "atoms.reload")
LOOKING = ("atoms.check",)
"""Measurements that leave the qubit alone."""
_BOTH = ("core.barrier", "core.fence", "policy.set")
"""Ops that act on qubits and modes alike."""
_PASSIVE = ("hint", "fence", "metadata", "noise")
"""Classes of ops that no program does to a qubit on purpose: it has to be alive, but it may have been measured."""


def check_node(state: State, node: Node, op: Op) -> None:
    if node.guard is not None and (op.op_class in _UNGUARDABLE or _is_error(op)):
        state.add(GUARDED, f"{op.name} has a guard", node)
    if len(node.vqs) > 1 and len(set(node.vqs)) != len(node.vqs):
        _report_repeats(state, node, node.vqs)
    if len(node.chs) > 1 and len(set(node.chs)) != len(node.chs):
        _report_repeats(state, node, node.chs)
    if not node.vqs:
        pass
    elif op.name == "core.alloc":
        _allocate(state, node)
    elif op.name == "core.free":
        _free(state, node)
    else:
        _use(state, node, op)
    if node.chs:
        _channels(state, node, op)


def _is_error(op: Op) -> bool:
    return op.op_class == "noise" and op.vqs != NONE


def _report_repeats(state: State, node: Node, handles: tuple[str, ...]) -> None:
    seen: set[str] = set()
    repeats: dict[str, None] = {}
    for name in handles:
        if name in seen:
            repeats[name] = None
        seen.add(name)
    state.add(REPEATED, f"{join_names(list(repeats))} stands in more than one operand slot of {quote(node.op)}", node)


def _phases(state: State, name: str) -> dict[str, int]:
    """The table that holds the phase of a qubit. Undeclared ones have a table of their own, so that they are followed
    as well without slowing down the lookup of declared ones; channels and events among them are the types' business."""
    if name not in state.qubits:
        other_kind = name in state.channels or name in state.events
        state.strays.setdefault(name, OTHER_KIND if other_kind else DECLARED)
        return state.strays
    return state.qubits


def _allocate(state: State, node: Node) -> None:
    for name in dict.fromkeys(node.vqs):
        phases = _phases(state, name)
        if phases[name] >= MEASURED or phases[name] == MODE:
            state.add(DOUBLE_ALLOC, f"the qubit {quote(name)} is already allocated", node)
        phases[name] = MODE if node.args.get("carrier") == "mode" else LIVE


def _free(state: State, node: Node) -> None:
    for name in dict.fromkeys(node.vqs):
        phases = _phases(state, name)
        if phases[name] == DECLARED:
            state.misused.add(name)
            state.add(BEFORE_ALLOC, f"the qubit {quote(name)} is freed before it is allocated", node)
        elif phases[name] == FREED:
            state.add(DOUBLE_FREE, f"the qubit {quote(name)} is freed twice", node)
        else:
            phases[name] = FREED


def _use(state: State, node: Node, op: Op) -> None:
    """Checks every op but ALLOC and FREE: its qubits must be alive."""
    for name in node.vqs:
        phase = _phases(state, name)[name]
        if phase in (LIVE, MEASURED, MODE) and (op.family == "photonic") != (phase == MODE) and op.name not in _BOTH:
            kind, wanted = ("a mode of light", "qubits") if phase == MODE else ("a qubit", "modes of light")
            state.add(CARRIER, f"{quote(name)} is {kind}, and {op.name} acts on {wanted}", node)
        if phase in (LIVE, OTHER_KIND, MODE):
            continue
        if phase == DECLARED:
            state.misused.add(name)
            state.add(BEFORE_ALLOC, f"the qubit {quote(name)} is used before it is allocated", node)
        elif phase == FREED:
            state.add(AFTER_FREE, f"the qubit {quote(name)} is used after it is freed", node)
        elif state.strict and op.name not in (*_REVIVING, *LOOKING) and op.op_class not in _PASSIVE:
            state.add(MEASURED_USE, f"the qubit {quote(name)} is used after it is measured", node)
    if op.op_class == "measure" and op.name not in LOOKING:
        _move(state, node, LIVE, MEASURED)
    elif op.name in _REVIVING and state.strict and node.guard is None:
        _move(state, node, MEASURED, LIVE)


def _move(state: State, node: Node, before: int, after: int) -> None:
    for name in node.vqs:
        phases = _phases(state, name)
        if phases[name] == before:
            phases[name] = after


def _channels(state: State, node: Node, op: Op) -> None:
    channels = state.channels
    effect = op.channel_effect
    for name in dict.fromkeys(node.chs):
        phase = channels.get(name)
        if phase is None:
            continue
        if effect == "open":
            if phase == OPEN:
                state.add(OPENED_TWICE, f"the channel {quote(name)} is already open", node)
            channels[name] = OPEN
        elif phase == UNOPENED:
            state.misused.add(name)
            state.add(UNOPENED_CHANNEL, f"the channel {quote(name)} is used before it is opened", node)
        elif phase == CLOSED:
            rule, verb = (CLOSED_TWICE, "closed twice") if effect == "close" else (AFTER_CLOSE, "used after its close")
            state.add(rule, f"the channel {quote(name)} is {verb}", node)
        elif effect == "close":
            channels[name] = CLOSED


def check_end(state: State) -> None:
    leaked = [name for name, phase in state.qubits.items() if phase == LIVE]
    if leaked:
        state.add(LEAKED, f"never measured or freed, released at the end: {join_names(leaked)}")
    left = [name for name, phase in state.channels.items() if phase == OPEN]
    if left:
        state.add(CHANNEL_LEFT_OPEN, f"never closed, closed at the end: {join_names(left)}")
