"""The native core of QMK: circuits as flat arrays, their readers, rewrites and simulators.

A circuit says the same as ``qmk.ir.program.Program``; ``qmk.ir.native_circuit`` turns one into the other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, final

__version__: str

KINDS: list[tuple[str, int, int]]
"""Every kind of op by its number: name, qubits, parameters. A gate's name is its short name in family ``core``."""

LOWERED: list[str]
"""Short names of the other gates that are declared in family ``core``: the core runs their exact steps."""

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
    @property
    def params(self) -> list[float]:
        """All angles, in the order of the ops."""

    def same_but_angles(self, other: Circuit) -> bool:
        """Whether both are the same but for the values of angles (and of probabilities)."""

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

_Knots = tuple[Sequence[float], Sequence[float]]
_Drive = tuple[_Knots, _Knots, _Knots, Sequence[float]]
_LevelDrive = tuple[_Knots, _Knots, _Knots, Sequence[float], tuple[int, int]]

@final
class AtomRegister:
    """Amplitudes of neutral atoms that evolve under driving light and their van der Waals interaction. Atom 0 is the
    highest bit of an index; 0 is the ground state, 1 the Rydberg state."""

    def __new__(cls, atoms: int, memory: int) -> AtomRegister:
        """All atoms in the ground state. MemoryError if an evolution takes more than ``memory`` bytes."""

    @staticmethod
    def memory_bytes(atoms: int) -> int:
        """Bytes that evolving so many atoms takes."""

    def evolve(
        self,
        pairs: Sequence[float],
        drives: Sequence[_Drive],
        duration: float,
        tolerance: float,
        scheme: Literal["blanes-moan", "suzuki"] = "blanes-moan",
    ) -> dict[str, Any]:
        """Evolves for ``duration`` us. ``pairs``: n*n interactions, rad/us. A drive is (amplitude, phase, detuning,
        weights), the first three as (times, values), the last one number an atom. Gives the estimated ``error`` of the
        state, at most the tolerance, the ``steps`` of the run that was kept and of all. RuntimeError if the tolerance
        is out of reach, ValueError for knots that do not fit."""

    def wander(
        self,
        pairs: Sequence[float],
        drives: Sequence[_Drive],
        duration: float,
        steps: float,
        rates: tuple[float, float, float],
        lost: Sequence[bool],
        seed: int,
    ) -> tuple[list[bool], int]:
        """One trajectory of about ``steps`` steps, without control of its error; arguments as of ``evolve``. ``rates``,
        1/us: of the decay of r to g, of its loss, and at which the coherence falls beside them. ``lost``: atoms that
        meet neither light nor others. Gives who is lost afterwards, and the number of jumps."""

    def take(self, atom: int, seed: int) -> bool:
        """Looks whether an atom is in the Rydberg state, and leaves it in the ground state."""

    def load(self, state: bytes) -> None:
        """All amplitudes, as ``state`` gives them. ValueError for another size or norm."""

    def densities(self) -> list[float]:
        """Probability of every atom to be in the Rydberg state."""

    def probabilities(self, atoms: Sequence[int]) -> list[float]:
        """Of every value of distinct atoms, the first the highest bit."""

    def expectation(self, paulis: str) -> float:
        """Of a Pauli string, one letter an atom."""

    def amplitude(self, index: int) -> complex: ...
    def state(self) -> bytes:
        """All amplitudes as complex128 in the machine's byte order."""

    def sample(self, shots: int, seed: int) -> bytes:
        """Measured atoms of ``shots`` shots: one byte an atom, 1 for Rydberg, shot after shot."""

