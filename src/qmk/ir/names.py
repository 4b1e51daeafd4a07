"""The names of gates in other libraries and languages, from the declarations (``Op.names``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from qmk.qvm.families.gates import FIXED_SIZE


@cache
def names(library: str) -> dict[str, str]:
    """Short name of each gate that ``library`` knows, to its name there."""
    return {short: name for short, name, where in _words() if where == library}


def gates_with(word: str) -> frozenset[str]:
    """Short names of the gates that have ``word`` among their names, such as "native"."""
    return frozenset(names(word))


def spellings(libraries: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, short name) for every name of every gate in these libraries, a gate's usual name first."""
    wanted = tuple(libraries)
    return ((name, short) for short, text, where in _words() if where in wanted for name in text.split(","))


@cache
def _words() -> tuple[tuple[str, str, str], ...]:
    """(gate, its name, library), in the order of the declarations."""
    found: list[tuple[str, str, str]] = []
    for op in FIXED_SIZE.values():
        for word in op.names.split():
            library, _, name = word.partition("=")
            found.append((op.short, name or op.short, library))
    return tuple(found)


TURNS: dict[str, tuple[str, str]] = {
    op.name: (op.bases, op.params[0].name)
    for op in FIXED_SIZE.values()
    if len(op.params) == 1 and op.bases in ("X", "Y", "Z")
}
"""Rotations of one qubit: their axis and the name of their angle."""


@cache
def controlled_form(base: str, controls: int) -> str:
    """The gate that is ``base`` under that many controls, "" where none is declared: ("x", 1) is "cnot"."""
    own, own_controls = base_of(base)
    wanted = (f"core.{own}", own_controls + controls)
    found = (op.short for op in FIXED_SIZE.values() if op.base and (op.base, op.controls) == wanted)
    return base if controls == 0 else next(found, "")


def base_of(short: str) -> tuple[str, int]:
    """The gate without its own controls, and how many it has: "toffoli" is ("x", 2)."""
    op = FIXED_SIZE.get(short)
    return (op.base.removeprefix("core."), op.controls) if op is not None and op.controls else (short, 0)
