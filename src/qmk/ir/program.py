"""The flat form that engines run: a verified graph with handles resolved to indexes.

``ir.lower.lower(graph, gates)`` makes it. Every instruction names qubits by index and classical bits ("cbits") by
index. A cbit is written by at most one instruction, and reads as 0 in a shot where that instruction did not run.
Gate names are the short names of family ``core`` ("h", "cnot", "rz", "mod"); matrices come from the op's declaration
(``qmk.qvm.families.OPS["core.h"].matrix(args)``), first operand = most significant bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from qmk.qvm.op import Matrix

Cond = tuple[Any, ...]
"""A condition on cbits, as nested tuples:

``("bit", cbit)`` the cbit is 1; ``("not", c)``; ``("and", c, ...)``; ``("or", c, ...)``; ``("xor", c, ...)``.
"""


class Gate(msgspec.Struct, frozen=True):
    """A unitary. ``params`` are the op's angles in declaration order; ``args`` holds the args of ops that take more
    than angles ("mod", "paulirot", evolutions, ops of light), else it is empty. An evolution or an op of light has its
    full name ("analog.rydberg", "photonic.squeeze"); an op of light may be a preparation or a loss."""

    name: str
    qubits: tuple[int, ...]
    params: tuple[float, ...] = ()
    cond: Cond | None = None
    args: Mapping[str, Any] = {}


class Detect(Gate, frozen=True, kw_only=True):
    """Measurement of a mode of light, by its full name, into ``cbits``, the lowest bit of a number first; the mode is
    in the vacuum then. Like other ops of light it runs only where its name is among the method's ``gates``."""

    cbits: tuple[int, ...]


class Measure(msgspec.Struct, frozen=True):
    """Projective Z measurement of ``qubit`` into ``cbit``."""

    qubit: int
    cbit: int
    cond: Cond | None = None


class Reset(msgspec.Struct, frozen=True):
    """Send ``qubit`` to |0>."""

    qubit: int
    cond: Cond | None = None


class Logic(msgspec.Struct, frozen=True):
    """``cbit`` = bit ``sum(inputs[i] << i)`` of ``table``."""

    table: int
    inputs: tuple[int, ...]
    cbit: int
    cond: Cond | None = None


class Noise(msgspec.Struct, frozen=True):
    """An error channel: every shot draws its own error. It writes no cbit and stands under no condition."""

    @property
    def qubits(self) -> tuple[int, ...]:
        """The qubits that it acts on."""
        raise AssertionError(f"{type(self).__name__} does not say what it strikes")


class PauliNoise(Noise, frozen=True):
    """``qubit`` suffers an X, Y or Z with these probabilities. A method that runs it declares ``noise`` "pauli"."""

    qubit: int
    x: float
    y: float
    z: float

    @property
    def qubits(self) -> tuple[int, ...]:
        return (self.qubit,)

    @property
    def chances(self) -> tuple[float, float, float, float]:
        """The probabilities of no error, X, Y and Z."""
        return (max(0.0, 1.0 - (self.x + self.y + self.z)), self.x, self.y, self.z)

    def gates(self, error: int) -> tuple[Gate, ...]:
        """The gate that error number ``error`` of ``chances`` is; none for no error."""
        return (Gate("xyz"[error - 1], (self.qubit,)),) if error else ()


class PauliNoise2(Noise, frozen=True):
    """Two qubits suffer a Pauli product. ``errors[k]``: probability of the (k + 1)-th in the order II, IX, .. ZZ, the
    first qubit's letter first. A method that runs it declares ``noise`` "pauli"."""

    pair: tuple[int, int]
    errors: tuple[float, ...]

    @property
    def qubits(self) -> tuple[int, ...]:
        return self.pair

    @property
    def chances(self) -> tuple[float, ...]:
        """The probabilities of no error, IX, .. ZZ."""
        return (max(0.0, 1.0 - sum(self.errors)), *self.errors)

    def gates(self, error: int) -> tuple[Gate, ...]:
        """The gates that error number ``error`` of ``chances`` is."""
        letters = zip((error >> 2, error & 3), self.pair, strict=True)
        return tuple(Gate("xyz"[letter - 1], (qubit,)) for letter, qubit in letters if letter)