@final
class LevelRegister:
    """Amplitudes of neutral atoms of three levels: a qubit in 0 and 1, the Rydberg level as 2. Atom 0 is the highest
    digit of an index in base 3."""

    def __new__(cls, atoms: int, memory: int) -> LevelRegister:
        """All atoms in level 0. MemoryError if an evolution takes more than ``memory`` bytes."""

    @staticmethod
    def memory_bytes(atoms: int) -> int:
        """Bytes that evolving so many atoms takes."""

    def evolve(
        self,
        pairs: Sequence[float],
        drives: Sequence[_LevelDrive],
        duration: float,
        tolerance: float,
    ) -> dict[str, Any]:
        """As ``AtomRegister.evolve``; a drive has a fifth part, the levels that it couples, the lower first. Pairs in
        level 2 interact."""

    def wander(
        self,
        pairs: Sequence[float],
        drives: Sequence[_LevelDrive],
        duration: float,
        steps: float,
        rates: tuple[float, float, float, float],
        lost: Sequence[bool],
        seed: int,
    ) -> tuple[list[bool], int]:
        """As ``AtomRegister.wander``; ``rates``: decay to 0 and to 1, loss, dephasing, 1/us."""

    def take(self, atom: int, seed: int) -> bool:
        """Looks whether an atom is in the Rydberg level; if so it is left in level 0."""

    def load(self, state: bytes) -> None:
        """All amplitudes, as ``state`` gives them. ValueError for another size or norm."""

    def state(self) -> bytes:
        """All amplitudes as complex128 in the machine's byte order."""

    def sample(self, shots: int, seed: int) -> bytes:
        """Measured levels of ``shots`` shots: one byte an atom, shot after shot."""

@final
class Samples:
    """The classical bits of a run."""

    @property
    def shots(self) -> int: ...
    def counts(self) -> dict[str, int]:
        """Printed bitstrings to shots, in ascending order; registers left to right, a space between."""

    def packed(self, n_columns: int, start: int, stop: int) -> bytes:
        """The first cbits of shots ``start`` to ``stop``: 8 a byte, the row of each shot padded to whole bytes, as
        ``numpy.packbits`` does it. Raises ValueError for more columns than there are."""

    def bits(self) -> bytes:
        """Bytes of 0 and 1, row = shot, column = cbit, for ``numpy.frombuffer``."""

def bit_rows(packed: bytes, row_bytes: int, width: int) -> list[str]:
    """Rows that ``numpy.packbits`` packed, ``row_bytes`` each, as texts of ``width`` digits 0 and 1. Raises ValueError
    where the bytes are no whole rows, or narrower ones."""

def json_of_msgpack(packed: bytes) -> bytes:
    """One value of MessagePack as JSON: bytes in base64, NaN and infinities as null. Python's other threads go on
    meanwhile. Raises ValueError where that is not what the bytes are."""

@final
class LogicalPlan:
    """A Clifford circuit with Pauli channels and Pauli feedback, compiled for Pauli frames: a reference run, then how
    each shot differs from it. Raises ValueError naming the op that frames cannot follow."""

    def __init__(self, circuit: Circuit) -> None: ...
    def __len__(self) -> int:
        """Ops that move a frame."""

    @property
    def coins(self) -> int:
        """Measurements that are coins without errors."""

    @property
    def qubits(self) -> int:
        """Qubits in use."""

    def cost(self, shots: int) -> float:
        """Estimated seconds of one thread."""

    def run(self, shots: int, seed: int, memory: int = ...) -> Samples:
        """The same seed and shots give the same bits. Raises MemoryError where outcomes and frames need more than
        ``memory`` bytes, 4 GiB if not given."""

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

class LossPlan:
    """A Clifford circuit whose atoms can be lost: every shot follows a tableau of its own. ``tosses``: (op of the
    circuit that it is thrown before, cbits that it sets, its probability), in order. Raises ValueError for other gates,
    more than 2048 qubits in use, and tosses out of place."""

    def __init__(self, circuit: Circuit, tosses: Sequence[tuple[int, Sequence[int], float]]) -> None: ...
    def cost(self, shots: int) -> float:
        """Estimated seconds of one thread."""

    def run(self, shots: int, seed: int, given: bool = False) -> Samples:
        """Samples all cbits; the same seed gives the same bits. ``given``: of the shots in which at least one toss
        falls."""

def read_qasm(text: str | bytes, inputs: Mapping[str, float] | None = None) -> Circuit:
    """The circuit of a flat OpenQASM 2 or 3 program, with the numbers of qubits and cbits that the semantic front end
    and ``qmk.ir.lower`` give it. Raises ``Declined`` for what the front end must read: loops, subroutines, classical
    variables, modifiers, every error in the text, and whatever the front end warns of or exceeds a bound.
    ``inputs``: values of the program's inputs of type float and angle, by name; programs with others are declined."""

