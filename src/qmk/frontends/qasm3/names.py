"""Names for a written program: legal identifiers, unlike every keyword, gate and each other; registers from handles."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qmk.frontends.openqasm.functions import FUNCTIONS, constants
from qmk.frontends.openqasm.library import QELIB1, RESERVED, STDGATES
from qmk.frontends.openqasm.parser import KEYWORDS

_PART = re.compile(r"(.+)_(0|[1-9]\d{0,6})")

WORDS = frozenset(
    {
        *KEYWORDS,
        *RESERVED,
        *FUNCTIONS[3],
        *constants(3),
        "sizeof",
        "OPENQASM",
        "e",
        "stretch",
        "void",
    }
)
"""Words that the language has a meaning for."""

TAKEN = WORDS | QELIB1.keys() | STDGATES.keys()


class Names:
    """Hands out identifiers."""

    def __init__(self) -> None:
        self._used: set[str] = set(TAKEN)

    def keep(self, name: str) -> bool:
        """Whether ``name`` may be used as it is written, also where a gate has it, as gates are called otherwise."""
        free = name not in WORDS and (name in TAKEN or name not in self._used)
        self._used.add(name)
        return free

    def reserve(self, wanted: str, default: str) -> str:
        """``wanted`` if it may be used, else something close to it."""
        name = re.sub(r"\W", "_", wanted, flags=re.A) or default
        if name[0].isdigit():
            name = default + name
        if name in self._used and name in TAKEN:
            name = f"{name}_"
        base, count = name, 1
        while name in self._used:
            count += 1
            name = f"{base}_{count}"
        self._used.add(name)
        return name


def registers(handles: Iterable[str], names: Names) -> tuple[list[tuple[str, int | None]], dict[str, str]]:
    """Declarations (name, size or None for one qubit) and the spelling of every handle.

    ``q_0 q_1 q_2`` in a row become ``qubit[3] q``; anything else is a qubit of its own.
    """
    declared: list[tuple[str, int | None]] = []
    spelled: dict[str, str] = {}
    ordered = list(handles)
    at = 0
    while at < len(ordered):
        found = _PART.fullmatch(ordered[at])
        size = 0
        if found is not None and found[2] == "0":
            while at + size < len(ordered) and ordered[at + size] == f"{found[1]}_{size}":
                size += 1
        if size and found is not None:
            name = names.reserve(found[1], "q")
            declared.append((name, size))
            spelled.update((ordered[at + k], f"{name}[{k}]") for k in range(size))
            at += size
        else:
            name = names.reserve(ordered[at], "q")
            declared.append((name, None))
            spelled[ordered[at]] = name
            at += 1
    return declared, spelled
