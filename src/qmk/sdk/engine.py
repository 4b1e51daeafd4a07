"""The engine protocol: capabilities as data, ``prepare`` once, ``run`` many times.

An engine is a folder ``engines/<name>/`` (or anybody's package) whose ``__init__`` imports nothing heavy and exposes
``DECLARATION``; the entry-point group is ``qmk.engines``. The class that ``DECLARATION.load`` names is imported only in
the worker process that runs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from qmk.ir.prediction import Prediction
from qmk.ir.program import Program, Unsupported
from qmk.qvm.outputs import Estimate, Observable, Outputs
from qmk.sdk.observers import DensityObserver, FastObserver, FollowingEngine, Observer, ObservingEngine, SumObserver

if TYPE_CHECKING:  # the daemon reads declarations and must not load numpy
    import numpy as np

__all__ = [
    "Capabilities",
    "Cost",
    "Declaration",
    "DensityObserver",
    "Engine",
    "Estimate",
    "Execution",
    "FastObserver",
    "Features",
    "FeedForward",
    "FencedPlan",
    "FollowingEngine",
    "Gap",
    "Observable",
    "Observer",
    "ObservingEngine",
    "Outputs",
    "Plan",
    "Prediction",
    "Progress",
    "Samples",
    "SumObserver",
    "Unsupported",
]

FeedForward = Literal["none", "pauli", "full"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine (with one of its methods) can run. ``gates`` are the short ``core`` names it runs natively: the
    lowering rewrites every other op into these or the engine is not a candidate.

    An evolution (``analog.rydberg``) is run by an engine that names it here, by its full name; nothing is lowered to
    one.

    ``clifford`` True: gates with angles only where the angle makes them Clifford. ``feed_forward``: "none" refuses
    every condition, "pauli" takes XOR conditions on Pauli gates, "full" takes any condition on any instruction.
    ``exact`` False means an approximation whose error the engine bounds and reports. ``max_qubits`` None means that
    only memory decides.
    """

    gates: frozenset[str]
    method: str = ""
    clifford: bool = False
    mid_circuit: bool = True
    reset: bool = True
    feed_forward: FeedForward = "full"
    logic: bool = True
    max_qubits: int | None = None
    exact: bool = True
    precision_bits: int = 64
    noise: frozenset[str] = frozenset()
    """Kinds of noise it runs: "pauli" is ``PauliNoise`` and ``PauliNoise2``, "kraus" is ``KrausNoise``, "analog" is
    ``NoisyEvolution`` with noise, "levels" one of three levels; of
    subsystems (``ir.evolutions``) "open" has collapse operators or a mixed initial state, "mixed" the latter, and
    "subsystems" are not spins all alike. An engine need not handle readings that may be wrong:
    ``lower`` applies them to its samples, or makes them of "pauli"."""
    outputs: frozenset[str] = frozenset({"counts", "events"})
    """Beside these "expectation", "state", "amplitudes", "probabilities" (all exact, of programs of gates), "gradient"
    and "sweep" (both faster than one value at a time): what ``Observer`` gives. "noisy": expectation values and
    probabilities exact of programs with noise and resets too. "sums": expectation values of whole sums, within an error
    that the caller allows (``SumObserver``). "density": the density matrix (``DensityObserver``); "trajectory": values
    over time (``FollowingEngine``). Without "counts" it draws no shots"""
    evolves: bool = False
    """It takes only programs with an evolution: others run its gates faster"""
    fences: bool = False
    """Plans are ``FencedPlan``: a run can be stopped, saved, restored and rewound at the program's fences"""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What a router knows of the outputs asked for, beyond their names (``router.outputs``)."""

    pure: bool
    """The program is gates and a final read-out, so that it ends in one state."""
    mixed: bool = False
    """It is gates, noise, resets and measurements on which nothing depends, then a final read-out: the state it ends in
    has a density matrix of its own"""
    sampled: bool
    """Expectation values are to be sampled even where they could be computed."""
    width: int
    """Most qubits that one value depends on: the causal cone of an observable, or the whole program"""
    n_ops: int
    """Gates of all the cones that are run."""
    strings: int
    """Distinct Pauli strings, and groups of qubits whose probabilities are asked."""
    bases: int
    """Bases of measurement that answer them."""
    points: int = 1
    derivatives: int = 0
    """Angles by which each observable is derived."""


class Light(msgspec.Struct, frozen=True, kw_only=True):
    """What a router knows of a program's modes of light."""

    photons: int
    """Photons of all preparations of a number."""
    elements_log2: float
    """Log2 of the elements of density matrices that the joint distribution of photon counters takes: for each the
    square of the largest number it tells, and one."""
    modes: int
    """Modes, with those that stand in for ones that were measured or are prepared anew."""


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What the router knows of a graph, computed in one linear pass without any framework (``router.features``)."""

    n_qubits: int
    """Largest number of qubits alive at once."""
    n_ops: int
    n_two_qubit: int
    n_non_clifford: int
    depth: int
    n_measure: int
    mid_circuit: bool
    """A qubit is used again after it was measured, or a condition exists."""
    has_reset: bool
    feed_forward: FeedForward
    has_logic: bool
    n_events: int
    gates: frozenset[str]
    """Short names of the ``core`` gates in the graph before lowering, full names of its evolutions."""
    entangling_width: int
    """Size of the largest set of qubits joined by entangling ops: what a state must hold at once"""
    winding: float = 0.0
    """Radians through which the state winds in its evolutions (``ir.winding.winding``)."""
    digest: str = ""
    max_bond_log2: float = 0.0
    """Upper bound on log2 of the bond dimension in qubit order: for tensor-network cost"""
    n_channel_ops: int = 0
    noise: frozenset[str] = frozenset()
    """Kinds of noise that the program needs: its own, and what the Bell pairs of its channels bring"""
    n_noise: int = 0
    """Error channels that may err; ``n_ops`` counts them too."""
    n_fences: int = 0
    """Fences: a method with ``Capabilities.fences`` runs such a program as a walk of branches (``exact.chunks``)"""
    outputs: frozenset[str] = frozenset()
    """What the job shall give (``Outputs.names``); empty: counts and events"""
    observed: Observed | None = None
    """What those outputs cost beside the counts."""
    n_branch: int = 0
    """Measurements and resets other than the final measurements: what a tree of outcomes branches at"""
    light: Light | None = None
    """What modes of light cost; None without any op on them."""
    native: dict[str, Prediction] = {}
    """Methods of the native engine, where the native core was asked."""
    segments: Prediction | None = None
    """A run whose state changes its kind on the way (``ir.segments``), where one was looked for and promises to pay."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction: seconds on one core (warm engine), and bytes at the peak.

    ``upper_bound`` True: the run may stay far below both. ``may_fail`` True: it ends in RESOURCE_EXHAUSTED, never in a
    wrong result, when the program turns out to need more; the router takes it only where nothing else can run.
    """

    seconds: float
    memory_bytes: int
    note: str = ""
    upper_bound: bool = False
    may_fail: bool = False


_DEVICE = re.compile(r"[A-Za-z0-9][\w.:/-]{0,199}", re.ASCII)
"""A provider's name of a device."""