def read_qasm_graph(text: str | bytes, dialect: int, inputs: Mapping[str, float] | None = None) -> bytes:
    """The packed graph (``qmk.qvm.graph.pack``) of a flat program of OpenQASM 2 or 3, node for node that of the front
    end of this ``dialect``. Raises ``Declined`` for what ``read_qasm`` declines, for a text in the other dialect, and
    for names beyond ASCII."""

def read_stim(text: str | bytes) -> Circuit:
    """The circuit of a flat Stim program: Clifford gates, measurements and resets, Paulis under measured bits, Pauli
    noise, wrong readings, detectors, observables and REPEAT, with the numbers and registers that the front end and
    ``qmk.ir.lower`` give. Raises ``Declined`` for what the front end must read: tags, Pauli products, correlated and
    heralded errors, sweep bits, every error, and whatever exceeds a bound."""

def read_stim_graph(text: str | bytes) -> bytes:
    """The packed graph (``qmk.qvm.graph.pack``) of a flat Stim program, node for node that of the front end. Raises
    ``Declined`` for what ``read_stim`` declines."""

def clifford_t(
    circuit: Circuit,
    *,
    epsilon: float = 1e-10,
    tolerance: float = 1e-12,
    keep_unitary: bool = False,
    ancillae: bool = False,
    effort: int = 1,
    by_depth: bool = False,
) -> tuple[Circuit, dict[str, Any]]:
    """The circuit in H, S, Sdg, X, Y, Z, T, Tdg, CNOT, CZ and SWAP, measurements and resets, with few T gates; and what
    was done: ``before``, ``folded`` (rotations joined) and ``after``, each with counts of ``t`` gates, ``rotations`` by
    other angles, ``t_depth``, ``two_qubit`` gates, ``measurements`` and ``ops``; how many ``ancillae`` were added; how
    many rotations were ``synthesized``, of how many ``distinct_angles``, to ``epsilon_each``; and ``error``, the sum of
    their errors.

    ``epsilon``: bound for the operator norm of the difference, up to a global phase. ``tolerance``: an angle within so
    many radians of a multiple of pi/4 is taken as that. ``keep_unitary``: the unitary is kept; otherwise qubits begin
    in |0>, and what no register shows may change. ``ancillae``: Toffoli gates become temporary ANDs on added qubits,
    uncomputed by measurements, where that takes fewer T gates; the unitary of the other qubits is kept. ``effort``: 1
    joins rotations and cancels gates, 2 also writes parts anew with fewer gates on two qubits, 3 also looks for fewer T
    gates among those that commute, at the cost of gates on two qubits, and takes seconds. ``by_depth``: the form of the
    least T depth is kept, not that of the fewest T gates. Raises ValueError for an ``epsilon`` outside (0, 1), or below
    1e-12 for each rotation."""

