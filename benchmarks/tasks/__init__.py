"""Ten everyday tasks, each as the script that a user of QMK, Qiskit or PennyLane writes, and one more.

``python -m benchmarks.tasks --peers PYTHON`` runs and measures them (``__main__``); the scripts are in ``scripts``. A
task knows the numbers that each script has to print, so that a fast wrong answer counts as none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
RESULTS = ROOT / "benchmarks" / "results" / "tasks.json"

LIBRARIES = ("QMK", "Qiskit", "PennyLane")


@dataclass(frozen=True)
class Task:
    """``values``: the numbers that a script prints, shares of the shots for counts; ``within``: how far each may be
    from its value: 5 standard deviations where it is sampled. ``scripts``: the file of each library, without ``.py``.
    ``extra``: it stands beside the ten."""

    name: str
    title: str
    what: str
    values: tuple[float, ...]
    within: tuple[float, ...]
    scripts: Mapping[str, str]
    note: str = ""
    extra: bool = False

    def deviations(self, output: str) -> str:
        """What is wrong with the output of a script; "" if nothing is."""
        found = numbers(output)
        if len(found) != len(self.values):
            return f"{len(found)} numbers, not {len(self.values)}"
        pairs = zip(found, self.values, self.within, strict=True)
        wrong = [f"{x:g} is not {value:g} +- {most:g}" for x, value, most in pairs if not abs(x - value) <= most]
        return "; ".join(wrong)


def numbers(output: str) -> list[float]:
    """The numbers of an output in their order; of counts, the shares of their bitstrings, these in ascending order."""
    counts = re.findall(r"'([01]+)'\)?: (?:np\.int64\()?(\d+)", output)
    if counts:
        total = sum(int(shots) for _, shots in counts)
        return [int(shots) / total for _, shots in sorted(counts)]
    return [float(text) for text in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", output)]


def lines_of(script: str) -> int:
    """Lines that are neither blank nor a comment; the scripts are formatted by ruff, 120 columns wide."""
    lines = (SCRIPTS / f"{script}.py").read_text().splitlines()
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def _task(
    name: str,
    title: str,
    what: str,
    values: Sequence[float],
    within: float | Sequence[float],
    note: str = "",
    peer: str = "",
    extra: bool = False,
) -> Task:
    """``peer``: the library that users of Qiskit and PennyLane both take."""
    endings = ("qmk", peer or "qiskit", peer or "pennylane")
    scripts = {library: f"{name}_{ending}" for library, ending in zip(LIBRARIES, endings, strict=True)}
    each = (within,) * len(values) if isinstance(within, float) else tuple(within)
    return Task(name, title, what, tuple(values), each, scripts, note, extra)


def _of_shares(shares: Sequence[float], shots: int) -> list[float]:
    """Five standard deviations of shares of so many shots."""
    return [5 * (p * (1 - p) / shots) ** 0.5 for p in shares]


_BACK = (0.99588, 0.98013, 0.96182, 0.92444, 0.86307)
_CHAIN = (
    (0, 0.32933, 0.13153, 0.20358, 0.16752, 0.14936, 0.16752, 0.20358, 0.13153, 0.32933),
    (10, 0.65001, 0.09075, 0.47526, 0.17227, 0.43192, 0.17227, 0.47526, 0.09075, 0.65001),
    (20, 0.87304, 0.01423, 0.85487, 0.02444, 0.8575, 0.02444, 0.85487, 0.01423, 0.87304),
    (30, 0.91583, 0.01719, 0.86785, 0.0357, 0.85822, 0.0357, 0.86785, 0.01719, 0.91583),
    (40, 0.94882, 0.01511, 0.92014, 0.04389, 0.91701, 0.04389, 0.92014, 0.01511, 0.94882),
)

TASKS = (
    _task("bell", "A Bell pair", "1,000 shots of two qubits, counted.", (0.5, 0.5), 0.079),
    _task(
        "ghz",
        "A noisy GHZ state",
        "20 qubits, each qubit of a gate depolarised with 1 % after it, 2,000 shots: the share of all 0 and all 1.",
        (0.77559,),
        _of_shares((0.77559,), 2000),
        "Aer's stabilizer method; PennyLane's default.clifford, which is Stim.",
    ),
    _task(
        "vqe",
        "A variational eigensolver",
        "SciPy's BFGS with exact gradients, 8 spins in a transverse field, 24 angles.",
        (-9.6937,),
        2e-4,
        "Aer's EstimatorV2 with parameter shifts, all points of a gradient in one PUB; lightning.qubit with adjoint "
        "gradients (JAX and jit took 9 s, most of it compiling).",
    ),
    _task(
        "qaoa",
        "A sweep of QAOA",
        "The cut of a ring of eight on a grid of 625 points: its maximum and its mean.",
        (6.0, 4.0),
        1e-6,
        "One PUB of Aer's EstimatorV2; default.qubit with broadcast parameters.",
    ),
    _task(
        "teleport",
        "Teleportation",
        "Two measurements, two gates that depend on them, 1,000 shots: every shot arrives.",
        (1.0,),
        0.0,
        "Deferred measurements are PennyLane's fastest way here.",
    ),
    _task(
        "hamiltonian",
        "A Hamiltonian of a hundred terms",
        "The exact value of 100 random Pauli strings on 10 qubits.",
        (-0.044946998,),
        2e-9,
        "Qiskit's Statevector, faster here than an Estimator.",
    ),
    _task(
        "memory",
        "The memory of a code",
        "A surface code of distance 5, five rounds, circuit noise of 0.5 %, 100,000 shots, decoded by matching: the "
        "share of wrong answers.",
        (0.01407,),
        _of_shares((0.01407,), 100_000),
        "Neither Qiskit nor PennyLane has codes with decoders: users of both take Stim and PyMatching, and so does QMK "
        "underneath. What it gains is that checks which no observable needs are left out. With 20,000 shots "
        "imports dominate, and the process of Stim and PyMatching alone is faster by some 0.07 s.",
        peer="stim",
    ),
    _task(
        "estimate",
        "A resource estimate",
        "Physical qubits and nanoseconds of a Fourier transform of 16 qubits on an error-corrected machine.",
        (731770, 6531200),
        0.0,
        "Neither Qiskit nor PennyLane estimates physical qubits: their users take Microsoft's qdk, on the circuit "
        "as it is or by way of OpenQASM.",
    ),
    _task(
        "rydberg",
        "A sweep of Rydberg atoms",
        "Nine atoms, every pair interacting: the probability that each is excited, at five detunings on the way.",
        [x for row in _CHAIN for x in row],
        5e-4,
        "Qiskit has no atoms; its user writes the matrices and calls SciPy. PennyLane's pulses run on JAX.",
    ),
    _task(
        "many",
        "Five hundred circuits",
        "500 random circuits of 5 qubits and 56 gates, 100 shots each: the share of ones.",
        (0.38762,),
        0.011,
        "One call of Aer's statevector method; one batch of tapes on lightning.qubit.",
    ),
    _task(
        "rb",
        "Five hundred noisy circuits",
        "Randomised benchmarking of one qubit: 500 sequences of five lengths with their inverses, 100 shots each, "
        "depolarizing errors of 0.2 %: the share that comes back.",
        [x for pair in zip((1, 5, 10, 20, 40), _BACK, strict=True) for x in pair],
        [x for most in _of_shares(_BACK, 10_000) for x in (0.0, most)],
        "Not one of the ten. A batch reads its noise once, and writes it into the circuits of the native core.",
        extra=True,
    ),
)
