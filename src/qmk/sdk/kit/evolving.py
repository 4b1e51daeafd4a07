"""Which evolutions of the engine kit a method runs."""

from __future__ import annotations

from qmk.ir.lower import lower
from qmk.ir.program import Gate, NoisyEvolution
from qmk.sdk.kit.dynamics_programs import open_evolutions
from qmk.sdk.kit.evolutions import NAMES, Evolution, atom_evolutions, noisy_atom_evolutions
from qmk.sdk.kit.subject import Subject

LARGEST_ERROR = 0.1
"""The largest distance from the exact state that an approximation may state."""


def every_evolution() -> list[Evolution]:
    return [*open_evolutions(), *atom_evolutions(), *noisy_atom_evolutions()]


def runs_evolutions(subject: Subject) -> bool:
    return not subject.can.gates.isdisjoint(NAMES)


def runs_nothing_else(subject: Subject) -> bool:
    return bool(subject.can.gates) and subject.can.gates <= NAMES


def fitting(subject: Subject) -> list[Evolution]:
    """Those that the method declares all of."""
    return [evolution for evolution in every_evolution() if not subject.lacks(evolution.case)]


def probe(subject: Subject) -> Evolution | None:
    """The first that the method runs, where it runs nothing but evolutions."""
    return next(iter(fitting(subject)), None) if runs_nothing_else(subject) else None


def opening(subject: Subject) -> Gate | NoisyEvolution | None:
    """An evolution that the method runs, as it gets it; None: it runs none of the kit's."""
    found = fitting(subject)
    if not found:
        return None
    lowered = lower(found[0].graph(), subject.can.gates)
    return next(item for item in lowered.instructions if isinstance(item, Gate | NoisyEvolution))