def synthesize_rz(angle: float, epsilon: float = 1e-10) -> tuple[list[str], float]:
    """RZ(angle), in radians, as names of Clifford and T gates in the order in which they act, and its error: the
    operator norm of the difference up to a global phase, at most ``epsilon`` (1e-12 to 0.5). Ross and Selinger,
    arXiv:1403.2975."""

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
    and peephole rewrites run; also constants where there are only gates, for qubits that begin in |0..0>). ``narrow``:
    the least width is taken, not the least cost. ``explain``: the report has ``width_before`` and ``width_after``, most
    qubits alive at a time, and ``parts`` that nothing connects."""

SYNTHESIS_GATES: list[str]
"""Names of gates that a set for ``synthesize`` may be made of."""

def synthesize(
    circuit: Circuit,
    gates: Sequence[str],
    *,
    exchange: bool = False,
    measured: bool = True,
    rounds: int = 4,
    interactions: bool = False,
    one_way: Sequence[tuple[int, int]] = ...,
) -> tuple[Circuit, list[int]]:
    """The circuit in the gates of these names, with few gates on two qubits, and where each qubit is at the end.
    ``exchange``: qubits may change places, else every pair that gates join was joined before. ``measured``: what the
    measurements at the end cannot see may go. ``rounds`` of merging, 0 for none. ``interactions``: what merged for
    ``gates`` is written as RZZ and U, for a router. ``one_way``: pairs whose CNOT or ECR gate must have the first qubit
    first. An ECR gate stands as ``s``, ``sx``, ``cnot`` and ``x``, next to each other.
    Raises ValueError for names that make no gate set."""

def circuit_metrics(circuit: Circuit) -> dict[str, int]:
    """``qubits`` in use, ``gates``, ``depth``, ``two_qubit_gates`` (a SWAP is three, a gate on three qubits six),
    ``two_qubit_depth``, ``t_count`` (rotations by odd multiples of pi/4 too), ``t_depth``, ``rotations`` by other
    angles, ``one_qubit_gates`` and ``measurements``."""

def place(
    circuit: Circuit,
    n: int,
    pairs: Sequence[tuple[int, int]],
    *,
    seed: int = 0,
    trials: int = 60,
    keep: int = 4,
    sites: Sequence[int] | None = None,
    errors: Sequence[tuple[int, int, float]] = ...,
    readout: Sequence[float] = ...,
    depth_weight: float = 0.05,
    commute: bool = True,
) -> list[tuple[Circuit, list[int], list[int], dict[str, int]]]:
    """The circuit on ``n`` sites of which ``pairs`` are coupled (the direction does not matter), every two-qubit gate
    on such a pair: up to ``keep`` placements, best first. Each is (circuit, the site where each qubit begins, that
    where it ends, facts); measurements are moved with their qubits, and all qubits begin in |0>. Facts: ``swaps``
    (exchanges added), ``two`` and ``depth`` (CNOTs, and depth in them, once the gates on a pair that follow each other
    are synthesised as one).

    ``trials``: most layouts that are routed; the one with the least ``two + depth_weight * depth`` wins, and the same
    ``seed`` gives the same answer. A layout without exchanges is taken where one is found; of several, the one with the
    fewest ``errors`` (a, b, probability that a gate on the pair fails) and ``readout`` errors (one for each site).
    ``sites``: those that may be used (None: all). ``commute``: gates that commute may change places. Raises ValueError
    for a circuit that does not fit, and for pairs and sites that are not there."""

def spread(circuit: Circuit) -> Circuit:
    """The circuit with gates on copies: where a CNOT has copied a qubit into |0>, a gate that is diagonal on one of the
    two, and has no condition, is done on that with which its depth in two-qubit gates is least."""

def promising(circuit: Circuit) -> bool:
    """Whether rewriting is likely to save more time than it takes."""

def features(circuit: Circuit) -> dict[str, Any]:
    """What a router wants to know: ``qubits``, ``cbits``, ``ops``, ``by_kind``, ``depth``, ``two_qubit``,
    ``three_qubit``, ``clifford_prefix`` (instructions before the first non-Clifford gate), ``non_clifford``,
    ``t_gates``, ``rotations`` (gates with angles), ``resets``, ``logic``, ``noise``, ``width`` (most qubits alive at a
    time), ``cut`` (bound on the log2 Schmidt rank over cuts of the qubits in order), ``treewidth`` (bound by min-degree
    elimination, None if the graph is too large), ``parts``, ``light_cone`` (qubits on which anything depends that is
    read), ``joined`` (most qubits that gates have joined at a time), ``mid_circuit``, ``classical`` (basis states
    only), ``measured`` (part of the qubits), ``feed_forward`` ("none", "pauli" or "full")."""

def read_qvm(data: bytes) -> Circuit:
    """The circuit of a packed graph (``qmk.qvm.graph.pack``), which must have been verified, with the numbers that
    ``qmk.ir.lower`` gives it; barriers and fences are dropped. Raises ``Declined`` for bytes that are none, and for
    what a circuit has no place for: channels, magic, policies, code profiles, allocation under a guard."""

def controlled_steps(
    matrix: Sequence[Sequence[tuple[float, float]]], values: Sequence[bool]
) -> list[tuple[str, list[int], list[tuple[str, float]]]]:
    """Gates, as (name, operands, angles by name), that are a unitary under controls which must hold ``values``, up to a
    global phase. The controls are the first operands; entries are (re, im), the first qubit is the most significant.
    Raises ValueError for no matrix, and for more than 256 controls."""

def zyz(matrix: Sequence[Sequence[tuple[float, float]]]) -> tuple[float, float, float, float]:
    """(alpha, beta, gamma, delta) with ``matrix = e^{i alpha} RZ(beta) RY(gamma) RZ(delta)``."""

@final
class Ops:
    """The ops that graphs are made of, as they are declared."""

    def __new__(cls, rows: Sequence[tuple[str, str, str, bool]]) -> Ops:
        """Rows of name, class, bases, and whether the Schmidt rank is two across any cut. The class is that of the op;
        instead of "lifecycle" it is "alloc" or "free", instead of "channel" "open", "use" or "close"."""

    def look(
        self, data: bytes, noise: bytes, circuit: bool = False, open: bool = False
    ) -> tuple[dict[str, Any], Circuit | None]:
        """(numbers of a verified graph, packed; its circuit where that is wanted and there is one).

        ``noise`` says of each error channel on qubits, in order: 0 it joins nothing, 1 it correlates its qubits, 2 it
        entangles them. The numbers are those of ``qmk.ir.summary`` and ``qmk.router.features``; ``bond`` and
        ``tight_bond`` (None where not wanted) bound log2 of the bond; ``open`` are gates of which it is not told here
        whether they are Clifford, as (a node of each make, how many): with ``open`` all gates. Raises ``Declined`` for
        bytes that are no verified graph of these ops."""

DENSE_RATES: dict[str, float]
"""What ``DensePlan.cost`` reckons with where no calibration says otherwise."""

@final
class Adjoint:
    """The expectation value of a sum of Pauli strings in the final state of a circuit, and its derivatives, at any
    values of the circuit's angles; in double precision."""

    def __new__(
        cls,
        circuit: Circuit,
        observable: Sequence[tuple[str, float]],
        wanted: Sequence[bool] | None = None,
        memory_limit: int | None = None,
    ) -> Adjoint:
        """``observable``: (Pauli string, coefficient) of every term. ``wanted``: of each angle, whether a derivative
        by it is (all: None). Raises ValueError for a circuit without one final state, MemoryError for a wide one."""

    def value(self, angles: Sequence[float]) -> float:
        """The value at these angles, in the order of ``Circuit.params``."""

    def gradient(self, angles: Sequence[float]) -> tuple[float, list[float]]:
        """The value, and its derivative by every angle, 0 for those that are not wanted."""

