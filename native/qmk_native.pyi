"""The native core of QMK: circuits as flat arrays, their readers, rewrites and simulators.

A circuit says the same as ``qmk.sdk.program.Program``; ``qmk.sdk.native_circuit`` turns one into the other.
"""

from collections.abc import Sequence
from typing import Any, final

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

def read_qasm(text: str | bytes, strict: bool = False) -> Circuit:
    """The circuit of an OpenQASM 2 or 3 program, with the numbers of qubits and cbits that the semantic front end and
    ``qmk.sdk.lower`` give it. Raises ``Declined`` for what the front end must read: what this reader does not take,
    every error in the text, and whatever exceeds a bound. ``strict``: also what the front end would warn of."""

def rewrite(
    circuit: Circuit,
    *,
    constants: bool = True,
    peephole: bool = True,
    relabel: bool = True,
    dead: bool = True,
    schedule: bool = True,
    hoist: bool = True,
    reuse: bool = True,
    keep_cbits: bool = False,
    keep_state: bool = False,
    narrow: bool = False,
    explain: bool = False,
    shots: int = 1000,
) -> tuple[Circuit, dict[str, Any]]:
    """A cheaper circuit with the same joint distribution of all cbits that registers show, and what was done: how often
    each rewrite fired, ops before and after, the order taken, its predicted cost in amplitudes, seconds taken.

    ``constants``: known basis states and classical bits are used. ``peephole``: gates cancel, join, are resynthesized.
    ``relabel``: exchanges of qubits become another numbering. ``dead``: what nothing reads goes. ``schedule``: another
    order, where a cheaper one is found for this many ``shots``; ``hoist``: there, gates whose control is measured early
    become conditions. ``reuse``: qubits are numbered anew, traced out and used again.

    ``keep_cbits``: every cbit counts as shown. ``keep_state``: the final state is kept too, up to phase (only fusion
    and peephole rewrites run). ``narrow``: the least width is taken, not the least cost. ``explain``: the report has
    ``width_before`` and ``width_after``, most qubits alive at a time, and ``parts`` that nothing connects."""

def simplify(circuit: Circuit) -> Circuit:
    """What ``rewrite`` gives without ``schedule``."""

def split(circuit: Circuit) -> list[tuple[Circuit, list[int]]]:
    """Parts that no gate and no classical bit connects, each with its cbits' numbers in the whole; registers show the
    cbits of the part, else a constant 0, so that the bitwise or of one shot of each part is a shot of the whole."""

def promising(circuit: Circuit) -> bool:
    """Whether rewriting is likely to save more time than it takes."""

def features(circuit: Circuit) -> dict[str, Any]:
    """What a router wants to know: ``qubits``, ``cbits``, ``ops``, ``by_kind``, ``depth``, ``two_qubit``,
    ``three_qubit``, ``clifford_prefix`` (instructions before the first non-Clifford gate), ``non_clifford``,
    ``t_gates``, ``rotations`` (gates with angles), ``resets``, ``logic``, ``noise``, ``width`` (most qubits alive at a
    time), ``cut`` (bound on the log2 Schmidt rank over cuts of the qubits in order), ``treewidth`` (bound by min-degree
    elimination, None if the graph is too large), ``parts``, ``mid_circuit``, ``classical`` (basis states only),
    ``measured`` (part of the qubits), ``feed_forward`` ("none", "pauli" or "full")."""

def read_qvm(data: bytes) -> Circuit:
    """The circuit of a graph in QVM binary, which must have been verified, with the numbers that ``qmk.sdk.lower`` gives
    it; barriers and fences are dropped. Raises ``Declined`` for bytes that are no QVM binary, and for what a circuit has
    no place for: channels, magic, policies, code profiles, allocation under a guard."""
