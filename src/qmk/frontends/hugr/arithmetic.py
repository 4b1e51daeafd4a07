"""Ops on bits, whole numbers, floats and rotations."""

from __future__ import annotations

from typing import Any

from qmk.frontends.hugr.constants import size_of, width_of
from qmk.frontends.hugr.machine import Call, Machine
from qmk.frontends.hugr.tree import Node
from qmk.frontends.hugr.values import boolean, truth, variant
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.qir.values import bits_of, number

_INTEGERS = {
    "iadd": "add",
    "isub": "sub",
    "imul": "mul",
    "iand": "and",
    "ior": "or",
    "ixor": "xor",
    "ishl": "shl",
    "ishr": "lshr",
    "idiv_u": "udiv",
    "imod_u": "urem",
}
"""Ops on two whole numbers, as the arithmetic that QIR shares names them. Division with signs rounds otherwise there,
and is not read."""


def _integer(op: str) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        one, other = given
        return [machine.arithmetic.integer(op, width_of(node.args), one, other)]

    return call


def _divide(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    width = width_of(node.args)
    return [machine.arithmetic.integer(op, width, *given) for op in ("udiv", "urem")]


def _from_zero(op: str, first: int) -> Call:
    """``op`` of a number that is known by its bits in 64, and the one that is given."""

    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        width = width_of(node.args)
        return [machine.arithmetic.integer(op, width, first & (1 << width) - 1, given[0])]

    return call


def _bit(machine: Machine, found: Any) -> list[Any]:
    return [boolean(machine.arithmetic.truth(found))]


def _compare(predicate: str) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        return _bit(machine, machine.arithmetic.compare(predicate, width_of(node.args), *given))

    return call


def _compare_floats(predicate: str) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        return _bit(machine, machine.arithmetic.compare_floats(predicate, *given))

    return call


def _floating(op: str) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        return [machine.arithmetic.floating(op, *given)]

    return call


def _widen(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [machine.arithmetic.convert("sext", width_of(node.args, 1), width_of(node.args), given[0])]


def _to_float(op: str) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        return [machine.arithmetic.convert(op, 64, width_of(node.args), given[0])]

    return call


def _logic(name: str) -> Call:
    """A function of bits, from the left."""

    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        logic = machine.builder.logic
        act = {"And": logic.both, "Or": logic.either, "Xor": logic.differ, "Eq": logic.differ}[name]
        bits = [machine.arithmetic.known_bit(truth(value)) for value in given]
        found = bits[0]
        for bit in bits[1:]:
            found = act(found, bit)
        machine.step(16)
        return [boolean(lg.negate(found) if name == "Eq" else found)]

    return call


def _not(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [boolean(lg.negate(truth(given[0])))]


def _from_bool(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [number([truth(given[0])])]


def _to_bool(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [boolean(bits_of(given[0], 1)[0])]


def _load(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [size_of(node.args)]


def _same(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return given


def _some(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [variant(1, 2, given[0])]


def _integers() -> dict[str, Call]:
    found = {name: _integer(op) for name, op in _INTEGERS.items()}
    found |= {f"i{name}": _compare(name) for name in ("eq", "ne")}
    for name in ("lt", "le", "gt", "ge"):
        found |= {f"i{name}_u": _compare(f"u{name}"), f"i{name}_s": _compare(f"s{name}")}
    found |= {"idivmod_u": _divide, "ineg": _from_zero("sub", 0), "inot": _from_zero("xor", (1 << 64) - 1)}
    return found | {"iwiden_u": _same, "iwiden_s": _widen, "iu_to_s": _same, "is_to_u": _same}


OPS: dict[str, Call] = {
    **{f"arithmetic.int.{name}": op for name, op in _integers().items()},
    **{f"arithmetic.float.{name}": _floating(name) for name in ("fadd", "fsub", "fmul", "fdiv", "fneg")},
    **{f"arithmetic.float.f{name}": _compare_floats(f"o{name}") for name in ("eq", "lt", "le", "gt", "ge")},
    "arithmetic.float.fne": _compare_floats("une"),
    "arithmetic.conversions.ifrombool": _from_bool,
    "arithmetic.conversions.itobool": _to_bool,
    "arithmetic.conversions.itousize": _same,
    "arithmetic.conversions.ifromusize": _same,
    "arithmetic.conversions.convert_u": _to_float("ui_to_fp"),
    "arithmetic.conversions.convert_s": _to_float("si_to_fp"),
    "prelude.load_nat": _load,
    **{f"logic.{name}": _logic(name) for name in ("And", "Or", "Xor", "Eq")},
    "logic.Not": _not,
    **{f"tket.bool.{name.lower()}": _logic(name) for name in ("And", "Or", "Xor", "Eq")},
    "tket.bool.not": _not,
    "tket.bool.read": _same,
    "tket.bool.make_opaque": _same,
    "tket.rotation.from_halfturns": _some,
    "tket.rotation.from_halfturns_unchecked": _same,
    "tket.rotation.to_halfturns": _same,
    "tket.rotation.radd": _floating("fadd"),
}
"""By extension and name."""