def metric_tensor(
    circuit: Circuit,
    angles: Sequence[float],
    factors: Sequence[Sequence[tuple[int, float]]],
    n_parameters: int,
    memory_limit: int | None = None,
) -> list[float]:
    """The Fubini-Study metric of the final state, row after row: Re <d_i|d_j> - <d_i|psi><psi|d_j> for parameters on
    which the angles depend. ``factors``: for each angle, (parameter, derivative of the angle by it)."""

def apply_matrices(
    n_qubits: int,
    steps: Sequence[tuple[Sequence[tuple[float, float]], Sequence[int], Sequence[int]]],
    memory_limit: int | None = None,
) -> bytes:
    """Matrices one after another, unitary or not, on qubits that begin in |0..0>: amplitudes as complex128, qubit 0 the
    highest bit of an index. A step is (entries (re, im) row after row, qubits, controls that are 1); the first qubit is
    the highest bit of a row, and only matrices on up to three qubits have controls. Raises ValueError for steps that do
    not fit, MemoryError beyond ``memory_limit`` bytes (default: three quarters of free memory)."""

class DensePlan:
    """A circuit compiled for the dense state-vector simulator."""

    def __new__(
        cls,
        circuit: Circuit,
        precision: Literal["f32", "f64"] = "f32",
        memory_limit: int | None = None,
        threads: int = 1,
    ) -> DensePlan:
        """``memory_limit``: bytes that states may take (default: three quarters of free memory). ``threads`` change no
        bit of a result. Raises MemoryError, with the number, for a circuit one of whose states alone takes more."""

    @property
    def width(self) -> int:
        """Most qubits in the state at a time."""

    def memory_bytes(self, shots: int) -> int:
        """Most bytes that states take in a run."""

    def cost(self, shots: int, rates: Mapping[str, float] | None = None) -> float:
        """Predicted seconds of ``run(shots)``; ``rates`` replaces entries of ``DENSE_RATES``."""

    def stats(self) -> dict[str, int]:
        """Counts of the plan: width, real (1: all amplitudes are), passes over the state, kernels, splits."""

    def run(self, shots: int, seed: int) -> Samples:
        """The same bits for the same seed and precision on machines with the same vector instructions."""

    def state(self) -> bytes:
        """Amplitudes before the final read-out, complex64 or complex128, qubit 0 the most significant bit of the index.
        This and the next four raise ValueError for circuits with earlier measurements, resets, noise or conditions."""

    def amplitudes(self, bitstrings: Sequence[str]) -> list[complex]:
        """Of bitstrings of one character a qubit, qubit 0 first."""

    def probabilities(self, qubits: Sequence[int]) -> list[float]:
        """Of the values of distinct qubits, the first the most significant bit."""

    def expectation(self, paulis: Sequence[str]) -> list[float]:
        """Of Pauli strings such as "XIZ", one letter a qubit, qubit 0 first."""

    def gradient(self, observable: Sequence[tuple[str, float]]) -> tuple[float, list[float]]:
        """The expectation value of a sum of (Pauli string, coefficient) and its derivative by every parameter of the
        circuit in the order of its ops; in f64."""

    def sweep(
        self, points: Sequence[Sequence[float]], paulis: Sequence[str] | None = None, shots: int = 0, seed: int = 0
    ) -> list[list[float]] | list[Samples]:
        """The circuit at many points of its parameters, each all angles in the order of the ops: expectation values of
        ``paulis``, one list a point, or without them Samples of ``shots`` shots."""

