"""Observables as callers write them: ``"0.5*ZZI + XXI"``, ``"Z0 Z1 - 2*X5"``, a mapping, or pairs."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.models.arguments import show
from qmk.models.devices.on_target import OWN
from qmk.qvm import outputs
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import n_qubits

if TYPE_CHECKING:
    from qmk.request.framework_types import FrameworkObservable
    from qmk.request.pauli_sum import Observable
    from qmk.sdk.adapter import PauliSum, Place

ObservableLike: TypeAlias = "str | Mapping[str, float] | Sequence[tuple[str, float]] | Observable | FrameworkObservable"
"""One observable: text, a mapping, pairs, a ``qmk.Observable``, or one of another framework. As text: terms joined by
+ and -, each a factor, ``*`` and a Pauli string, either with one letter a qubit, qubit 0 first (``XIZ``), or with
numbered letters (``X0 Z2``). A number alone is a multiple of the identity."""

_TERM = re.compile(
    r"\s*(?P<sign>[+-])?\s*(?P<factor>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)?\s*(?P<times>\*)?\s*"
    r"(?P<paulis>[INPXYZ]\d+(?:[\s*]*[INPXYZ]\d+)*|[INPXYZ]+)?\s*",
    re.ASCII,
)
_LETTER = re.compile(r"([INPXYZ])(\d+)", re.ASCII)
LETTERS = frozenset("INPXYZ")
"""Paulis, and the photon number N and quadratures X and P of modes of light."""

DIGITS = 9
"""The most digits of a qubit's number in an observable."""


def observables(
    given: ObservableLike | Sequence[ObservableLike],
    n_qubits: int,
    sites: Sites | None = None,
    letters: str = "IXYZ",
    names: Sequence[str] | None = None,
) -> tuple[list[outputs.Observable], bool]:
    """The observables, and whether a single one was given. ``sites``: where they are of sites;
    ``letters``: those that they may have; ``names``: of the qubits, by which observables of frameworks find theirs.

    Raises INVALID_PARAMS naming the term that is wrong, QUOTA_EXCEEDED beyond the limits ``observables`` and
    ``observable_terms``."""
    single = is_one(given)
    if not single and not isinstance(given, (list, tuple)):
        raise _wrong(show(given), f"a {type(given).__name__} is not an observable")
    each = [cast("ObservableLike", given)] if single else list(cast("Sequence[ObservableLike]", given))
    check("observables", len(each))
    each = [one if (sum_ := read_object(one)) is None else place_sum(sum_, names) for one in each]
    rows = [observable(one, n_qubits if sites is None else len(sites)) for one in each]
    for text in (text for row in rows for text, _ in row):
        if foreign := text.strip(letters):
            raise _wrong(text, f"the letter '{foreign[0]}' is none of {', '.join(letters)}")
    rows = rows if sites is None else [tuple((_at_atoms(text, sites), x) for text, x in row) for row in rows]
    check("observable_terms", sum(map(len, rows)))
    return rows, single


def observables_of(
    given: ObservableLike | Sequence[ObservableLike], graph: Graph
) -> tuple[list[outputs.Observable], bool]:
    """``observables`` of a program. Those of an array of atoms with vacant sites number sites, or have a letter for
    each site, as all that is printed of it does."""
    own = own_qubits(graph)
    count = len(own) if OWN in graph.metadata else n_qubits(graph)
    rows, single = observables(given, count, sites_of(graph), outputs.letters_of(graph), own)
    return [widen(row, graph) for row in rows], single


def own_qubits(graph: Graph) -> tuple[str, ...]:
    """The names of the qubits that a caller numbers: those of the program, without others that a device gave it."""
    found = graph.metadata.get(OWN)
    return tuple(map(str, cast("list[object]", found))) if isinstance(found, list) else graph.vqs


def widen(row: outputs.Observable, graph: Graph) -> outputs.Observable:
    """An observable of a caller's own qubits as one of all qubits of the graph."""
    if OWN not in graph.metadata:
        return row
    return tuple((text.ljust(n_qubits(graph), "I"), factor) for text, factor in row)


