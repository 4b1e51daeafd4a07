"""The Z2 sweep: all amplitudes against a matrix product state, in one run.

``python -m benchmarks.atom_mps [--atoms 20] [--lattice square] [--duration 4] [--method tdvp]`` prints CPU seconds of
both, the distance of the states (up to a phase) and the largest difference of a Rydberg density, beside the error that
the matrix product state says of itself. Above ``--exact`` atoms (24) only the latter runs. Chain or square of 6.1 um;
fields as in ``benchmarks.atoms``, their times scaled to the duration.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import numpy.typing as npt

from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.engine import RydbergEngine, RydbergObserver
from qmk.engines.tenpy.engine import TenpyEngine
from qmk.engines.tenpy.state import State
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Program
from qmk.models.atoms import independent, to_graph

SPACING = 6.1


def places(atoms: int, lattice: str) -> list[tuple[float, float]]:
    """A chain, or as many rows of as many columns as there is a divisor for."""
    wide = atoms
    if lattice == "square":
        wide = next(k for k in range(math.isqrt(atoms - 1) + 1, atoms + 1) if atoms % k == 0)
    return [(SPACING * (k % wide), SPACING * (k // wide)) for k in range(atoms)]


def program(atoms: int, duration: float, lattice: str = "chain") -> Program:
    points = places(atoms, lattice)
    made = to_graph(independent.sweep(points, duration=duration, ramp=0.075 * duration), "chain", "levels")
    lowered = lower(made, DECLARATION.methods[""].gates)
    gates = tuple(item for item in lowered.instructions if isinstance(item, Gate))
    return Program(lowered.n_qubits, 0, gates, (), {})


def distance(state: State, exact: npt.NDArray[np.complex128]) -> float:
    """Of the matrix product state from all amplitudes, each up to a phase."""
    overlap = exact.reshape((2,) * len(state.site)).transpose(np.argsort(state.site)).reshape(1, -1).conj()
    for tensor in state.tensors:  # rows: the bond
        overlap = np.tensordot(tensor, overlap.reshape(tensor.shape[0], 2, -1), axes=((0, 1), (0, 1)))
    return math.sqrt(max(0.0, 2 - 2 * abs(overlap.item())))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--atoms", default="20")
    parser.add_argument("--lattice", default="chain", choices=("chain", "square"))
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("--method", default="tdvp")
    parser.add_argument("--exact", type=int, default=24, help="atoms up to which all amplitudes are computed too")
    options = parser.parse_args()
    for atoms in (int(text) for text in options.atoms.split(",")):
        made = program(atoms, options.duration, options.lattice)
        strings = ["I" * k + "Z" + "I" * (atoms - k - 1) for k in range(atoms)]
        started = time.process_time()
        state, notes = TenpyEngine().prepare(made, options.method).state()
        found = state.expectation(strings)
        line = f"{options.lattice} of {atoms}, {options.duration:g} us: "
        line += f"matrix product state {time.process_time() - started:.2f} CPU s"
        if atoms <= options.exact:
            started = time.process_time()
            exact = RydbergEngine().observe(made, "")
            assert isinstance(exact, RydbergObserver)
            wanted = exact.expectation(strings)
            spent = time.process_time() - started
            off = max(abs(a - b) for a, b in zip(found, wanted, strict=True)) / 2
            line += f", all amplitudes {spent:.2f} CPU s; states differ by {distance(state, exact.state()):.1e}"
            line += f", densities by {off:.1e}"
        print(
            line,
            {key: f"{value:.2g}" if isinstance(value, float) else value for key, value in notes.items()},
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
