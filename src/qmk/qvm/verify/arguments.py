"""Checks the arguments of a node against the parameters that its op declares. This is the second half of the QVM-T
rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from qmk.qvm import profile
from qmk.qvm.families import OPS, analog, atoms, dynamics, noise, photonic, script
from qmk.qvm.graph import Node
from qmk.qvm.op import Op, Param
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import State, quote, show
from qmk.qvm.verify.types import (
    ALLOC_COUNT,
    CHANNEL,
    EVOLUTION,
    LIGHT,
    MISSING,
    MODIFIER,
    PAULI,
    PLACES,
    PROFILE,
    RANGE,
    SCRIPT,
    TYPE,
    UNKNOWN,
)

_NUMBERS = ("angle", "float")
_TYPE_TEXT = {
    "angle": "a number of radians",
    "float": "a number",
    "int": "a whole number",
    "bits": "a text of 0 and 1",
    "text": "a text",
    "profile": "a text",
    "pauli": "a text of I, X, Y and Z",
    "gate": "the name of a gate",
    "map": "an object",
    "kraus": "a list of matrices",
    "points": "a list of points",
    "drives": "a list of drives",
    "matrix": "a list of rows",
    "data": "a list or an object",
}


def check_arguments(state: State, node: Node, op: Op, sized: bool) -> None:
    """Checks all arguments of the node. ``sized``: its number of qubits is right, so texts are compared with it."""
    fine = _check_map(state, node, op.name, node.args, op.params)
    special = _SPECIAL.get(op.name)
    if special is not None and fine:
        special(state, node, sized)
    elif fine and sized and "paulis" in node.args:
        _check_paulis(state, node, node.args["paulis"], op.name == "core.mpauli")


def _check_map(state: State, node: Node, owner: str, args: Mapping[str, Any], params: tuple[Param, ...]) -> bool:
    """Checks the arguments in ``args`` against ``params``, and says whether all fit."""
    before = state.findings_count
    known = 0
    for param in params:
        if param.name in args:
            known += 1
            _check_value(state, node, owner, param, args[param.name])
        elif param.required:
            state.add(
                MISSING,
                f"{owner} needs the argument '{param.name}' ({param.doc})",
                node,
                help=f"add '{param.name}': {_TYPE_TEXT[param.kind]}",
            )
    if known != len(args):
        _unknown(state, node, owner, args, params)
    return state.findings_count == before


def _unknown(state: State, node: Node, owner: str, args: Mapping[str, Any], params: tuple[Param, ...]) -> None:
    names = {param.name for param in params}
    meant = {synonym: param.name for param in params for synonym in param.synonyms}
    takes = f"{owner} takes {', '.join(sorted(names))}" if names else f"{owner} takes no arguments"
    for name in args:
        if name not in names:
            help = f"write '{meant[name]}'" if name in meant else takes
            state.add(UNKNOWN, f"{owner} has no argument {quote(name)}", node, help=help)


def _check_value(state: State, node: Node, owner: str, param: Param, value: Any) -> None:
    what = f"the argument '{param.name}' of {owner}"
    if not _has_type(param.kind, value):
        wanted = _TYPE_TEXT[param.kind]
        state.add(TYPE, f"{what} is {wanted}, not {show(value)}", node, help=f"write {wanted}")
        return
    if param.kind in ("angle", "float", "int"):
        _check_number(state, node, what, param, value)
    elif param.choices and value not in param.choices:
        choices = ", ".join(param.choices)
        state.add(RANGE, f"{what} is {show(value)}, but it is one of: {choices}", node, help=f"write {choices}")
    elif param.kind == "profile":
        _check_profile(state, node, value)


def _has_type(kind: str, value: Any) -> bool:
    if kind in _NUMBERS:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "map":
        return isinstance(value, Mapping)
    if kind in ("kraus", "points", "drives", "matrix", "data"):
        return isinstance(value, list) or (kind == "data" and isinstance(value, dict))
    return isinstance(value, str) and (kind != "bits" or not value.strip("01"))


def _check_number(state: State, node: Node, what: str, param: Param, value: int | float) -> None:
    unit = f" {param.unit}" if param.unit else ""
    if param.kind != "int" and not _is_finite(value):
        state.add(RANGE, f"{what} is {show(value)}, not a finite number", node, help="write a finite number")
    elif (param.low is not None and value < param.low) or (param.high is not None and value > param.high):
        if param.high is None:
            allowed = f"at least {param.low:g}{unit}"
        elif param.low is None:
            allowed = f"at most {param.high:g}{unit}"
        else:
            allowed = f"{param.low:g} to {param.high:g}{unit}"
        state.add(RANGE, f"{what} is {show(value)}, but it is {allowed}", node, help=f"write {allowed}")


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def _check_profile(state: State, node: Node, text: str) -> None:
    try:
        note = profile.parse(text).note
    except profile.ProfileError as error:
        state.add(PROFILE, f"the profile {quote(text)} cannot be read: {error}", node)
    else:
        if note and len(state.notes) < 64:
            state.notes[note] = None


def _check_paulis(state: State, node: Node, paulis: str, measured: bool) -> None:
    if paulis.strip("IXYZ") or not paulis:
        state.add(PAULI, f"{quote(paulis)} has letters other than I, X, Y and Z, or none", node)
    elif len(paulis) != len(node.vqs):
        state.add(PAULI, f"{quote(paulis)} has {len(paulis)} letters for {len(node.vqs)} qubits", node)
    elif measured and not paulis.strip("I"):
        help = "name at least one of X, Y, Z, or leave the measurement out: it would always give 0"
        state.add(PAULI, f"{quote(paulis)} measures the identity", node, help=help)


def _check_alloc(state: State, node: Node, sized: bool) -> None:
    n = node.args.get("n")
    if sized and n is not None and n != len(node.vqs):
        state.add(
            ALLOC_COUNT,
            f"n is {show(n)}, but {len(node.vqs)} qubits are listed",
            node,
            help=f"write n={len(node.vqs)}",
        )


def _check_open(state: State, node: Node, _sized: bool) -> None:
    """The 0.1 spelling puts the parameters into an object ``opts``."""
    opts = node.args.get("opts")
    if opts is not None:
        params = tuple(param for param in OPS["channel.open"].params if param.name != "opts")
        _check_map(state, node, "opts of channel.open", opts, params)


def _check_lut(state: State, node: Node, _sized: bool) -> None:
    table, rows = node.args["table"], 1 << min(len(node.inputs), 6)
    if table >= 1 << rows:
        message = f"the table {table} has more than {rows} bits, one per value of {len(node.inputs)} inputs"
        state.add(RANGE, message, node, help=f"write a table of 0 to {(1 << rows) - 1}")


def _check_mod(state: State, node: Node, sized: bool) -> None:
    args = node.args
    gate = OPS.get(f"core.{args['gate']}")
    if gate is None or gate.op_class != "unitary" or gate.vqs.high is None:
        message = f"{quote(args['gate'])} is not the short name of a gate of fixed size"
        state.add(MODIFIER, message, node, help="name a gate of family core, such as 'x' or 'rz'")
        return
    controls = args.get("controls", 0)
    bits = args.get("state")
    if bits is not None and len(bits) != controls:
        state.add(MODIFIER, f"state has {len(bits)} bits for {show(controls)} controls", node)
    if sized and len(node.vqs) != controls + gate.vqs.low:
        total = show(controls + gate.vqs.low)
        message = f"{show(controls)} controls and gate '{gate.short}' take {total} qubits"
        state.add(MODIFIER, f"{message}, but {len(node.vqs)} are listed", node)
    _check_map(state, node, f"gate '{gate.short}' of core.mod", args.get("params", {}), gate.params)


def _check_together(state: State, node: Node, sized: bool) -> None:
    rule, fault = _FAULTS[node.op.partition(".")[0]]
    why = fault(node) if sized else ""
    if why:
        state.add(rule, f"{node.op}: {why}", node)


_FAULTS: dict[str, tuple[Rule, Callable[[Node], str]]] = {
    "noise": (CHANNEL, lambda node: noise.fault(node.op, node.args, len(node.vqs))),
    "analog": (EVOLUTION, lambda node: analog.fault(node.op, node.args, len(node.vqs))),
    "dynamics": (EVOLUTION, lambda node: dynamics.fault(node.args, len(node.vqs))),
    "atoms": (PLACES, lambda node: atoms.fault(node.args, len(node.vqs))),
    "photonic": (LIGHT, lambda node: photonic.fault(node.op, node.args, len(node.vqs), len(node.produces))),
    "script": (SCRIPT, lambda node: script.fault(node.args)),
}
"""By family, the rule that arguments fit together by, and why those of a node do not, or ""."""
_SPECIAL: dict[str, Callable[[State, Node, bool], None]] = {
    "core.alloc": _check_alloc,
    "core.lut": _check_lut,
    "core.mod": _check_mod,
    "channel.open": _check_open,
    **{name: _check_together for name, op in OPS.items() if op.family in _FAULTS},
}
