"""Gates and bit expressions as OpenQASM 3 text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from qmk.frontends.openqasm.defined import definitions, number, spelling
from qmk.qvm.families.gates import FIXED_SIZE


def angles(gate: str, args: Mapping[str, Any]) -> str:
    """``(0.5, pi)`` or nothing."""
    names = _params(gate)
    return f"({', '.join(number(args[name]) for name in names)})" if names else ""


@cache
def _params(gate: str) -> tuple[str, ...]:
    return tuple(param.name for param in FIXED_SIZE[gate].params)


def write_modified(args: Mapping[str, Any]) -> tuple[str, str]:
    """A ``core.mod``: its text up to the operands, and the gate it needs defined ("" for none)."""
    gate = str(args["gate"])
    params: Mapping[str, Any] = args.get("params") or {}
    name = "u_exact" if gate == "u" else spelling(gate)
    controls = args.get("controls", 0)
    state = args.get("state") or "1" * controls
    parts: list[str] = []
    for value, run in groupby(state):
        count = len(list(run))
        word = "ctrl" if value == "1" else "negctrl"
        parts.append(word if count == 1 else f"{word}({count})")
    power = float(args.get("power", 1.0))
    if power != 1:
        parts.append(f"pow({int(power) if power == int(power) and abs(power) < 2**53 else repr(power)})")
    return " @ ".join([*parts, f"{name}{angles(gate, params)}"]), name if name in definitions() else ""


def exclusive_or(bits: Sequence[str]) -> str:
    return " ^ ".join(bits)


def expression(table: int, inputs: Sequence[str]) -> str:
    """A truth table over named bits as a bit expression: Shannon expansion, with and, or, xor where they fit."""
    if not inputs:
        return '"1"' if table & 1 else '"0"'
    width = len(inputs)
    half = 1 << (width - 1)
    mask = (1 << half) - 1
    low, high = table & mask, table >> half & mask
    rest, last = inputs[:-1], inputs[-1]
    if low == high:
        return expression(low, rest)
    if high == low ^ mask:
        if low in (0, mask):
            return last if low == 0 else f"~{last}"
        return f"({expression(low, rest)} ^ {last})"
    if low == 0:
        return _join("&", last, high, rest, mask)
    if high == 0:
        return _join("&", f"~{last}", low, rest, mask)
    if high == mask:
        return f"({last} | {expression(low, rest)})"
    if low == mask:
        return f"(~{last} | {expression(high, rest)})"
    return f"(({last} & {expression(high, rest)}) | (~{last} & {expression(low, rest)}))"


def _join(op: str, literal: str, table: int, rest: Sequence[str], mask: int) -> str:
    return literal if table == mask else f"({literal} {op} {expression(table, rest)})"
