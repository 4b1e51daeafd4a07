"""The flat form that engines run: a verified graph with handles resolved to indexes.

``sdk.lower.lower(graph, gates)`` makes it. Every instruction names qubits by index and classical bits ("cbits") by
index. A cbit is written by at most one instruction, and reads as 0 in a shot where that instruction did not run.
Gate names are the short names of family ``core`` ("h", "cnot", "rz", "mod"); matrices come from the op's declaration
(``qmk.qvm.families.OPS["core.h"].matrix(args)``), first operand = most significant bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Cond = tuple[Any, ...]
"""A condition on cbits, as nested tuples:

``("bit", cbit)`` the cbit is 1; ``("not", c)``; ``("and", c, ...)``; ``("or", c, ...)``; ``("xor", c, ...)``.
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """A unitary. ``params`` are the op's angles in declaration order; ``args`` holds the args of ops that take more
    than angles ("mod", "paulirot"), else it is empty."""

    name: str
    qubits: tuple[int, ...]
    params: tuple[float, ...] = ()
    cond: Cond | None = None
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """Projective Z measurement of ``qubit`` into ``cbit``."""

    qubit: int
    cbit: int
    cond: Cond | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Send ``qubit`` to |0>."""

    qubit: int
    cond: Cond | None = None


@dataclass(frozen=True, slots=True)
class Logic:
    """``cbit`` = bit ``sum(inputs[i] << i)`` of ``table``."""

    table: int
    inputs: tuple[int, ...]
    cbit: int
    cond: Cond | None = None


@dataclass(frozen=True, slots=True)
class PauliNoise:
    """``qubit`` suffers an X, Y or Z with these probabilities, in every shot by a die of its own. It writes no cbit and
    stands under no condition. A method that runs it declares ``noise`` "pauli"."""

    qubit: int
    x: float
    y: float
    z: float

    @property
    def chances(self) -> tuple[float, float, float, float]:
        """Of no error, X, Y and Z."""
        return (1.0 - (self.x + self.y + self.z), self.x, self.y, self.z)


@dataclass(frozen=True, slots=True)
class Barrier:
    """No effect on meaning; an engine may ignore it."""

    qubits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fence(Barrier):
    """The end of epoch ``epoch`` (from 1), for every branch: here a run can be stopped, saved and rewound. To an engine
    without ``Capabilities.fences`` it is a barrier."""

    epoch: int = 0


Instruction = Gate | Measure | Reset | Logic | Barrier


@dataclass(frozen=True, slots=True)
class Register:
    """One printed register: cbit indexes left to right, -1 for a constant 0. ``descending``: highest index first."""

    name: str
    cbits: tuple[int, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """``events`` maps an event to its cbits (one; two for a one-event Bell measurement: phase, parity).

    ``post`` is event logic that no instruction needs: ``sdk.execute`` computes it from the samples, so an engine
    leaves those columns 0. ``notes`` go into the result's provenance.
    """

    n_qubits: int
    n_cbits: int
    instructions: tuple[Instruction, ...]
    registers: tuple[Register, ...]
    events: dict[str, tuple[int, ...]]
    digest: str = ""
    post: tuple[Logic, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
