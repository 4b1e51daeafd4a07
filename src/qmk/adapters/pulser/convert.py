"""From ``pulser.Sequence`` to Pulser's abstract representation, which QMK reads."""

from __future__ import annotations

from typing import Any

from pulser import Sequence

from qmk.circuit.objects import not_a_program
from qmk.sdk.adapter import cannot


def read(program: object, params: Any) -> bytes:
    """The abstract representation of a ``pulser.Sequence``. Raises UNSUPPORTED for another object of Pulser's, or for a
    sequence that Pulser itself cannot write."""
    if not isinstance(program, Sequence):
        raise not_a_program("pulser", program, "give the pulser.Sequence")
    try:
        return program.to_abstract_repr().encode()
    except Exception as error:  # Pulser has many kinds of errors, and none for this
        fix = "make it so that to_abstract_repr() writes it"
        raise cannot("pulser", f"it has no abstract representation: {error}", "the sequence", fix) from error