@final
class MpsPlan:
    """A circuit of gates and one final read-out, prepared for the matrix-product-state simulator."""

    def __new__(cls, circuit: Circuit) -> MpsPlan:
        """Raises ValueError for conditions, resets, noise and measurements that are not final."""

    @property
    def steps(self) -> int:
        """Gates after fusion."""

    def reordered(self, shots: int) -> MpsPlan:
        """The same with its qubits in the order that looks best for ``shots``, at the cost of looking at a few."""

    def bounds(self, shots: int) -> tuple[float, float]:
        """(log2 of the largest bond, seconds): upper bounds, from the ranks of the gates."""

    def run(
        self, shots: int, seed: int, bond: int = 512, cut: float = 1e-13, seconds: float = ...
    ) -> tuple[Samples, tuple[int, float]]:
        """(samples, (largest bond, bound on 1 - fidelity)). ``cut``: largest weight that one step may drop. Raises
        MemoryError when a bond outgrows ``bond``, TimeoutError beyond ``seconds`` of gates, as predicted on the way."""

    def evolve(self, bond: int = 512, cut: float = 1e-24, seconds: float = ...) -> MpsState:
        """The state before the read-out. Raises as ``run`` does."""

@final
class MpsState:
    """A matrix product state that a circuit ended in."""

    @property
    def bond(self) -> int:
        """The largest bond on the way."""

    @property
    def error(self) -> float:
        """How far the value of a Pauli string may be off by what was cut off; proved."""

    def expectation(self, paulis: Sequence[str]) -> list[float]:
        """Expectation values of Pauli strings, one letter a qubit, qubit 0 first. Raises ValueError for one that does
        not fit."""

@final
class DenseGates:
    """Unconditional gates on a state vector of all their qubits, from whatever amplitudes; in double precision."""

    def __new__(cls, circuit: Circuit) -> DenseGates:
        """Raises ValueError for what is not an unconditional gate, MemoryError for more than 40 qubits."""

    def cost(self) -> float:
        """Predicted seconds of ``apply``."""

    def apply(self, amplitudes: Any) -> None:
        """Takes the amplitudes, a writable buffer of 2^(n + 1) doubles (real and imaginary parts in turn), qubit 0 the
        most significant bit of an index, through the gates in place. The phase of the whole state may change. Raises
        ValueError for a buffer that does not fit."""

Tensor = tuple[int, int, bytes, bytes, bytes]
"""Of a site: left and right bond, real and imaginary parts in the order (left, 2, right), and Schmidt values of the
bond to the left; numbers are doubles of this machine."""

