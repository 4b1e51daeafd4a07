"""What engines must know of an evolution, whatever its family."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from qmk.qvm.families import analog, dynamics
from qmk.qvm.op import Args

OPEN = "dynamics.evolve"


def is_noisy(name: str, args: Args) -> bool:
    """Whether evolution ``name`` may end in more than one state."""
    return dynamics.is_open(args) if name == OPEN else analog.is_noisy(name, args)


def noise_kinds(name: str, args: Args) -> frozenset[str]:
    """Kinds of noise that a method needs for it, as ``Capabilities.noise`` names them."""
    if name == OPEN:
        unlike = not alike(msgspec.convert(args, dynamics.Model))
        kinds = {"open": dynamics.is_open(args), "mixed": dynamics.starts_mixed(args), "subsystems": unlike}
        return frozenset(kind for kind, needed in kinds.items() if needed)
    return frozenset(("levels",) * (name == "analog.rydberg3") + ("analog",) * analog.has_noise(args))


def alike(model: dynamics.Model) -> bool:
    """Whether a model of several subsystems of two levels is the same for every order of them: exchanging two
    neighbours, or moving all by one, changes no more than the order of its terms."""
    n = len(model.levels)
    if set(model.levels) != {2} or n < 2:
        return False
    orders = ([1, 0, *range(2, n)], [*range(1, n), 0])
    sums = [model.hamiltonian, *model.observables.values()]
    return all(
        all(_terms(terms, order) == _terms(terms, range(n)) for terms in sums)
        and _rows(model, order) == _rows(model, range(n))
        for order in orders
    )


def _terms(terms: tuple[dynamics.Term, ...], order: Any) -> Counter[Any]:
    return Counter((term.factor, term.time, _factors(term, order)) for term in terms)


def _factors(term: dynamics.Term, order: Any) -> tuple[Any, ...]:
    """The factors in the order of their subsystems, those on one as they are."""
    moved = [(tuple(order[k] for k in dynamics.subsystems(part.on)), part.op, part.entries) for part in term.of]
    return tuple(sorted(moved, key=lambda part: part[0]))


def _rows(model: dynamics.Model, order: Any) -> Counter[Any]:
    """Collapse operators and initial states; subsystems of which nothing is said are in level 0."""
    rows = [(row.rate, row.time, frozenset(_terms(row.operator, order).items())) for row in model.collapse]
    moved = {tuple(order[k] for k in dynamics.subsystems(start.on)): start for start in model.initial}
    starts = {on: msgspec.structs.replace(start, on=0) for on, start in moved.items()}
    held = {k for on in starts for k in on}
    starts |= {(k,): dynamics.Start(on=0, level=0) for k in range(len(model.levels)) if k not in held}
    return Counter([*rows, *starts.items()])
