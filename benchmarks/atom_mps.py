"""The Z2 sweep on a chain: all amplitudes against a matrix product state, in one run.

``python -m benchmarks.atom_mps [--atoms 20] [--duration 4] [--method tdvp]`` prints CPU seconds of both, the largest
difference of a Rydberg density, and what the matrix product state says of its own error. Above ``--exact`` atoms (24)
only the latter runs. Chain of 6.1 um; fields as in ``benchmarks.atoms``, their times scaled to the duration.
"""

from __future__ import annotations

import argparse
import time

from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.engines.tenpy.engine import TenpyEngine
from qmk.models.atoms import independent, to_graph
from qmk.sdk.lower import lower
from qmk.sdk.program import Gate, Program

SPACING = 6.1


def program(atoms: int, duration: float) -> Program:
    chain = [(SPACING * k, 0.0) for k in range(atoms)]
    made = to_graph(independent.sweep(chain, duration=duration, ramp=0.075 * duration), "chain", "levels")
    lowered = lower(made, DECLARATION.methods[""].gates)
    gates = tuple(item for item in lowered.instructions if isinstance(item, Gate))
    return Program(lowered.n_qubits, 0, gates, (), {})


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--atoms", default="20")
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("--method", default="tdvp")
    parser.add_argument("--exact", type=int, default=24, help="atoms up to which all amplitudes are computed too")
    options = parser.parse_args()
    for atoms in (int(text) for text in options.atoms.split(",")):
        made = program(atoms, options.duration)
        strings = ["I" * k + "Z" + "I" * (atoms - k - 1) for k in range(atoms)]
        started = time.process_time()
        state, notes = TenpyEngine().prepare(made, options.method).state()
        found = state.expectation(strings)
        line = f"N = {atoms}, {options.duration:g} us: matrix product state {time.process_time() - started:.2f} CPU s"
        if atoms <= options.exact:
            started = time.process_time()
            wanted = RydbergEngine().observe(made, "").expectation(strings)
            spent = time.process_time() - started
            off = max(abs(a - b) for a, b in zip(found, wanted, strict=True)) / 2
            line += f", all amplitudes {spent:.2f} CPU s; densities differ by {off:.1e}"
        print(line, {key: f"{value:.2g}" if isinstance(value, float) else value for key, value in notes.items()})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
