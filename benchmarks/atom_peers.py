"""The Z2 sweep on other simulators, under an interpreter of their own: ``PYTHON benchmarks/atom_peers.py PEER N``.

Prints JSON: CPU seconds of the solution alone (imports, the building of operators and a first run of two atoms aside),
the densities, the C6 that the peer has, and of sampled densities the number of shots. It imports nothing of QMK.

Settings are the cheapest found with which densities come within 1e-6: QuTiP with DOP853 and linear splines for the
fields, bloqade-analog with DOP853 in place of its own tolerance of 1e-14. Two cannot come that near, whatever they are
told, and run as they come: Pulser holds fields for a nanosecond (3e-4 to 2e-3), and Braket's simulator steps over a
thousand points of time.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

SPACING, C6, TIMES = 6.1, 5_420_441.13, [0.0, 0.3, 3.7, 4.0]
AMPLITUDE, DETUNING = [0.0, 15.0, 15.0, 0.0], [-30.0, -30.0, 40.0, 40.0]

Found = dict[str, Any]


def of_qutip(atoms: int) -> Found:
    import numpy as np
    import qutip

    excited, flip = qutip.num(2), qutip.sigmax()

    def on(operator: Any, atom: int) -> Any:
        return qutip.tensor([operator if k == atom else qutip.qeye(2) for k in range(atoms)])

    numbers = [on(excited, k) for k in range(atoms)]
    pairs = sum(C6 / (SPACING * (i - j)) ** 6 * numbers[i] * numbers[j] for i in range(atoms) for j in range(i))
    light, shift = sum(0.5 * on(flip, k) for k in range(atoms)), sum(-1 * number for number in numbers)
    fields = [qutip.coefficient(np.array(values), tlist=np.array(TIMES), order=1) for values in (AMPLITUDE, DETUNING)]
    start = qutip.tensor([qutip.basis(2, 0)] * atoms)
    options = {"method": "dop853", "rtol": 1e-6, "atol": 1e-8, "nsteps": 10_000_000}
    hamiltonian = qutip.QobjEvo([pairs, [light, fields[0]], [shift, fields[1]]])
    began = time.process_time()
    state = qutip.sesolve(hamiltonian, start, TIMES, options=options).states[-1]
    spent = time.process_time() - began
    return {"cpu_s": spent, "densities": [float(qutip.expect(number, state)) for number in numbers], "c6": C6}


def of_bloqade(atoms: int) -> Found:
    from bloqade.analog.atom_arrangement import Chain

    lengths = [b - a for a, b in itertools.pairwise(TIMES)]
    drive = Chain(atoms, lattice_spacing=SPACING).rydberg.rabi.amplitude.uniform.piecewise_linear(lengths, AMPLITUDE)
    program = drive.detuning.uniform.piecewise_linear(lengths, DETUNING)
    runner = program.bloqade.python()
    shots = 1000
    began = time.process_time()
    report = runner.run(shots, solver_name="dop853", rtol=1e-6, atol=1e-6).report()
    spent = time.process_time() - began
    densities = [float(x) for x in report.rydberg_densities().to_numpy()[0]]
    return {"cpu_s": spent, "densities": densities, "c6": C6, "shots": shots}


def of_pulser(atoms: int) -> Found:
    import numpy as np
    import pulser
    from pulser.waveforms import CompositeWaveform, RampWaveform
    from pulser_simulation import QutipEmulator

    def ramps(values: list[float]) -> Any:
        lengths = [round(1000 * (b - a)) for a, b in itertools.pairwise(TIMES)]
        parts = zip(lengths, itertools.pairwise(values), strict=True)
        return CompositeWaveform(*(RampWaveform(length, a, b) for length, (a, b) in parts))

    places = {f"q{k}": (SPACING * k, 0.0) for k in range(atoms)}
    sequence = pulser.Sequence(pulser.Register(places), pulser.MockDevice)
    sequence.declare_channel("light", "rydberg_global")
    sequence.add(pulser.Pulse(ramps(AMPLITUDE), ramps(DETUNING), 0.0), "light")
    emulator = QutipEmulator.from_sequence(sequence, evaluation_times="Minimal")
    began = time.process_time()
    state = emulator.run().get_final_state()
    spent = time.process_time() - began
    weights = np.abs(state.full().reshape((2,) * atoms)) ** 2  # the first of a pair is r
    densities = [float(np.moveaxis(weights, k, 0)[0].sum()) for k in range(atoms)]
    return {"cpu_s": spent, "densities": densities, "c6": float(pulser.MockDevice.interaction_coeff)}


def of_braket(atoms: int) -> Found:
    from braket.ahs import AnalogHamiltonianSimulation, AtomArrangement, DrivingField
    from braket.analog_hamiltonian_simulator.rydberg import rydberg_simulator
    from braket.timings.time_series import TimeSeries

    def series(values: list[float]) -> Any:
        made = TimeSeries()
        for t, value in zip(TIMES, values, strict=True):
            made.put(t * 1e-6, value * 1e6)
        return made

    arrangement = AtomArrangement()
    for k in range(atoms):
        arrangement.add((k * SPACING * 1e-6, 0.0))
    light = DrivingField(series(AMPLITUDE), series([0.0] * len(TIMES)), series(DETUNING))
    program = AnalogHamiltonianSimulation(register=arrangement, hamiltonian=light).to_ir()
    kept: list[Any] = []
    sample = rydberg_simulator.sample_state

    def keep(state: Any, shots: int) -> Any:
        kept.append(state)
        return sample(state, shots)

    rydberg_simulator.sample_state = keep
    simulator = rydberg_simulator.RydbergAtomSimulator()
    began = time.process_time()
    simulator.run(program, shots=100, steps=1000, rydberg_interaction_coef=C6 * 1e-30)
    spent = time.process_time() - began
    rydberg_simulator.sample_state = sample
    weights = abs(kept[0]) ** 2
    densities = [
        float(sum(w for w, text in zip(weights, simulator.configurations, strict=True) if text[k] == "r"))
        for k in range(atoms)
    ]
    return {"cpu_s": spent, "densities": densities, "c6": C6}


PEERS: dict[str, Callable[[int], Found]] = {
    "qutip": of_qutip,
    "bloqade": of_bloqade,
    "pulser": of_pulser,
    "braket": of_braket,
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    solve = PEERS[sys.argv[1]]
    solve(2)
    print(json.dumps(solve(int(sys.argv[2]))))