class KrausNoise(Noise, frozen=True):
    """``rho`` becomes the sum of K rho K^dagger over ``operators``, rows of matrices on ``on``, first qubit = most
    significant bit. A method that runs it declares ``noise`` "kraus"."""

    on: tuple[int, ...]
    operators: tuple[Matrix, ...]

    @property
    def qubits(self) -> tuple[int, ...]:
        return self.on


class NoisyEvolution(Noise, frozen=True):
    """An evolution that may end in more than one state (``ir.evolutions.is_noisy``), or of atoms that may be
    lost, by its full name. ``lost``: for each atom the cbit that is 1 where it is lost, so that it takes no part, and
    that becomes 1 where the evolution loses it; () where none is. A method that runs it declares ``noise`` "analog"."""

    name: str
    on: tuple[int, ...]
    args: Mapping[str, Any]
    lost: tuple[int, ...] = ()

    @property
    def qubits(self) -> tuple[int, ...]:
        return self.on


class LossEvent(msgspec.Struct, frozen=True):
    """All of ``cbits`` become 1, together, with probability ``p``; else they keep their values. Many loss events may
    set a cbit, after what else writes it. A method that runs it declares ``noise`` "loss"; for others
    ``ir.loss.expand_loss_events`` makes it of random bits of a qubit."""

    cbits: tuple[int, ...]
    p: float

    @property
    def cond(self) -> None:
        """None: it is never under a condition."""
        return None


class Misread(msgspec.Struct, frozen=True):
    """``cbit`` = ``source`` as it is read: a 0 reads as 1 with probability ``p01``, a 1 as 0 with ``p10``. Only in
    ``Program.post``: where a condition depends on a reading, ``ir.misread`` makes it of a random bit of a qubit."""

    source: int
    cbit: int
    p01: float
    p10: float
    cond: Cond | None = None


class Barrier(msgspec.Struct, frozen=True):
    """No effect on meaning; an engine may ignore it."""

    qubits: tuple[int, ...] = ()


class Fence(Barrier, frozen=True):
    """The end of epoch ``epoch`` (from 1), for every branch: here a run can be stopped, saved and rewound. To an engine
    without ``Capabilities.fences`` it is a barrier."""

    epoch: int = 0


Instruction = (
    Gate | Measure | Reset | Logic | PauliNoise | PauliNoise2 | KrausNoise | NoisyEvolution | LossEvent | Barrier
)


class Register(msgspec.Struct, frozen=True):
    """One printed register: cbit indexes left to right, -1 for a constant 0. ``descending``: highest index first.
    ``lost``: for each place the cbit that says that an L is printed there, -1 for none; empty where none ever is."""

    name: str
    cbits: tuple[int, ...]
    descending: bool = False
    lost: tuple[int, ...] = ()


class Program(msgspec.Struct, frozen=True):
    """``events`` maps an event to its cbits (one; two for a one-event Bell measurement: phase, parity).

    ``post`` is event logic, and readings that may be wrong, that no instruction needs: ``worker.runner`` computes them
    from the samples, so an engine leaves those columns 0. ``notes`` go into the result's provenance.
    """

    n_qubits: int
    n_cbits: int
    instructions: tuple[Instruction, ...]
    registers: tuple[Register, ...]
    events: dict[str, tuple[int, ...]]
    digest: str = ""
    post: tuple[Logic | Misread, ...] = ()
    notes: Mapping[str, Any] = {}


class Unsupported(Exception):
    """Raised by ``prepare``: the engine cannot run this program honestly; by ``resume`` and ``save``: it cannot go on
    from, or write, this state. The text names what and where."""