UNCERTAINTY = 3.0
"""The factor by which a prediction may be wrong, if no calibration gives a better one."""

BOUND_UNCERTAINTY = 10.0
"""The same for a prediction that is an upper bound."""


class Gap(msgspec.Struct, frozen=True):
    """One reason why an engine cannot run a program: what is missing, and which part of the program needs it."""

    engine: str
    need: str
    detail: str


class Declaration(msgspec.Struct, frozen=True):
    """The part of an engine that is cheap to import. ``requires`` are importable module names; ``extra`` is the pip
    extra with them.

    ``python`` is the oldest Python that the library runs on, where that is newer than QMK's own: its worker then
    runs in an environment of its own (``sdk.interpreters``).

    ``methods`` maps each method to its capabilities ("" for an engine with a single method). ``cost(method, features,
    shots)`` predicts; where ``rates`` are declared they come as fourth argument, as they are or as ``qmk calibrate``
    found them on this machine. ``load`` is "package.module:Class". ``library`` is the distribution whose version is the
    engine's.
    """

    name: str
    doc: str
    load: str
    methods: dict[str, Capabilities]
    cost: Callable[..., Cost]
    beyond_s: float = 0.0
    """The router considers this engine only if all engines without such a bound are predicted to take longer than this
    many seconds: for those whose worker, library or conversion costs more than a short job is worth."""
    requires: tuple[str, ...] = ()
    extra: str = ""
    library: str = ""
    python: tuple[int, int] = (0, 0)
    rates: Mapping[str, float] = {}
    """By name, what the cost model reckons with: seconds an op, an amplitude, a shot, a start; its seconds are linear
    in them"""
    uncertainty: Mapping[str, float] = {}
    """By method, the factor within which its predictions are believed; see ``doubt``."""
    resources: Mapping[str, float] = {}
    """What the slot that runs it must have, by name: ``gpu``, ``cpu``, ``memory`` (bytes), or a label that the operator
    gives to slots, such as ``qpu:NAME``. The router leaves it out where no slot has that."""
    devices: Capabilities | None = None
    """Of an engine whose runs go to a provider, and may cost money: what a device can run that ``methods`` does not
    list. Its methods are names of devices; as it lists none, it runs only where a user names it with one. Its seconds
    are not predicted, and a worker that is to stop is asked to, so that it can cancel its task."""

    native_code: bool = False
    """Its programs are native code of their tenant. A worker of it runs one, at level ``jail`` at least, and ends; the
    host checks all that it says"""

    @property
    def shown_methods(self) -> dict[str, Capabilities]:
        """What a list of methods shows: for an engine of devices what each of them can run, as method DEVICE."""
        return self.methods if self.devices is None else {**self.methods, "DEVICE": self.devices}

    def has_method(self, method: str) -> bool:
        """Whether there is such a method, or may be such a device."""
        return method in self.methods or (self.devices is not None and _DEVICE.fullmatch(method) is not None)

    def capabilities(self, method: str) -> Capabilities:
        """What a method or a device can run; one that there is (``has_method``)."""
        if self.devices is None or method in self.methods:
            return self.methods[method]
        return msgspec.structs.replace(self.devices, method=method)

    def predict(self, method: str, features: Features, shots: int, rates: Mapping[str, float] | None = None) -> Cost:
        """Predicts the cost with the engine's own rates, or with others."""
        if not self.rates:
            return self.cost(method, features, shots)
        return self.cost(method, features, shots, self.rates if rates is None else rates)

    def doubt(self, method: str, cost: Cost) -> float:
        """The factor by which a run may take longer, or less, than ``cost`` says."""
        usual = BOUND_UNCERTAINTY if cost.upper_bound else UNCERTAINTY
        return max(self.uncertainty.get(method, usual), usual if cost.upper_bound else 1.0)


