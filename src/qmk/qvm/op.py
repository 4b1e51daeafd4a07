"""What an op declaration is. The ops themselves are in ``families/``; schema, assembler, verifier, docs, test
strategies and the engines' tables all derive from these declarations.

Conventions. Angles are in radians. A matrix is a tuple of rows over the computational basis, the op's FIRST
operand being the MOST significant bit of the index: ``cnot`` with (control, target) is the textbook
``[[1,0,0,0],[0,1,0,0],[0,0,0,1],[0,0,1,0]]``. A flow maps a Pauli on the inputs to the signed Pauli it becomes
on the outputs (``"XI" -> "+XX"``), one character per operand in operand order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

Matrix = tuple[tuple[complex, ...], ...]
Args = Mapping[str, Any]

OpClass = Literal[
    "unitary",  # reversible, has a matrix
    "evolution",  # under a Hamiltonian, of light, or by a script: no matrix, inverse op or lowering
    "measure",  # irreversible, writes events
    "reset",  # irreversible, no event
    "lifecycle",  # allocates or frees qubits
    "fence",  # epoch boundary
    "hint",  # no effect on meaning
    "feedforward",  # acts by the value of events
    "classical",  # computes an event from events
    "composite",  # defined by its lowering
    "channel",  # opens, uses or closes a channel
    "metadata",  # policy
    "noise",  # irreversible: an error channel on qubits, or a reading of an event that may be wrong
]

ParamKind = Literal[
    "angle", "float", "int", "bits", "text", "profile", "pauli", "gate", "map", "kraus", "points", "drives", "matrix",
    "data",
]  # fmt: skip


CAP_MEASURE = "CAP_MEASURE"


class Param(msgspec.Struct, frozen=True):
    """One argument. ``low``, ``high`` are inclusive; ``default`` None with ``required`` False means absent."""

    name: str
    kind: ParamKind
    doc: str
    unit: str = ""
    required: bool = True
    default: Any = None
    synonyms: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


class Arity(msgspec.Struct, frozen=True):
    """How many operands of one kind an op takes, ``high`` None meaning any number."""

    low: int
    high: int | None

    def accepts(self, count: int) -> bool:
        return count >= self.low and (self.high is None or count <= self.high)

    def text(self) -> str:
        if self.high is None:
            return f"at least {self.low}"
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"

    def of(self, noun: str) -> str:
        """``exactly(2).of("qubit")`` -> ``"2 qubits"``."""
        if self.high == 0:
            return f"no {noun}s"
        return f"{self.text()} {noun}" if self.low == self.high == 1 else f"{self.text()} {noun}s"


def exactly(count: int) -> Arity:
    return Arity(count, count)


NONE = exactly(0)


class Step(msgspec.Struct, frozen=True):
    """One op of a lowering. ``operands`` are indexes into the lowered op's qubits; ``event`` indexes its produces."""

    op: str
    operands: tuple[int, ...]
    args: Args
    event: int = -1


Lowering = Callable[[Args, int], "tuple[Step, ...]"]


class PauliChannel(msgspec.Struct, frozen=True):
    """``chances[k]``: probability of the k-th Pauli product in the order II, IX, .. ZZ, the first operand's letter
    first; 4 on one qubit, 16 on two. They sum to 1."""

    chances: tuple[float, ...]


class KrausChannel(msgspec.Struct, frozen=True):
    """``rho`` becomes the sum of K rho K^dagger. The sum of K^dagger K is the identity."""

    operators: tuple[Matrix, ...]


Channel = PauliChannel | KrausChannel


class Op(msgspec.Struct, frozen=True):
    """One op of the bytecode, declared once.

    ``inverse`` names the op that undoes it; parameters listed in ``negated`` change sign in the inverse, and
    ``"phi=lam"`` there means that phi of the inverse is minus lam.
    ``matrix`` takes the args; ``lower`` and ``channel`` take the args and the number of qubit operands. ``also`` holds
    other lowerings, equal up to a global phase. ``base`` under ``controls`` controls (first operands) is the same gate.
    ``bases`` has a letter for each operand: X, Y or Z where the gate is diagonal in that basis of it, else "-".
    ``names`` says what libraries and languages call it, for readers outside the trusted base (``qmk.ir.names``).
    """

    name: str
    doc: str
    op_class: OpClass
    legacy: str = ""
    vqs: Arity = NONE
    chs: Arity = NONE
    inputs: Arity = NONE
    produces: Arity = NONE
    params: tuple[Param, ...] = ()
    cap: str = ""
    inverse: str = ""
    negated: tuple[str, ...] = ()
    matrix: Callable[[Args], Matrix] | None = None
    flow: Mapping[str, str] | None = None
    lower: Lowering | None = None
    also: tuple[Lowering, ...] = ()
    base: str = ""
    controls: int = 0
    bases: str = ""
    names: str = ""
    channel: Callable[[Args, int], Channel] | None = None
    channel_effect: Literal["", "open", "use", "close"] = ""

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]

    @property
    def short(self) -> str:
        return self.name.partition(".")[2]

    @property
    def spelling_01(self) -> str:
        """The name in QVM 0.1 text where there is one, else the namespaced name."""
        return self.legacy or self.name

    @property
    def reversible(self) -> bool:
        return self.op_class == "unitary" or self.op_class == "hint"

    @property
    def rank_two(self) -> bool:
        """Whether the operator Schmidt rank is two across every cut of the operands: a qubit on its own side of each
        cut has a basis in which the op is diagonal, or the op is about one Pauli product."""
        if any(param.kind == "pauli" for param in self.params):
            return self.op_class in ("unitary", "measure")
        known = len(self.bases) - self.bases.count("-")
        return len(self.bases) > 1 and known >= (1 if len(self.bases) == 2 else len(self.bases))

    @property
    def session_cap(self) -> str:
        """The capability a session must hold to run the op. Measuring needs no declaration in the program, yet a
        session that was not granted CAP_MEASURE may not measure; every other op needs what it declares."""
        return CAP_MEASURE if self.op_class == "measure" else self.cap

    @property
    def entangling(self) -> bool:
        """Whether the op can entangle or correlate its operands: the firewall's question."""
        return self.op_class in ("unitary", "evolution", "measure", "composite", "noise") and self.vqs not in (
            NONE,
            exactly(1),
        )


class Family(msgspec.Struct, frozen=True):
    """A named, versioned set of ops; a graph lists the families it uses, an engine those it runs."""

    name: str
    version: int
    doc: str
    ops: tuple[Op, ...]
