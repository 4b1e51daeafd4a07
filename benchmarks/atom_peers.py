"""The Z2 sweep on other simulators, each under an interpreter of its own: ``PYTHON benchmarks/atom_peers.py PEER N``.

Prints JSON: CPU seconds of the solution alone (imports and the building of operators aside), and the densities. It
imports nothing of QMK. Settings are those with which a peer's densities agree to about 1e-7 with a tighter run: QuTiP
with DOP853 at 1e-7, bloqade-analog with DOP853 at 1e-7 in place of its own 1e-14.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

SPACING, C6, TIMES = 6.1, 5_420_441.13, [0.0, 0.3, 3.7, 4.0]
AMPLITUDE, DETUNING = [0.0, 15.0, 15.0, 0.0], [-30.0, -30.0, 40.0, 40.0]

Found = tuple[float, list[float]]


def of_qutip(atoms: int) -> Found:
    import numpy as np
    import qutip

    excited, flip = qutip.num(2), qutip.sigmax()

    def on(operator: Any, atom: int) -> Any:
        return qutip.tensor([operator if k == atom else qutip.qeye(2) for k in range(atoms)])

    numbers = [on(excited, k) for k in range(atoms)]
    pairs = sum(C6 / (SPACING * (i - j)) ** 6 * numbers[i] * numbers[j] for i in range(atoms) for j in range(i))
    light, shift = sum(0.5 * on(flip, k) for k in range(atoms)), sum(-1 * number for number in numbers)
    parts = [
        pairs,
        [light, lambda t: float(np.interp(t, TIMES, AMPLITUDE))],
        [shift, lambda t: float(np.interp(t, TIMES, DETUNING))],
    ]
    start = qutip.tensor([qutip.basis(2, 0)] * atoms)
    options = {"method": "dop853", "rtol": 1e-7, "atol": 1e-9, "nsteps": 10_000_000}
    began = time.process_time()
    state = qutip.sesolve(qutip.QobjEvo(parts), start, TIMES, options=options).states[-1]
    spent = time.process_time() - began
    return spent, [float(qutip.expect(number, state)) for number in numbers]


def of_bloqade(atoms: int) -> Found:
    from bloqade.analog.atom_arrangement import Chain

    lengths = [b - a for a, b in itertools.pairwise(TIMES)]
    drive = Chain(atoms, lattice_spacing=SPACING).rydberg.rabi.amplitude.uniform.piecewise_linear(lengths, AMPLITUDE)
    program = drive.detuning.uniform.piecewise_linear(lengths, DETUNING)
    runner = program.bloqade.python()
    shots = 1000
    began = time.process_time()
    report = runner.run(shots, solver_name="dop853", rtol=1e-7, atol=1e-7).report()
    return time.process_time() - began, [float(x) for x in report.rydberg_densities().to_numpy()[0]]


PEERS: dict[str, Callable[[int], Found]] = {"qutip": of_qutip, "bloqade": of_bloqade}

if __name__ == "__main__":
    cpu, densities = PEERS[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps({"cpu_s": cpu, "densities": densities}))
