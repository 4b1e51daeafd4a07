"""The native core of QMK: circuits as flat arrays, their readers, rewrites and simulators.

A circuit says the same as ``qmk.sdk.program.Program``; ``qmk.sdk.native_circuit`` turns one into the other.
"""

from collections.abc import Sequence
from typing import final

__version__: str

KINDS: list[tuple[str, int, int]]
"""Every kind of op by its number: name, qubits, parameters. A gate's name is its short name in family ``core``."""

LIMITS: dict[str, int]
"""The bounds of ``read_qasm`` that the semantic front end has too, by their names there."""

class Declined(ValueError):
    """What a reader leaves to the semantic front end or codec. ``args``: the place in the input, and why."""

@final
class Circuit:
    """A program in flat arrays, every index in bounds; immutable, so that plans and threads share it."""

    def __new__(
        cls,
        n_qubits: int,
        n_cbits: int,
        ops: Sequence[tuple[int, Sequence[int], Sequence[float], int, int, int]],
        conds: Sequence[tuple[str, Sequence[int]]] = ...,
        tables: Sequence[tuple[Sequence[int], Sequence[int]]] = ...,
        registers: Sequence[tuple[str, Sequence[int], bool]] = ...,
    ) -> Circuit:
        """An op is (kind's number, qubits, parameters, condition, cbit, table), -1 where it has none; a condition is
        ("bit", [cbit]) or ("not" | "and" | "or" | "xor", numbers of earlier ones); a table is (input cbits, words of 64
        rows); a register is (name, cbits with -1 for a constant 0, highest index first). Raises ValueError for an
        index out of bounds, a cbit written twice, a parameter that is not finite."""

    @property
    def n_qubits(self) -> int: ...
    @property
    def n_cbits(self) -> int: ...
    @property
    def registers(self) -> list[tuple[str, list[int], bool]]: ...
    def rows(
        self,
    ) -> tuple[
        list[tuple[int, list[int], list[float], int, int, int]],
        list[tuple[str, list[int]]],
        list[tuple[list[int], list[int]]],
    ]:
        """Ops, conditions and tables, in the form that the constructor takes."""

    def __len__(self) -> int:
        """How many ops."""

    def __eq__(self, other: object) -> bool: ...

@final
class Samples:
    """The classical bits of a run."""

    @property
    def shots(self) -> int: ...
    def counts(self) -> dict[str, int]:
        """Printed bitstrings to shots, in ascending order; registers left to right, a space between."""

    def bits(self) -> bytes:
        """Bytes of 0 and 1, row = shot, column = cbit, for ``numpy.frombuffer``."""

@final
class FramePlan:
    """A circuit compiled for the Clifford-frame simulator: gates of the Clifford group cost nothing per shot, and a
    dense state holds the few qubits that others leave entangled. Raises ValueError for more than 8192 qubits."""

    def __init__(self, circuit: Circuit) -> None: ...
    @property
    def width(self) -> int:
        """Qubits of the largest dense state; above 34 the plan cannot run."""

    def stats(self) -> dict[str, int]:
        """Numbers of the plan: width, active, activations, rotations, instructions, symbols."""

    def cost(self, shots: int) -> float:
        """Estimated seconds of one thread; infinite for a plan that cannot run."""

    def run(self, shots: int, seed: int, memory: int = 4 << 30) -> Samples:
        """Samples the circuit; the same seed gives the same bits. Raises MemoryError, with the bytes needed, where
        states would take more than ``memory`` bytes."""

def read_qasm(text: str | bytes, strict: bool = False) -> Circuit:
    """The circuit of an OpenQASM 2 or 3 program, with the numbers of qubits and cbits that the semantic front end and
    ``qmk.sdk.lower`` give it. Raises ``Declined`` for what the front end must read: what this reader does not take,
    every error in the text, and whatever exceeds a bound. ``strict``: also what the front end would warn of."""
