"""Python's statements: constants, arithmetic, comparisons, lists, slices. Numbers are known when the program is read;
truth values may be measured."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from qmk.frontends.kirin.rules import Refused
from qmk.frontends.kirin.run import Frame, Run
from qmk.frontends.kirin.units import Statement
from qmk.frontends.kirin.values import (
    Cursor,
    Either,
    Measured,
    Parity,
    Truth,
    bounded,
    number,
    sequence,
    settled,
    shown,
    truth,
    whole,
)
from qmk.frontends.openqasm import logic as lg

PY, ILIST, FUNC = "kirin.dialects.py", "kirin.dialects.ilist.stmts", "kirin.dialects.func.stmts"
BITS = 256
"""of a whole number while it is computed"""

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv, "Mod": operator.mod,
    "FloorDiv": operator.floordiv, "Pow": operator.pow, "LShift": operator.lshift, "RShift": operator.rshift,
    "BitAnd": operator.and_, "BitOr": operator.or_, "BitXor": operator.xor,
}  # fmt: skip
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "Eq": operator.eq, "NotEq": operator.ne, "Lt": operator.lt, "Gt": operator.gt, "LtE": operator.le,
    "GtE": operator.ge,
}  # fmt: skip
MATH: dict[str, Callable[[float], Any]] = {
    name: getattr(math, name)
    for name in [
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "exp",
        "log",
        "log2",
        "log10",
        "sqrt",
        "fabs",
        "floor",
        "ceil",
        "trunc",
    ]
}
Made = tuple[Any, ...]
MEASURED = (Truth, Measured, Parity, Either)


def arithmetic(name: str, a: Any, b: Any) -> Any:
    if name in ("BitAnd", "BitOr", "BitXor") and (isinstance(a, Truth) or isinstance(b, Truth)):
        raise Refused("KIRIN-05", f"{name} of a measured truth value", "use and, or, not, == of truth values")
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        return joined(name, a, b)
    for value in (a, b):
        if isinstance(value, MEASURED):
            raise Refused("KIRIN-05", f"{name} of {shown(value)}; numbers must be known when the program is read")
        if not isinstance(value, (int, float)):
            raise Refused("KIRIN-04", f"{name} of {shown(value)}")
    if name == "Pow" and isinstance(a, int) and isinstance(b, int) and abs(b) * max(1, a.bit_length()) > BITS:
        raise Refused("KIRIN-08", f"a power beyond {BITS} bits")
    if name == "LShift" and isinstance(b, int) and b > BITS:
        raise Refused("KIRIN-08", f"a shift beyond {BITS} bits")
    try:
        found = BINARY[name](a, b)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise Refused("KIRIN-04", f"{name}: {error}") from error
    if isinstance(found, complex) or (isinstance(found, int) and found.bit_length() > BITS):
        raise Refused("KIRIN-08", f"{name} gives a number beyond {BITS} bits, or a complex one")
    return found


def joined(name: str, a: Any, b: Any) -> Any:
    """Lists put together or repeated."""
    if name == "Add":
        left, right = sequence(a, "a summand"), sequence(b, "a summand")
        bounded(len(left) + len(right))
        whole_list = [*left, *right]
        return whole_list if isinstance(a, list) or isinstance(b, list) else tuple(whole_list)
    if name == "Mult":
        times, rows = (whole(b, "a factor"), a) if isinstance(a, (list, tuple)) else (whole(a, "a factor"), b)
        bounded(len(rows) * max(0, times))
        return rows * times
    raise Refused("KIRIN-04", f"{name} of lists")


def binary(run: Run, frame: Frame, of: Statement) -> Made:
    return (arithmetic(of.name[1], run.arg(frame, of, "lhs"), run.arg(frame, of, "rhs")),)


def unary(run: Run, frame: Frame, of: Statement) -> Made:
    value, name = run.arg(frame, of, "value"), of.name[1]
    if name == "Not":
        return (settled(lg.negate(truth(value))),)
    if name == "Invert":
        return (~whole(value, "what is inverted"),)
    checked = value if isinstance(value, int) else number(value, "a number")
    return ({"UAdd": checked, "USub": -checked, "Abs": abs(checked)}[name],)


def compared(run: Run, frame: Frame, of: Statement) -> Made:
    a, b, name = run.arg(frame, of, "lhs"), run.arg(frame, of, "rhs"), of.name[1]
    if isinstance(a, (Truth, Parity)) or isinstance(b, (Truth, Parity)):
        if name not in ("Eq", "NotEq", "Is", "IsNot") or not all(isinstance(v, (Truth, Parity, bool)) for v in (a, b)):
            raise Refused(
                "KIRIN-05", f"{name} of a measured truth value and {shown(b)}", "compare truth values with =="
            )
        differ = run.builder.logic.differ(truth(a), truth(b))
        return (settled(differ if name in ("NotEq", "IsNot") else lg.negate(differ)),)
    if isinstance(a, (Measured, Either)) or isinstance(b, (Measured, Either)):
        raise Refused("KIRIN-05", f"{name} of {shown(a)} and {shown(b)}", "ask is_one, is_zero or is_lost of it")
    if name in ("Is", "IsNot"):
        return (((a is b) or (isinstance(a, bool) and a == b)) == (name == "Is"),)
    if name in ("In", "NotIn"):
        return ((a in sequence(b, "a list")) == (name == "In"),)
    try:
        return (bool(COMPARED[name](a, b)),)
    except TypeError as error:
        raise Refused("KIRIN-04", f"{name} of {shown(a)} and {shown(b)}") from error


def both(run: Run, frame: Frame, of: Statement) -> Made:
    a, b = truth(run.arg(frame, of, "lhs")), truth(run.arg(frame, of, "rhs"))
    logic = run.builder.logic
    return (settled(logic.both(a, b) if of.name[1] == "And" else logic.either(a, b)),)


def constant(run: Run, frame: Frame, of: Statement) -> Made:
    return (run.attribute(of, "value"),)


def item(run: Run, frame: Frame, of: Statement) -> Made:
    rows, index = sequence(run.arg(frame, of, "obj"), "what is indexed"), run.arg(frame, of, "index")
    if isinstance(index, slice):
        found = rows[index]
        return (list(found) if isinstance(found, range) else found,)
    at = whole(index, "an index")
    if not -len(rows) <= at < len(rows):
        raise Refused("KIRIN-04", f"index {at} is outside a list of {len(rows)}")
    return (rows[at],)


def cut(run: Run, frame: Frame, of: Statement) -> Made:
    parts = [run.arg(frame, of, name) for name in ("start", "stop", "step")]
    bounds = [None if part is None else whole(part, "the bound of a slice") for part in parts]
    if bounds[2] == 0:
        raise Refused("KIRIN-04", "a slice of step 0")
    return (slice(*bounds),)


def made_range(run: Run, frame: Frame, of: Statement) -> Made:
    start, stop, step = (whole(run.arg(frame, of, name), f"a range's {name}") for name in ("start", "stop", "step"))
    if step == 0:
        raise Refused("KIRIN-04", "a range of step 0")
    return (range(start, stop, step),)


def collected(run: Run, frame: Frame, of: Statement) -> Made:
    values = run.args(frame, of)
    return (tuple(values) if of.name[0].endswith("tuple") else values,)


def pushed(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "lst"), "a list")
    bounded(len(rows) + 1)
    return ([*rows, run.arg(frame, of, "value")],)


def length(run: Run, frame: Frame, of: Statement) -> Made:
    return (len(sequence(run.arg(frame, of, "value"), "what len counts")),)


def total(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "value"), "what sum adds")
    bounded(len(rows))
    found: Any = 0
    for value in rows:
        found = arithmetic("Add", found, value)
    return (found,)


def quantified(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "collection"), "a list")
    bounded(len(rows))
    bits = [truth(value) for value in rows]
    if of.name[1] == "All":
        return (settled(run.builder.logic.all(bits)),)
    return (settled(lg.negate(run.builder.logic.all(lg.negate(bit) for bit in bits))),)


def unpacked(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "value"), "what is unpacked")
    if len(rows) != len(of.results):
        raise Refused("KIRIN-04", f"{len(rows)} values are unpacked into {len(of.results)} names")
    return tuple(rows)


def started(run: Run, frame: Frame, of: Statement) -> Made:
    return (Cursor(iter(sequence(run.arg(frame, of, "value"), "what is iterated"))),)


def advanced(run: Run, frame: Frame, of: Statement) -> Made:
    cursor = run.arg(frame, of, "iter")
    if not isinstance(cursor, Cursor):
        raise Refused("KIRIN-04", f"next of {shown(cursor)}")
    return (next(cursor.items, None),)


def elementary(run: Run, frame: Frame, of: Statement) -> Made:
    """Functions of the dialect math, which also holds pow and atan2."""
    given, name = [number(value, f"an argument of {of.name[1]}") for value in run.args(frame, of)], of.name[1]
    try:
        if name in ("pow", "atan2"):
            return ((math.pow if name == "pow" else math.atan2)(*given),)
        return (MATH[name](*given),)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise Refused("KIRIN-04", f"{name}: {error}") from error


def passed(run: Run, frame: Frame, of: Statement) -> Made:
    """What is named or asserted to have a type is the value itself."""
    return (run.args(frame, of)[0],)


def nothing(run: Run, frame: Frame, of: Statement) -> Made:
    return (None,) if of.results else ()


def claimed(run: Run, frame: Frame, of: Statement) -> Made:
    if lg.known(truth(run.args(frame, of)[0])) is not True:
        raise Refused("KIRIN-04", "an assertion fails, or depends on a measurement")
    return ()


Handler = Callable[[Run, Frame, Statement], Made]
HANDLERS: dict[tuple[str, str], Handler] = {
    **{(f"{PY}.binop.stmts", name): binary for name in BINARY},
    **{(f"{PY}.unary.stmts", name): unary for name in ("UAdd", "USub", "Not", "Invert")},
    **{(f"{PY}.cmp.stmts", name): compared for name in (*COMPARED, "Is", "IsNot", "In", "NotIn")},
    **{(f"{PY}.boolop", name): both for name in ("And", "Or")},
    **{("kirin.dialects.math.stmts", name): elementary for name in (*MATH, "pow", "atan2")},
    (f"{PY}.builtin", "Abs"): unary,
    (f"{PY}.builtin", "Sum"): total,
    (f"{PY}.constant", "Constant"): constant,
    (FUNC, "ConstantNone"): nothing,
    (f"{PY}.indexing", "GetItem"): item,
    (f"{PY}.slice", "Slice"): cut,
    (f"{PY}.range", "Range"): made_range,
    (f"{PY}.len", "Len"): length,
    (f"{PY}.tuple", "New"): collected,
    (f"{PY}.list.stmts", "New"): collected,
    (f"{PY}.unpack", "Unpack"): unpacked,
    (f"{PY}.iterable", "Iter"): started,
    (f"{PY}.iterable", "Next"): advanced,
    (f"{PY}.assign", "Alias"): passed,
    (f"{PY}.assign", "TypeAssert"): passed,
    (f"{PY}.assertion", "Assert"): claimed,
    ("kirin.dialects.debug", "Info"): nothing,
    (ILIST, "New"): collected,
    (ILIST, "Push"): pushed,
    (ILIST, "Range"): made_range,
    (ILIST, "Any"): quantified,
    (ILIST, "All"): quantified,
}