Sites = tuple[int | None, ...]
"""The qubit at each site of an array of atoms; None: the site is vacant."""


def sites_of(graph: Graph) -> Sites | None:
    """The sites of a program for atoms, where some are vacant; else sites and qubits are the same."""
    told = graph.metadata.get("atoms")
    found: Any = cast("dict[str, Any]", told).get("filling") if isinstance(told, dict) else None
    filling = cast("list[Any]", found) if isinstance(found, list) else []
    if all(filling) or sum(map(bool, filling)) != n_qubits(graph):
        return None
    qubits = itertools.count()
    return tuple(next(qubits) if there else None for there in filling)


def is_one(given: object) -> bool:
    if not isinstance(given, (list, tuple)):
        return isinstance(given, (str, Mapping)) or _pauli_sum(given) is not None or read_object(given) is not None
    rows = cast("Sequence[object]", given)
    return bool(rows) and all(_is_pair(row) for row in rows)


def has_objects(given: object) -> bool:
    """Whether there are observables of other frameworks, which a graph's names of qubits say more of."""
    each: Sequence[object] = cast("Any", given) if isinstance(given, (list, tuple)) else [given]
    return any(read_object(one) is not None for one in each)


def read_object(given: object) -> PauliSum | None:
    """What an object of another framework is as an observable; None for what is none."""
    if given is None or isinstance(given, (str, list, tuple, int, float)) or type(given) is dict:
        return None
    from qmk.circuit.objects import read_observable

    return read_observable(given)


def place_sum(given: PauliSum, names: Sequence[str] | None) -> Observable:
    """An observable of another framework on the qubits with these names; None: its numbers are those of qubits."""
    from qmk.request.pauli_sum import Observable

    index = [_find_qubit(place, names) for place in given.places]
    if len(set(index)) < len(index):
        raise _wrong(f"{given.labels[0]}", "two of its qubits are the same one of the program")
    width = 1 + max(index, default=0)
    if index == list(range(width)):
        return Observable(given.labels, given.factors)
    labels: list[str] = []
    for label in given.labels:
        row = ["I"] * width
        for at, letter in zip(index, label, strict=True):
            row[at] = letter
        labels.append("".join(row))
    return Observable(labels, given.factors)


def _find_qubit(place: Place, names: Sequence[str] | None) -> int:
    found = next((names.index(name) for name in place.names if name in names), None) if names else None
    if found is None and (names is None or not place.names or _are_counted(names)):
        found = place.number
    if found is None:
        raise QmkError(
            "INVALID_PARAMS",
            f"observable: it acts on '{place.names[0]}', and "
            + (f"the program's qubits are {', '.join(names[:6])}" if names else "a qubit by itself has a number only"),
            field="observables",
            help="name qubits of the program; qmk.Observable takes qubits that are numbered from 0",
        )
    return found


def _are_counted(names: Sequence[str]) -> bool:
    """Whether the qubits are those of registers, each from its first element on."""
    counts: dict[str, int] = {}
    for name in names:
        register, _, index = name.rpartition("_")
        if not register or index != str(counts.get(register, 0)):
            return False
        counts[register] = int(index) + 1
    return True


def _pauli_sum(given: object) -> Observable | None:
    """What is given, if it is a ``qmk.Observable``."""
    from qmk.request.pauli_sum import Observable

    return given if isinstance(given, Observable) else None


def _is_pair(row: object) -> bool:
    """A string and something else; two strings are a list of two observables."""
    if not isinstance(row, (tuple, list)):
        return False
    pair = cast("Sequence[object]", row)
    return len(pair) == 2 and isinstance(pair[0], str) and not isinstance(pair[1], (str, list, tuple, Mapping))