@final
class MpsChain:
    """A matrix product state in right-canonical form, site k for qubit k."""

    def __new__(cls, tensors: Sequence[Tensor], lost: float, cut: float) -> MpsChain:
        """``lost``: a bound on 1 - fidelity from before. ``cut``: largest weight that one gate may drop. That rows are
        orthonormal is the caller's word. Raises ValueError for tensors that do not fit each other."""

    def __len__(self) -> int: ...
    def tensor(self, site: int) -> Tensor:
        """As it was given. Raises ValueError where there is no such site."""

    @property
    def bond(self) -> int:
        """The largest bond so far."""

    @property
    def lost(self) -> float:
        """A bound on 1 - fidelity from what was cut off."""

@final
class MpsGates:
    """Unconditional gates on a chain, every qubit of which keeps its site."""

    def __new__(cls, circuit: Circuit) -> MpsGates:
        """Raises ValueError for what is not an unconditional gate."""

    def growth(self, bonds: Sequence[float]) -> tuple[list[float], float]:
        """From log2 of the bonds to the left of each site and of the last one: upper bounds on what they become, and on
        the seconds. Raises ValueError for another number of bonds."""

    def apply(self, chain: MpsChain, bond: int) -> MpsChain:
        """The chain after the gates. Raises ValueError for one of another length, MemoryError when a bond outgrows
        ``bond``."""

@final
class PauliPlan:
    """A circuit whose observables are taken back through it as sums of Pauli strings."""

    def __new__(
        cls,
        circuit: Circuit,
        channels: Sequence[tuple[int, Sequence[int], int]] = ...,
        matrices: Sequence[Sequence[Sequence[float]]] = ...,
    ) -> PauliPlan:
        """``channels``: general error channels, in order: the op that each one precedes, its qubits, and the number of
        its matrix. ``matrices``: Pauli transfer matrices of one or two qubits, row by row, in the order II, IX, .. ZZ,
        first qubit first; each preserves the trace. Raises ValueError for what is none of these."""

    @property
    def n_qubits(self) -> int: ...
    def __len__(self) -> int:
        """Ops and channels."""

    def value(
        self,
        observable: Sequence[tuple[str, float]],
        cut: float = 0.0,
        weight: int | None = None,
        memory: int = ...,
        work: int = ...,
    ) -> dict[str, Any]:
        """The value of a sum of Pauli strings (one letter a qubit, qubit 0 first) before the final read-out: ``value``,
        ``bound`` (the error is no larger), ``work`` (strings made), ``peak_terms``, ``segments``. Strings with a
        coefficient below ``cut``, or on more than ``weight`` qubits, are left out.

        Raises ValueError where the observable depends on a gate under a condition, MemoryError beyond ``memory`` bytes,
        TimeoutError beyond ``work`` strings."""

    def within(
        self, observable: Sequence[tuple[str, float]], error: float, memory: int = ..., work: int = ...
    ) -> dict[str, Any]:
        """The value with an error of at most ``error`` where ``work`` suffices: ``value``, ``error``, ``kind``
        ("exact", "bound", or "estimate" where only that is known), ``cut``, and what ``value`` tells beside them.
        Raises what ``value`` raises."""

    def predict(self, observables: Sequence[Sequence[tuple[str, float]]], error: float) -> dict[str, Any]:
        """What values of these observables will take, seen by trying for some milliseconds: ``seconds``,
        ``memory_bytes``, ``may_fail`` (a run may end without a value, or with a larger error), ``cut`` (strings will be
        left out), ``note``. Raises ValueError as ``value`` does."""

PAULI_WORK: int
"""Strings that ``PauliPlan`` makes at most if no other number is given."""

def predict(
    circuit: Circuit, shots: int, points: Sequence[int], memory: int = ..., keep_cbits: bool = False
) -> dict[str, Any]:
    """What a circuit will take on the best method for ``shots``, without preparing its run: ``method``, ``rewritten``,
    ``width``, ``memory_bytes``, ``note``, ``may_fail``, ``upper_bound`` (only gates were counted), and
    ``seconds``, one for each number of shots in ``points``.
    What costs more to look at than a small part of the run is left out. Raises MemoryError when nothing can run it."""

