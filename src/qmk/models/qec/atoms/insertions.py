"""What the loss of an atom does, as Pauli errors of even chance in the circuit in which nothing is lost.

A gate that does not happen, its atom being gone, is the gate with an atom there that it does nothing to: one in |0>
where the atom is a control (or of CZ, or read as 0), one in |+> where it is the target of CNOT. So a lost atom is one
that is set to |0> before each gate that asks for its Z, and to |+> before each that asks for its X; setting it again to
what it is changes nothing. Against the circuit without losses, whose atom is in no state of its own, setting to |0> is
X with probability 1/2, and setting to |+> is Z with probability 1/2.

A flag says that an atom was lost, not when: each moment has the weight of its chance, given that it was lost.
"""

from __future__ import annotations

from typing import NamedTuple

from qmk.models.qec.atoms.steps import Event, Life


class Insertion(NamedTuple):
    """The Pauli error ``pauli`` on an atom right before ``step``, with probability ``p`` if the atom is lost."""

    step: int
    qubit: int
    pauli: str
    p: float


def chance(life: Life) -> float:
    """That the atom of this life is lost."""
    kept = 1.0
    for event in life.events:
        kept *= 1 - event.p
    return 1 - kept


def insertions(life: Life) -> list[Insertion]:
    """Errors of this life given that its atom is lost; each place once."""
    total, kept = chance(life), 1.0
    found: dict[tuple[int, str], float] = {}
    for index, event in enumerate(life.events):
        if event.kind == "loss":
            weight = kept * event.p / total
            kept *= 1 - event.p
            for step, pauli in _errors_after_loss(life, life.events[index + 1 :]):
                found[step, pauli] = found.get((step, pauli), 0.0) + weight / 2
    return [Insertion(step, life.qubit, pauli, p) for (step, pauli), p in sorted(found.items())]


def _errors_after_loss(life: Life, events: list[Event]) -> list[tuple[int, str]]:
    """Where errors stand if the atom is lost right before ``events``."""
    places: list[tuple[int, str]] = []
    definite = ""
    for event in events:
        if event.kind == "H":
            definite = {"Z": "X", "X": "Z", "": ""}[definite]
        elif event.kind in ("Z", "X") and event.kind != definite:
            definite = event.kind
            places.append((event.step, "X" if definite == "Z" else "Z"))
    if life.replaced:
        places += [(life.end, "Z")] if definite == "Z" else [(life.end, "X"), (life.end, "Z")]
    return places
