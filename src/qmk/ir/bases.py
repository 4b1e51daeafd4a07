"""Bases of measurement: which Pauli strings the same shots can answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from qmk.qvm.outputs import Observable

LOOK = 256
"""Newest bases that a string is tried with."""


class Basis(msgspec.Struct):
    """A basis of measurement: a letter X, Y or Z for each qubit that it measures. ``strings`` are those that it
    answers."""

    letters: dict[int, str] = {}
    strings: list[str] = []

    def takes(self, text: dict[int, str]) -> bool:
        return all(self.letters.get(qubit, letter) == letter for qubit, letter in text.items())


def bases(observables: Sequence[Observable]) -> list[Basis]:
    """Bases that answer every Pauli string but the identity, found greedily: strings that agree on each qubit on which
    both act share one."""
    found: list[Basis] = []
    for paulis in dict.fromkeys(text for observable in observables for text, _ in observable):
        text = {qubit: letter for qubit, letter in enumerate(paulis) if letter != "I"}
        if not text:
            continue
        home = next((basis for basis in found[-LOOK:] if basis.takes(text)), None)
        if home is None:
            found.append(home := Basis())
        home.letters.update(text)
        home.strings.append(paulis)
    return found
