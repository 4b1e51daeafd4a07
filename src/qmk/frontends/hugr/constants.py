"""Constants of a HUGR as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.frontends.hugr.values import Array, boolean, variant
from qmk.frontends.openqasm import logic as lg
from qmk.sdk.frontend import Refused


def constant(given: Any, step: Callable[[int], None]) -> Any:
    """The value of a constant as JSON says it. ``step`` counts the work. Raises Refused for a kind that is not read."""
    step(1)
    kind = given["v"]
    if kind in ("Sum", "Tuple"):
        values = [constant(each, step) for each in given["vs"]]
        return variant(given.get("tag", 0), _rows(given.get("typ")), *values)
    if kind != "Extension":
        raise Refused("HUGR-03", f"a constant of kind {kind!s:.40} is not read")
    name, value = given["value"]["c"], given["value"]["v"]
    match name:
        case "ConstF64":
            return float(value["value"])
        case "ConstRotation":
            return float(value["half_turns"])
        case "ConstInt":
            return int(value["value"]) & (1 << (1 << _log_width(value["log_width"]))) - 1
        case "ConstUsize":
            return int(value) & (1 << 64) - 1
        case "ConstString":
            return str(value)
        case "ConstBool":
            return boolean(lg.constant(value))
        case "ArrayValue" | "BorrowArrayValue" | "array" | "borrow_array":
            return Array(tuple([constant(each, step) for each in value["values"]]))
        case _:
            raise Refused("HUGR-03", f"the constant {name!s:.60} is not read")


def _log_width(given: Any) -> int:
    if not isinstance(given, int) or not 0 <= given <= 6:
        raise Refused("HUGR-03", f"whole numbers of 2^{given!s:.10} bits are not read; they have at most 64")
    return given


def width_of(args: list[Any], at: int = 0) -> int:
    """The bits of the whole numbers that an op is for, as its arguments say."""
    return 1 << _log_width(size_of(args, at))


def size_of(args: list[Any], at: int = 0) -> int:
    """A size among an op's arguments. Raises Refused where it is a variable of a generic function."""
    found = args[at]
    if found["tya"] != "BoundedNat":
        raise Refused("HUGR-03", "a size is open, as in a generic function")
    return int(found["n"])


def _rows(typ: Any) -> int:
    if typ is None:
        return 1
    return int(typ["size"]) if typ["s"] == "Unit" else len(typ["rows"])
