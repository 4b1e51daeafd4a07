"""``Sampler``: a ``cirq.Sampler`` that runs on QMK."""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
from collections.abc import Sequence
from typing import Any, cast

import cirq
import numpy as np
from cirq.value.random_state import parse_random_state
from duet.api import sync

from qmk.base.errors import QmkError
from qmk.integrations.cirq import programs
from qmk.integrations.cirq.device import Device
from qmk.integrations.cirq.programs import Program
from qmk.integrations.target import Target


class Sampler(cirq.Sampler):
    """Runs circuits on QMK, in this process or on a daemon, and gives Cirq's results.

    ``seed``: what ``cirq.Simulator`` takes; each run draws from it. ``noise``: a ``cirq.NoiseModel`` or a channel,
    which Cirq puts into the circuit, or a noise of ``qmk.run``. ``server`` and ``token``: those of a daemon, as
    ``qmk.Client`` takes them ("" for the user's own); without, this process. All other options are those of
    ``qmk.run``, such as ``engine``. The points of a sweep and a batch are sent together; on a daemon each is a job.
    """

    def __init__(
        self,
        *,
        seed: cirq.RANDOM_STATE_OR_SEED_LIKE = None,
        noise: Any = None,
        server: str | None = None,
        token: str | None = None,
        **options: Any,
    ) -> None:
        self._in_circuit = isinstance(noise, (cirq.NoiseModel, cirq.Gate))
        if noise is not None and not self._in_circuit:
            options["noise"] = noise
        self._noise = noise if self._in_circuit else None
        self._random: Any = None if seed is None else parse_random_state(seed)
        self._target = Target(server, token, **options)
        self.device: Device | None = None
        """The device that circuits have to fit, qubit by qubit; None: QMK puts them on whatever they run on."""

    def run_sweep(
        self, program: cirq.AbstractCircuit, params: cirq.Sweepable, repetitions: int = 1
    ) -> Sequence[cirq.Result]:
        """The results at each point of the sweep, as one job."""
        return self._run_many([program], [params], repetitions)[0]

    async def run_batch_async(
        self,
        programs: Sequence[cirq.AbstractCircuit],
        params_list: Sequence[cirq.Sweepable] | None = None,
        repetitions: int | Sequence[int] = 1,
    ) -> Sequence[Sequence[cirq.Result]]:
        """The results of several circuits, each with a sweep: one job for each number of repetitions."""
        sweeps, counts = self._normalize_batch_args(programs, params_list, repetitions)
        found: list[Sequence[cirq.Result]] = [[]] * len(programs)
        for count in dict.fromkeys(counts):
            own = [k for k, each in enumerate(counts) if each == count]
            made = self._run_many([programs[k] for k in own], [sweeps[k] for k in own], count)
            for k, results in zip(own, made, strict=True):
                found[k] = results
        return found

    run_batch = cast("Any", sync(run_batch_async))

    def sample_expectation_values(
        self,
        program: cirq.AbstractCircuit,
        observables: Any,
        *,
        num_samples: int,
        params: cirq.Sweepable = None,
        permit_terminal_measurements: bool = False,
    ) -> Sequence[Sequence[float]]:
        """Values of observables from so many shots of each basis of measurement, at each point of the sweep."""
        if num_samples <= 0:
            raise ValueError(f"Expectation values require at least one sample. Received: {num_samples}.")
        if not observables:
            raise ValueError("At least one observable must be provided.")
        self._require_no_readout(program, permit_terminal_measurements)
        return self._values(program, observables, params, shots=num_samples, seed=self._seed())

    # -- what all of them do -----------------------------------------------------------------------------------------

    def _seed(self) -> int | None:
        return None if self._random is None else int(self._random.randint(0, 1 << 31))

    def _with_noise(self, program: cirq.AbstractCircuit) -> cirq.AbstractCircuit:
        return program if self._noise is None else program.unfreeze(copy=False).with_noise(self._noise)

    def _require_no_readout(self, program: cirq.AbstractCircuit, permitted: bool) -> None:
        if not permitted and program.are_any_measurements_terminal():
            raise ValueError(
                "Provided circuit has terminal measurements, which may skew expectation values. If this is "
                "intentional, set permit_terminal_measurements=True."
            )

    def _run_many(
        self, circuits: Sequence[cirq.AbstractCircuit], sweeps: Sequence[cirq.Sweepable], repetitions: int
    ) -> list[list[cirq.Result]]:
        if repetitions < 0:
            raise ValueError(f"repetitions must be at least 0, not {repetitions}")
        runs, batch = self._batch(circuits, sweeps)
        if repetitions == 0:
            return [[_empty(program, resolver) for program, resolver in own] for own in runs]
        found = iter(self._target.run(batch, shots=repetitions, seed=self._seed()) if batch else ())
        return [[programs.to_result(next(found), program.keys, resolver) for program, resolver in own] for own in runs]

    def _batch(
        self, circuits: Sequence[cirq.AbstractCircuit], sweeps: Sequence[cirq.Sweepable]
    ) -> tuple[list[list[tuple[Program, cirq.ParamResolver]]], list[Any]]:
        """The runs of each circuit, and the batch that has them all in this order."""
        runs: list[list[tuple[Program, cirq.ParamResolver]]] = []
        batch: list[Any] = []
        for circuit, sweep in zip(circuits, sweeps, strict=True):
            if not circuit.has_measurements():
                raise ValueError("Circuit has no measurements to sample.")
            resolvers = list(cirq.to_resolvers(sweep))
            sites = None
            if self.device is not None:
                self.device.validate_circuit(circuit)
                sites = self.device.all_sites
            circuit = self._with_noise(circuit)
            program = _read_open(circuit, sites)
            if program is None:
                own = [programs.read(cirq.resolve_parameters(circuit, resolver), sites) for resolver in resolvers]
                batch += [each.circuit for each in own]
                runs.append(list(zip(own, resolvers, strict=True)))
                continue
            points = programs.points_of(circuit, program.circuit, resolvers)
            if points is None:
                batch += [program.circuit] * len(resolvers)
            elif resolvers:
                batch.append((program.circuit, points))
            runs.append([(program, resolver) for resolver in resolvers])
        return runs, batch

    def _values(
        self, program: cirq.AbstractCircuit, observables: Any, params: cirq.Sweepable, **options: Any
    ) -> list[list[float]]:
        """The values of observables at each point."""
        wanted = programs.observables_of(observables)
        qubits: Sequence[cirq.Qid] = sorted(
            {*program.all_qubits(), *(qubit for each in wanted for qubit in each.qubits)}
        )
        if self.device is not None:
            self.device.validate_circuit(program)
            qubits = self.device.all_sites
        resolvers = list(cirq.to_resolvers(params))
        found = programs.read(self._with_noise(program), qubits)
        points = programs.points_of(program, found.circuit, resolvers)
        asked: list[Any] = [programs.to_observable(each, qubits) for each in wanted]
        rows = self._target.values(found.circuit, asked, points, **options) if resolvers else []
        if points is None:
            rows = rows * len(resolvers)
        return [[each.value for each in row] for row in rows]


def _read_open(circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid] | None) -> Program | None:
    """The circuit with its parameters open; None where only their values let it be read."""
    try:
        return programs.read(circuit, qubits)
    except QmkError:
        if not cirq.is_parameterized(circuit):
            raise
        return None


def _empty(program: Program, resolver: cirq.ParamResolver) -> cirq.ResultDict:
    width = sum(instances * width for instances, width in program.keys.values())
    return cirq.ResultDict(params=resolver, records=programs.records_of(np.zeros((0, width), np.uint8), program.keys))
