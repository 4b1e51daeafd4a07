"""One round of syndrome extraction as data, from which every circuit of a code is put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Op = tuple[str, tuple[int, ...]]
"""A Stim gate and its qubits."""


@dataclass(frozen=True)
class Watch:
    """A product of outcomes of one round that errors show up in. ``checks`` count the outcomes of a round in the order
    in which they are measured. ``within`` True: the product is +1 in every round (a relation between the checks); else
    it equals that of the round before. ``data``: the product of these data qubits, read in ``basis``, equals it too."""

    basis: str
    checks: tuple[int, ...]
    data: tuple[int, ...] = ()
    coords: tuple[float, ...] = ()
    within: bool = False


@dataclass(frozen=True)
class Plan:
    """``before``: ops beside the preparation of the data qubits. ``layers``: ops at the same time, each.
    ``observables``: for each basis, the data qubits whose product is a logical operator. ``relations``: for each basis,
    products of checks that are the identity. ``first``: what is certain of the first round where the basis of these is
    prepared, in place of the other watches of the basis: single gauge operators. ``last``: the same of the last round
    and the read-out."""

    data: tuple[int, ...]
    coords: Mapping[int, tuple[float, ...]]
    layers: tuple[tuple[Op, ...], ...]
    watches: tuple[Watch, ...]
    observables: Mapping[str, tuple[tuple[int, ...], ...]]
    relations: Mapping[str, tuple[tuple[int, ...], ...]]
    before: tuple[Op, ...] = ()
    first: tuple[Watch, ...] = ()
    last: tuple[Watch, ...] = ()

    @property
    def outcomes(self) -> int:
        """Measurements of one round."""
        return sum(len(qubits) for layer in self.layers for gate, qubits in layer if gate in ("M", "MX"))

    @property
    def qubits(self) -> int:
        used = {qubit for layer in self.layers for _, qubits in layer for qubit in qubits}
        return len(used | set(self.data))


def layers_of(ops: list[list[Op]]) -> tuple[tuple[Op, ...], ...]:
    """Layers without ops on no qubit."""
    return tuple(tuple((gate, qubits) for gate, qubits in layer if qubits) for layer in ops)