class Progress(Protocol):
    """Hears how many shots are done. ``bits``, of shape (at least shots_done, n_cbits), has them in its first rows, as
    ``Samples.bits`` will have them somewhere, so that they can be shown before the run ends. A method that has all
    shots at once, or has them in an order that depends on what they give, leaves it out. True, if ``bits`` would be
    shown now: an engine for which they are work asks first."""

    def __call__(self, shots_done: int, bits: np.ndarray[Any, np.dtype[np.uint8]] | None = None, /) -> bool | None: ...


class Samples(msgspec.Struct):
    """What a run gives. ``bits``: uint8 array of shape (shots, n_cbits), column = cbit index, row = shot.

    ``notes`` are for the result's provenance, such as an approximation's error.
    """

    bits: np.ndarray[Any, np.dtype[np.uint8]]
    notes: dict[str, Any] = {}


class Plan(Protocol):
    """A prepared program. Same plan, shots and seed give the same samples."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples: ...


class Execution(Protocol):
    """A run under way, standing at a fence (or at the start). Driving it to the end gives the samples of ``Plan.run``
    with the same shots and seed, however often it was saved, restored in another process, or rewound on the way."""

    @property
    def shots(self) -> int:
        """The number of shots it was started with; a saved state brings its own, as it does its ``seed``."""
        ...

    @property
    def seed(self) -> int: ...

    @property
    def epoch(self) -> int:
        """Epochs of the program that are behind the shots under way: all shots, unless memory makes the engine take
        them in turns. At the end, all epochs of the program."""
        ...

    @property
    def shots_done(self) -> int:
        """Shots whose bits are final; ``shots`` when, and only when, the run has ended."""
        ...

    def advance(self) -> bool:
        """Runs to the next place where it can be saved. False when there was nothing left to run."""
        ...

    def save(self) -> bytes:
        """Gives everything needed to continue in another process: quantum states, classical bits, the generator's
        position, samples. Raises ``Unsupported`` when that takes more than the limit ``checkpoint_bytes``."""
        ...

    def rewind(self, epoch: int) -> bool:
        """Goes back to the end of epoch ``epoch`` by undoing gates. False, with nothing changed, when something in
        between cannot be undone (a measurement, a reset) or used random numbers."""
        ...

    def samples(self) -> Samples:
        """The result; only after ``advance`` gave False."""
        ...


class FencedPlan(Plan, Protocol):
    """A plan of a method with ``Capabilities.fences``, for a program with fences. ``run`` is ``start``, driven to its
    end: the bits of a job do not depend on whether anybody stopped it."""

    def start(self, shots: int, seed: int) -> Execution: ...

    def resume(self, state: bytes) -> Execution:
        """Continues a saved run. Raises ``Unsupported`` when the state is of another program, engine, version or
        format, or is not a state at all. The bytes come from a store, so nothing in them may be trusted."""
        ...


class Engine(Protocol):
    """Constructed once in a worker, with no arguments. ``version`` is that of the library underneath."""

    version: str

    def prepare(self, program: Program, method: str) -> Plan:
        """Prepares a program. Raises ``Unsupported`` for anything it would otherwise drop or get wrong; it never
        ignores an instruction."""
        ...