@final
class CutPlan:
    """A circuit of gates and one final read-out, cut into a chain of blocks of qubits."""

    def __new__(
        cls,
        circuit: Circuit,
        memory: int = 4 << 30,
        blocks: Sequence[Sequence[int]] | None = None,
        shots: int = 1000,
    ) -> CutPlan:
        """``blocks``: lists of qubits, None for those that look cheapest for ``shots``. ``memory``: bytes that a run
        may take. Raises ValueError for conditions, resets, noise, measurements that are not final and blocks that make
        no chain or do not fit; MemoryError where given blocks do not fit."""

    @property
    def blocks(self) -> list[list[int]]:
        """The qubits of each block, by where they begin: an exchange of two qubits is another numbering."""

    @property
    def paths(self) -> list[int]:
        """log2 of the number of paths between neighbouring blocks."""

    def cost(self, shots: int) -> float:
        """Predicted seconds."""

    def memory_bytes(self, shots: int) -> int:
        """Most bytes that a run of ``shots`` takes."""

    def run(self, shots: int, seed: int) -> Samples:
        """Samples. Raises MemoryError beyond the memory allowed."""

    def amplitudes(self, bitstrings: Sequence[str]) -> list[complex]:
        """Of bitstrings of one character a qubit, qubit 0 first, of the circuit as it was given."""

@final
class Plan:
    """A circuit rewritten and prepared for whichever of our simulators is predicted to be fastest."""

    def __new__(
        cls,
        circuit: Circuit,
        shots: int,
        method: str | None = None,
        memory: int = ...,
        rewrites: bool = True,
        keep_cbits: bool = False,
    ) -> Plan:
        """For about ``shots`` shots. ``method``: "frame", "dense", "dense64", "mps", or None for any. ``memory``: bytes
        that one run may take. ``keep_cbits``: every cbit will be looked at, not only what registers show. Raises
        MemoryError, with the reason of each method, when nothing can run it; ValueError for an unknown method."""

    @property
    def method(self) -> str: ...
    @property
    def seconds(self) -> float:
        """Predicted."""

    @property
    def may_fail(self) -> bool:
        """Whether a run may end without an answer: its only way is an attempt."""

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Every way that was looked at, the fastest first: ``method``, ``rewritten``, ``width``, ``seconds``,
        ``memory_bytes``, ``note``."""

    @property
    def rewrites(self) -> dict[str, Any] | None:
        """What was rewritten, as ``rewrite`` with ``explain`` reports it (how often each rewrite was made,
        ``ops_before`` and ``ops_after``, ``width_before`` and ``width_after``); None where the circuit runs as it
        came."""

    @property
    def circuit(self) -> Circuit:
        """What runs."""

    def cost(self, shots: int) -> float:
        """Predicted seconds of another number of shots, on the method and the rewrites chosen."""

    def run(self, shots: int, seed: int, show: Callable[..., bool | None] | None = None) -> tuple[Samples, str]:
        """(samples, the method that drew them). Where some shots are done before others, ``show(shots_done)`` is
        called, and if it gives true, ``show(shots_done, samples)``; what it raises is raised at the end. Raises
        MemoryError when a state outgrows its bounds."""

@final
class RelayBp:
    """A check matrix prepared for relay belief propagation (arXiv:2506.01779)."""

    def __new__(
        cls,
        checks: int,
        starts: Sequence[int],
        rows: Sequence[int],
        priors: Sequence[float],
        observables: bytes,
        width: int,
        iterations: tuple[int, int],
        legs: int,
        solutions: int,
        memory: tuple[float, float, float],
        scale: float,
        seed: int,
    ) -> RelayBp:
        """Checks of mechanism j are ``rows[starts[j] : starts[j + 1]]``; it flips ``width`` bytes of ``observables``.
        ``iterations`` of the first leg and of each of ``legs`` more; ``memory`` of the first, then the interval of the
        others; a check's answer is multiplied by ``scale``. Raises ValueError for arrays that do not fit each other."""

    def decode(self, dets: bytes, shots: int) -> bytes:
        """Bit-packed rows of syndromes, one after another, to bit-packed rows of observables."""
