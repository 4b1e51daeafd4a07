"""Python's statements: constants, arithmetic, comparisons, lists, slices. Numbers are known when the program is read;
truth values may be measured."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from qmk.frontends.kirin.run import Frame, Run
from qmk.frontends.kirin.units import Statement
from qmk.frontends.kirin.values import (
    Cursor,
    Either,
    Measured,
    Parity,
    Truth,
    check_length,
    is_list,
    number,
    sequence,
    show,
    to_value,
    truth,
    whole,
)
from qmk.frontends.openqasm import logic as lg
from qmk.sdk.frontend import Refused

PY, ILIST, FUNC = "kirin.dialects.py", "kirin.dialects.ilist.stmts", "kirin.dialects.func.stmts"
BITS = 256
"""The most bits of a whole number while it is computed."""

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(operator, function)
    for name, function in {
        "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "Mod": "mod", "FloorDiv": "floordiv", "Pow": "pow",
        "LShift": "lshift", "RShift": "rshift", "BitAnd": "and_", "BitOr": "or_", "BitXor": "xor",
    }.items()
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
        return join(name, a, b)
    for value in (a, b):
        if isinstance(value, MEASURED):
            raise Refused("KIRIN-05", f"{name} of {show(value)}; numbers must be known when the program is read")
        if not isinstance(value, (int, float)):
            raise Refused("KIRIN-04", f"{name} of {show(value)}")
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


def join(name: str, a: Any, b: Any) -> Any:
    """Lists put together or repeated."""
    if name == "Add":
        left, right = sequence(a, "a summand"), sequence(b, "a summand")
        check_length(len(left) + len(right))
        whole_list = [*left, *right]
        return whole_list if isinstance(a, list) or isinstance(b, list) else tuple(whole_list)
    if name == "Mult":
        times, rows = (whole(b, "a factor"), a) if is_list(a) else (whole(a, "a factor"), b)
        check_length(len(rows) * max(0, times))
        return rows * times
    raise Refused("KIRIN-04", f"{name} of lists")


def binary(run: Run, frame: Frame, of: Statement) -> Made:
    return (arithmetic(of.name[1], run.arg(frame, of, "lhs"), run.arg(frame, of, "rhs")),)


def unary(run: Run, frame: Frame, of: Statement) -> Made:
    value, name = run.arg(frame, of, "value"), of.name[1]
    if name == "Not":
        return (to_value(lg.negate(truth(value))),)
    if name == "Invert":
        return (~whole(value, "what is inverted"),)
    checked = value if isinstance(value, int) else number(value, "a number")
    return ({"UAdd": checked, "USub": -checked, "Abs": abs(checked)}[name],)


def compare(run: Run, frame: Frame, of: Statement) -> Made:
    a, b, name = run.arg(frame, of, "lhs"), run.arg(frame, of, "rhs"), of.name[1]
    if isinstance(a, (Truth, Parity)) or isinstance(b, (Truth, Parity)):
        if name not in ("Eq", "NotEq", "Is", "IsNot") or not all(isinstance(v, (Truth, Parity, bool)) for v in (a, b)):
            raise Refused("KIRIN-05", f"{name} of a measured truth value and {show(b)}", "compare truth values with ==")
        differ = run.builder.logic.differ(truth(a), truth(b))
        return (to_value(differ if name in ("NotEq", "IsNot") else lg.negate(differ)),)
    if isinstance(a, (Measured, Either)) or isinstance(b, (Measured, Either)):
        raise Refused("KIRIN-05", f"{name} of {show(a)} and {show(b)}", "ask is_one, is_zero or is_lost of it")
    if name in ("Is", "IsNot"):
        return (((a is b) or (isinstance(a, bool) and a == b)) == (name == "Is"),)
    if name in ("In", "NotIn"):
        return ((a in sequence(b, "a list")) == (name == "In"),)
    try:
        return (bool(COMPARED[name](a, b)),)
    except TypeError as error:
        raise Refused("KIRIN-04", f"{name} of {show(a)} and {show(b)}") from error


def combine(run: Run, frame: Frame, of: Statement) -> Made:
    a, b = truth(run.arg(frame, of, "lhs")), truth(run.arg(frame, of, "rhs"))
    logic = run.builder.logic
    return (to_value(logic.both(a, b) if of.name[1] == "And" else logic.either(a, b)),)


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


def make_slice(run: Run, frame: Frame, of: Statement) -> Made:
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


def collect(run: Run, frame: Frame, of: Statement) -> Made:
    values = run.args(frame, of)
    return (tuple(values) if of.name[0].endswith("tuple") else values,)


def push(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "lst"), "a list")
    check_length(len(rows) + 1)
    return ([*rows, run.arg(frame, of, "value")],)


def length(run: Run, frame: Frame, of: Statement) -> Made:
    return (len(sequence(run.arg(frame, of, "value"), "what len counts")),)


def total(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "value"), "what sum adds")
    check_length(len(rows))
    found: Any = 0
    for value in rows:
        found = arithmetic("Add", found, value)
    return (found,)


def quantify(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "collection"), "a list")
    check_length(len(rows))
    bits = [truth(value) for value in rows]
    if of.name[1] == "All":
        return (to_value(run.builder.logic.all(bits)),)
    return (to_value(lg.negate(run.builder.logic.all(lg.negate(bit) for bit in bits))),)


def unpack(run: Run, frame: Frame, of: Statement) -> Made:
    rows = sequence(run.arg(frame, of, "value"), "what is unpacked")
    if len(rows) != len(of.results):
        raise Refused("KIRIN-04", f"{len(rows)} values are unpacked into {len(of.results)} names")
    return tuple(rows)


def start(run: Run, frame: Frame, of: Statement) -> Made:
    return (Cursor(iter(sequence(run.arg(frame, of, "value"), "what is iterated"))),)


def advance(run: Run, frame: Frame, of: Statement) -> Made:
    cursor = run.arg(frame, of, "iter")
    if not isinstance(cursor, Cursor):
        raise Refused("KIRIN-04", f"next of {show(cursor)}")
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


def pass_through(run: Run, frame: Frame, of: Statement) -> Made:
    """What is named or asserted to have a type is the value itself."""
    return (run.args(frame, of)[0],)


def do_nothing(run: Run, frame: Frame, of: Statement) -> Made:
    return (None,) if of.results else ()


def check_assertion(run: Run, frame: Frame, of: Statement) -> Made:
    if lg.constant_of(truth(run.args(frame, of)[0])) is not True:
        raise Refused("KIRIN-04", "an assertion fails, or depends on a measurement")
    return ()


Handler = Callable[[Run, Frame, Statement], Made]
HANDLERS: dict[tuple[str, str], Handler] = {
    **{(f"{PY}.binop.stmts", name): binary for name in BINARY},
    **{(f"{PY}.unary.stmts", name): unary for name in ("UAdd", "USub", "Not", "Invert")},
    **{(f"{PY}.cmp.stmts", name): compare for name in (*COMPARED, "Is", "IsNot", "In", "NotIn")},
    **{(f"{PY}.boolop", name): combine for name in ("And", "Or")},
    **{("kirin.dialects.math.stmts", name): elementary for name in (*MATH, "pow", "atan2")},
    (f"{PY}.builtin", "Abs"): unary,
    (f"{PY}.builtin", "Sum"): total,
    (f"{PY}.constant", "Constant"): constant,
    (FUNC, "ConstantNone"): do_nothing,
    (f"{PY}.indexing", "GetItem"): item,
    (f"{PY}.slice", "Slice"): make_slice,
    (f"{PY}.range", "Range"): made_range,
    (f"{PY}.len", "Len"): length,
    (f"{PY}.tuple", "New"): collect,
    (f"{PY}.list.stmts", "New"): collect,
    (f"{PY}.unpack", "Unpack"): unpack,
    (f"{PY}.iterable", "Iter"): start,
    (f"{PY}.iterable", "Next"): advance,
    (f"{PY}.assign", "Alias"): pass_through,
    (f"{PY}.assign", "TypeAssert"): pass_through,
    (f"{PY}.assertion", "Assert"): check_assertion,
    ("kirin.dialects.debug", "Info"): do_nothing,
    (ILIST, "New"): collect,
    (ILIST, "Push"): push,
    (ILIST, "Range"): made_range,
    (ILIST, "Any"): quantify,
    (ILIST, "All"): quantify,
}