def observable(given: ObservableLike, n_qubits: int) -> outputs.Observable:
    """One observable over ``n_qubits`` qubits."""
    if isinstance(given, str):
        return tuple(parse(given, n_qubits))
    if not isinstance(given, (Mapping, list, tuple)) and (found := _pauli_sum(given)) is not None:
        return found.rows(n_qubits)
    rows = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(rows, (list, tuple)) or not rows or not all(map(_is_pair, rows)):
        raise _wrong(show(given), "it is neither text nor pairs of a Pauli string and a number")
    return tuple((read_string(text, n_qubits, text), _factor(factor, text)) for text, factor in rows)


def _factor(given: Any, term: str) -> float:
    try:
        factor = float(given)
    except Exception:  # a caller's own class may raise anything
        raise _wrong(term, f"its factor {show(given)} is not a real number") from None
    if not math.isfinite(factor):
        raise _wrong(term, f"its factor is {factor}; coefficients are finite numbers")
    return factor


def parse(text: str, n_qubits: int) -> list[tuple[str, float]]:
    out: list[tuple[str, float]] = []
    foreign = next((each for each in text if each.isalpha() and each not in LETTERS | {"e", "E"}), "")
    if foreign:
        raise _wrong(text, f"the letter '{foreign}' is none of I, X, Y, Z")
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if (
            found is None
            or found.end() == at
            or not (found["factor"] or found["paulis"])
            or (out and not found["sign"])
        ):
            raise _wrong(text, f"the term at character {at + 1} cannot be read")
        if found["times"] and not (found["factor"] and found["paulis"]):
            raise _wrong(text, f"'*' at character {at + 1} stands between a number and a Pauli string")
        factor = _factor(found["factor"] or 1.0, text) * (-1.0 if found["sign"] == "-" else 1.0)
        out.append((read_string(found["paulis"] or "", n_qubits, text), factor))
        at = found.end()
    if not out:
        raise _wrong(text, "it has no terms")
    return out


def read_string(paulis: str, n_qubits: int, whole: str) -> str:
    """Reads a Pauli string of either form as one letter a qubit. Empty: the identity."""
    if not paulis:
        return "I" * n_qubits
    if not any(letter.isdigit() for letter in paulis):
        if len(paulis) != n_qubits and set(paulis) <= LETTERS:
            count = f"{len(paulis)} letter{'s' * (len(paulis) > 1)}"
            raise _wrong(whole, f"'{paulis[:40]}' has {count}, and the program {n_qubits} qubits")
        if not set(paulis) <= LETTERS:
            raise _wrong(whole, f"'{paulis[:40]}' is not a Pauli string of the program's {n_qubits} qubits")
        return paulis
    letters = ["I"] * n_qubits
    if _LETTER.sub("", paulis).strip(" *\t"):
        raise _wrong(whole, f"'{paulis[:40]}' is not a Pauli string")
    for letter, number in _LETTER.findall(paulis):
        qubit = int(number[: DIGITS + 1])
        if qubit >= n_qubits or len(number) > DIGITS:
            named = number if len(number) <= DIGITS else f"{number[:DIGITS]}..."
            raise _wrong(whole, f"there is no qubit {named}: the program has {n_qubits}, numbered from 0")
        if letters[qubit] != "I":
            raise _wrong(whole, f"qubit {qubit} has two letters in one term")
        letters[qubit] = letter
    return "".join(letters)


def _at_atoms(paulis: str, sites: Sites) -> str:
    """A Pauli string with a letter for each site as one with a letter for each atom."""
    for site, (letter, qubit) in enumerate(zip(paulis, sites, strict=True)):
        if qubit is None and letter != "I":
            raise _wrong(f"{letter}{site}", f"site {site} is vacant: there is no atom to observe")
    return "".join(letter for letter, qubit in zip(paulis, sites, strict=True) if qubit is not None)


def _wrong(text: str, what: str) -> QmkError:
    return QmkError(
        "INVALID_PARAMS",
        f"observable '{text[:80]}': {what}",
        field="observables",
        help=f"write it as {'0.5*ZZI + XXI'} (one letter a qubit, qubit 0 first) or 0.5*Z0 Z1 + X0 X1",
    )
