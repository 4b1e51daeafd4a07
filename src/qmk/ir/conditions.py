"""Conditions on classical bits as expressions: building with constants folded, substitution, affine form.

A condition is a ``Cond`` of ``ir.program`` or a plain bool when it is constant. Pure Python: lowering runs in the
daemon's process too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qmk.base.errors import QmkError
from qmk.ir.program import Cond

Expression = Cond | bool

MAX_TERMS = 4096
"""Largest condition (leaves and connectives) that substitution of event logic may grow to."""


def bit(cbit: int) -> Cond:
    return ("bit", cbit)


def negate(cond: Expression) -> Expression:
    if isinstance(cond, bool):
        return not cond
    return cond[1] if cond[0] == "not" else ("not", cond)


def conj(parts: Iterable[Expression]) -> Expression:
    """All of ``parts``; nested conjunctions are flattened and repeats dropped."""
    return _junction("and", False, parts)


def disj(parts: Iterable[Expression]) -> Expression:
    """Any of ``parts``."""
    return _junction("or", True, parts)


def _junction(kind: str, absorbing: bool, parts: Iterable[Expression]) -> Expression:
    kept: dict[Cond, None] = {}
    for part in parts:
        if isinstance(part, bool):
            if part is absorbing:
                return absorbing
        elif part[0] == kind:
            kept.update(dict.fromkeys(part[1:]))
        else:
            kept[part] = None
    if not kept:
        return not absorbing
    return (kind, *kept) if len(kept) > 1 else next(iter(kept))


def parity(parts: Iterable[Expression]) -> Expression:
    """Exclusive or of ``parts``: equal terms cancel, negations and constants move into one outer negation."""
    odd: dict[Cond, None] = {}
    flip = False

    def add(part: Expression) -> None:
        nonlocal flip
        if isinstance(part, bool):
            flip ^= part
        elif part[0] == "not":
            flip = not flip
            add(part[1])
        elif part[0] == "xor":
            for inner in part[1:]:
                add(inner)
        elif part in odd:
            del odd[part]
        else:
            odd[part] = None

    for part in parts:
        add(part)
    if not odd:
        return flip
    body: Cond = ("xor", *odd) if len(odd) > 1 else next(iter(odd))
    return negate(body) if flip else body


def select(chooser: Expression, when_true: Expression, when_false: Expression) -> Expression:
    """``when_true`` where ``chooser`` holds, else ``when_false``."""
    if when_true == when_false:
        return when_true
    if when_true == negate(when_false):
        return parity((chooser, when_false))
    if when_true is True:
        return disj((chooser, when_false))
    if when_false is True:
        return disj((negate(chooser), when_true))
    return disj((conj((chooser, when_true)), conj((negate(chooser), when_false))))


def truth_table(table: int, inputs: Sequence[Expression]) -> Expression:
    """The expression of bit ``sum(inputs[i] << i)`` of ``table``, by Shannon expansion from the last input."""
    if not inputs:
        return bool(table & 1)
    half = 1 << (len(inputs) - 1)
    low, high = table & ((1 << half) - 1), (table >> half) & ((1 << half) - 1)
    when_false = truth_table(low, inputs[:-1])
    if low == high:
        return when_false
    return select(inputs[-1], truth_table(high, inputs[:-1]), when_false)


def cbits(cond: Cond) -> frozenset[int]:
    """Every cbit that ``cond`` reads."""
    if cond[0] == "bit":
        return frozenset((cond[1],))
    return frozenset[int]().union(*(cbits(part) for part in cond[1:]))


def size(cond: Expression) -> int:
    """Leaves and connectives of ``cond``."""
    if isinstance(cond, bool) or cond[0] == "bit":
        return 1
    return 1 + sum(size(part) for part in cond[1:])


def substitute(cond: Cond, meaning: Mapping[int, Expression]) -> Expression:
    """Replaces every cbit of ``cond`` that ``meaning`` knows by its expression."""
    kind = cond[0]
    if kind == "bit":
        return meaning.get(cond[1], cond)
    parts = [substitute(part, meaning) for part in cond[1:]]
    if kind == "not":
        return negate(parts[0])
    return {"and": conj, "or": disj, "xor": parity}[kind](parts)


def limit_terms(cond: Expression, what: str) -> Expression:
    """Gives ``cond``. Raises UNSUPPORTED when it has more than ``MAX_TERMS`` terms."""
    terms = size(cond)
    if terms > MAX_TERMS:
        raise QmkError(
            "UNSUPPORTED",
            f"{what}: the event logic expands to {terms} terms, more than {MAX_TERMS}; "
            "choose an engine that computes event logic itself",
            terms=terms,
            limit=MAX_TERMS,
        )
    return cond


Affine = tuple[frozenset[int], bool]
"""The exclusive or of some cbits and a constant."""


def affine(cond: Expression, forms: Mapping[int, Affine | None]) -> Affine | None:
    """``cond`` over GF(2) where it is affine, else None. ``forms`` gives the forms of computed cbits."""
    if isinstance(cond, bool):
        return frozenset(), cond
    kind = cond[0]
    if kind == "bit":
        return forms.get(cond[1], (frozenset((cond[1],)), False))
    if kind == "not":
        inner = affine(cond[1], forms)
        return None if inner is None else (inner[0], not inner[1])
    if kind != "xor":
        return None
    terms: frozenset[int] = frozenset()
    flip = False
    for part in cond[1:]:
        form = affine(part, forms)
        if form is None:
            return None
        terms, flip = terms ^ form[0], flip ^ form[1]
    return terms, flip
