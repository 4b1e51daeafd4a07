"""Computes outputs beyond counts on one engine. They are exact if its method has them and the program ends in one
state. Otherwise expectation values and probabilities are estimated from shots in other bases, which every engine can
draw."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.exact.paulis import Tally, frequencies
from qmk.ir.affine import Affine, Vector, affine
from qmk.ir.bases import Basis, bases
from qmk.ir.cone import Cone, Support, cones, supports_of
from qmk.ir.program import Gate, Noise, Program, Reset
from qmk.ir.shifts import shifts_of
from qmk.qvm import outputs as asked
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Estimate, Outputs, Point, Sweep, Values
from qmk.sdk.engine import (
    DensityObserver,
    FastObserver,
    FollowingEngine,
    Observer,
    ObservingEngine,
    SumObserver,
    Unsupported,
)
from qmk.worker.messages import Partial
from qmk.worker.native import events_of
from qmk.worker.observed import (
    angles_of,
    consists_of,
    final_state,
    gates_only,
    measure_in_bases,
    part,
    place_gates,
    strings_of,
    sums_of,
    to_bytes,
)

if TYPE_CHECKING:
    from qmk.worker.partials import Show
    from qmk.worker.runner import Runner

VALUES = ("expectation", "probabilities")
"""Outputs that shots can estimate."""


def values_of(
    runner: Runner,
    graph: Graph,
    method: str,
    outputs: Outputs,
    shots: int,
    seed: int,
    show: Show | None = None,
) -> Values:
    """The values that ``outputs`` asks of a verified graph. Where they are sampled, each basis takes ``shots`` shots.
    ``show`` gets those of the points that are done, or of the shots in the only basis.

    Raises ``QmkError`` UNSUPPORTED for what the method cannot give.
    """
    return _Work(runner, graph, method, outputs, shots, seed, show).values()


class _Work:
    def __init__(
        self,
        runner: Runner,
        graph: Graph,
        method: str,
        outputs: Outputs,
        shots: int,
        seed: int,
        show: Show | None = None,
    ) -> None:
        self.show = show
        self.runner, self.graph, self.method = runner, graph, method
        self.outputs, self.shots, self.seed = outputs, shots, seed
        self.can = runner.capabilities(method)
        self.n = asked.n_qubits(graph)
        self.program = final_state(graph, self.can)
        wanted = outputs.names & {"expectation", "state", "amplitudes", "probabilities", "density"}
        self.pure = consists_of(self.program, Gate)
        seen = self.pure or ("noisy" in self.can.outputs and consists_of(self.program, Gate, Noise, Reset))
        self.exact = seen and not outputs.sampled and wanted <= self.can.outputs
        followed = {"trajectory"} & outputs.names - self.can.outputs
        if followed or (not self.exact and (wanted - set(VALUES))):
            lost = sorted(followed | wanted - set(VALUES))
            gates_only(self.program)  # says what is in the way, where it is the program
            raise QmkError(
                "UNSUPPORTED",
                f"engine '{runner.declaration.name}' (method '{method}') gives no {', '.join(lost)}"
                + (" beside sampled values" if outputs.sampled else ""),
                engine=runner.declaration.name,
                method=method,
            )
        self.derived: Sweep | None = None
        if outputs.gradient:
            self.derived = outputs.sweep if outputs.sweep is not None else asked.all_angles(graph)
        self._map: Affine | None = None

    def values(self) -> Values:
        sweep = self.outputs.sweep
        if sweep is None or not sweep.points:
            found = [self._point(self.graph, 0)]
            self._tell(self.shots, found)
            return self._values(found)
        swept = self._swept() if self.exact and self._in_one_call() else []
        values = bool(self.outputs.names - {"counts", "sweep"})
        found: list[Point] = []
        for number, row in enumerate(sweep.points):
            at, graph = sweep.first + number, asked.bound(self.graph, sweep, row)
            point = swept[number] if swept else self._point(graph, at) if values else Point()
            found.append(self._with_counts(point, graph, at))
            self._tell(self.shots * len(found) // len(sweep.points), found)
        return self._values(found)

    def _tell(self, shots_done: int, found: list[Point]) -> None:
        if self.show is not None and self.show.wants():
            self.show(Partial(shots_done, values=self._values(found)))

    def _values(self, found: list[Point]) -> Values:
        name = self.runner.declaration.name
        cut = any(value.kind for row in found for value in row.expectations)
        sweep = self.outputs.sweep
        names, widths = events_of(self.graph) if sweep is not None and sweep.events else ([], [])
        return Values(
            exact=self.exact and not cut,
            engine=f"{name}:{self.method}" if self.method else name,
            parameters=list(self.derived.names) if self.derived is not None else [],
            shots=0 if self.exact else self.shots,
            points=list(found),
            entry=sweep.first if sweep is not None and sweep.seeds == "batch" else None,
            event_names=names,
            event_widths=widths,
        )

    def _with_counts(self, point: Point, graph: Graph, at: int) -> Point:
        """The values of point number ``at`` of the sweep with its counts, if these are wanted."""
        if not self.outputs.counts:
            return point
        sweep = cast("Sweep", self.outputs.sweep)
        seed = substream(self.seed, sweep.seeds, at)
        done = self.runner.execute(graph, self.method, self.shots, seed, keep_events=sweep.events)
        return msgspec.structs.replace(point, counts=done.counts, events=done.event_bits)

    def _point(self, graph: Graph, at: int) -> Point:
        program = self.program if graph is self.graph else final_state(graph, self.can)
        gradients: list[list[Estimate]] = []
        if self.exact and self.derived is not None and "gradient" in self.can.outputs:
            return self._adjoint(program)
        if self.exact:
            seen = self.outputs.names - {"trajectory", "counts", "sweep"}
            point = self._looked_at(program, self.outputs) if seen else Point()
            if self.derived is not None:
                gradients = self._differentiate(graph, at)
        else:
            point = self._sample(program, self.outputs, at, "values")
            if self.derived is not None:
                gradients = self._differentiate(graph, at)
        if self.outputs.trajectory:
            point = self._follow(point, program)
        return msgspec.structs.replace(point, gradients=gradients)

    def _follow(self, point: Point, program: Program) -> Point:
        """``point`` with values over time, too."""
        engine = cast("FollowingEngine", self.runner.engine)
        with self._refusing():
            times, rows = engine.trajectory(program, self.method, self.shots, self.seed)
        return msgspec.structs.replace(point, times=times, trajectory=rows)

    # -- exact -------------------------------------------------------------------------------------------------------

    def observer(self, program: Program) -> Observer:
        engine = cast("ObservingEngine", self.runner.engine)
        with self._refusing():
            return engine.observe(program, self.method)

    @contextmanager
    def _refusing(self) -> Generator[None]:
        """What the engine refuses in here, as an error with its name."""
        try:
            yield
        except Unsupported as refused:
            name = self.runner.declaration.name
            raise QmkError("UNSUPPORTED", str(refused), engine=name, method=self.method) from refused

    def _cones(self, gates: Sequence[Gate], supports: Sequence[Support], outputs: Outputs) -> list[Cone]:
        if outputs.state or outputs.amplitudes or outputs.density:
            everything = tuple(range(self.n))
            return [Cone(everything, tuple(range(len(gates))), tuple(range(len(supports))))]
        return cones(place_gates(gates), supports, self.n)

    def _looked_at(self, program: Program, outputs: Outputs) -> Point:
        """Computes the values of a program of gates, each from its causal cone; for a program with noise, from the
        whole program."""
        strings, groups = strings_of(outputs), outputs.probabilities
        if "sums" in self.can.outputs:
            return self._of_sums(program, outputs)
        if not self.pure:
            observer = self.observer(program)
            found = dict(zip(strings, observer.expectation(strings) if strings else (), strict=True))
            rows = [[Estimate(p) for p in observer.probabilities(group)] for group in groups]
            density = to_bytes(cast("DensityObserver", observer).density()) if outputs.density else b""
            return Point(expectations=sums_of(outputs.expectations, found), probabilities=rows, density=density)
        gates = gates_only(program)
        supports = [*supports_of(strings), *(dict.fromkeys(group, "Z") for group in groups)]
        values: dict[str, float] = {}
        chances: dict[int, list[float]] = {}
        state, density, amplitudes = b"", b"", []
        for cone in self._cones(gates, supports, outputs):
            observer = self.observer(part(program, [gates[k] for k in cone.gates], cone.qubits))
            mine = [strings[k] for k in cone.members if k < len(strings)]
            short = ["".join(text[q] for q in cone.qubits) for text in mine]
            values.update(zip(mine, observer.expectation(short) if short else (), strict=True))
            for k in (k - len(strings) for k in cone.members if k >= len(strings)):
                chances[k] = observer.probabilities([cone.qubits.index(q) for q in groups[k]])
            if outputs.state:
                state = to_bytes(observer.state())
            if outputs.density:
                density = to_bytes(cast("DensityObserver", observer).density())
            if outputs.amplitudes:
                amplitudes = [(z.real, z.imag) for z in observer.amplitudes(outputs.amplitudes)]
        return Point(
            expectations=sums_of(outputs.expectations, values),
            state=state,
            density=density,
            amplitudes=amplitudes,
            probabilities=[[Estimate(p) for p in chances[k]] for k in range(len(groups))],
        )

    def _of_sums(self, program: Program, outputs: Outputs) -> Point:
        """Computes values with an engine that takes whole observables, within the error that is allowed."""
        observer = cast("SumObserver", self.observer(program))
        with self._refusing():
            sums = [observer.sum_of(row, outputs.tolerance) for row in outputs.expectations]
            chances = [[Estimate(p) for p in observer.probabilities(group)] for group in outputs.probabilities]
        return Point(expectations=sums, probabilities=chances)

    def _angle_map(self) -> Affine:
        """Angles of the lowered program as a function of the parameters."""
        sweep = cast("Sweep", self.derived or self.outputs.sweep)
        names = [(gate.name, gate.qubits) for gate in gates_only(self.program)]

        def angles(point: Vector) -> Vector | None:
            program = final_state(asked.bound(self.graph, sweep, tuple(point)), self.can)
            gates = gates_only(program)
            if [(gate.name, gate.qubits) for gate in gates] != names:
                return None
            return angles_of(gates)

        found = affine(angles, len(sweep.names))
        if found is None:
            raise QmkError(
                "UNSUPPORTED",
                f"on engine '{self.runner.declaration.name}' the program's angles are not an affine function of the "
                "parameters: its gates are rewritten in a way that depends on their values",
                help="use another engine, or write the gates as rotations",
            )
        return found

    def _adjoint(self, program: Program) -> Point:
        """Computes values and derivatives in one pass, with the engine's own gradient and the chain rule."""
        if self._map is None:
            self._map = self._angle_map()
        gates = gates_only(program)
        starts = np.cumsum([0, *(len(gate.params) for gate in gates)])
        values: list[Estimate] = []
        gradients: list[list[Estimate]] = []
        for observable in self.outputs.expectations:
            terms = [(text, factor) for text, factor in observable if text.strip("I")]
            value = sum(factor for text, factor in observable if not text.strip("I"))
            by_angle = np.zeros(int(starts[-1]))
            for cone in cones(place_gates(gates), supports_of(text for text, _ in terms), self.n):
                observer = self.observer(part(program, [gates[k] for k in cone.gates], cone.qubits))
                mine = [("".join(terms[k][0][q] for q in cone.qubits), terms[k][1]) for k in cone.members]
                if not mine:
                    continue
                found, slopes = cast("FastObserver", observer).gradient(mine)
                value += found
                places = [at for k in cone.gates for at in range(int(starts[k]), int(starts[k + 1]))]
                np.add.at(by_angle, places, slopes)
            values.append(Estimate(float(value)))
            gradients.append([Estimate(float(slope)) for slope in self._map.pull(by_angle)])
        rest = msgspec.structs.replace(self.outputs, expectations=())
        more = rest.names - {"gradient", "counts", "sweep"}
        point = self._looked_at(program, rest) if more else Point()
        return msgspec.structs.replace(point, expectations=values, gradients=gradients)

    def _in_one_call(self) -> bool:
        """Whether the engine's own sweep gives everything that is asked for."""
        more = self.outputs.names - {"expectation", "sweep", "counts"}
        return "sweep" in self.can.outputs and not more and bool(self.outputs.expectations)

    def _swept(self) -> list[Point]:
        """Computes all points with the engine's own sweep; none if the map from parameters to angles is not affine."""
        try:
            angles = self._angle_map().at(np.array(self.outputs.points, dtype=np.float64))
        except QmkError:
            return []
        gates, strings = gates_only(self.program), strings_of(self.outputs)
        starts = np.cumsum([0, *(len(gate.params) for gate in gates)])
        columns: dict[str, list[float]] = {}
        for cone in cones(place_gates(gates), supports_of(strings), self.n):
            mine = [strings[k] for k in cone.members]
            if not mine:
                continue
            observer = self.observer(part(self.program, [gates[k] for k in cone.gates], cone.qubits))
            places = [at for k in cone.gates for at in range(int(starts[k]), int(starts[k + 1]))]
            short = ["".join(text[q] for q in cone.qubits) for text in mine]
            rows = cast("FastObserver", observer).sweep(angles[:, places].tolist(), short)
            columns.update(zip(mine, map(list, zip(*rows, strict=True)), strict=True))
        return [
            Point(expectations=sums_of(self.outputs.expectations, {text: columns[text][at] for text in strings}))
            for at in range(len(angles))
        ]

    # -- sampled -----------------------------------------------------------------------------------------------------

    def _sample(self, program: Program, outputs: Outputs, *names: str | int) -> Point:
        """Estimates the values from shots, one basis after the other. Groups of qubits are measured in the Z basis."""
        tally = Tally(outputs.expectations)
        found = bases(outputs.expectations)
        alone = len(found) == 1 and not outputs.probabilities and not self.outputs.points and names[-1] == "values"

        def tell(bits: Any) -> None:
            so_far = Tally(outputs.expectations)
            so_far.add(found[0], sorted(found[0].letters), bits)
            self._tell(len(bits), [Point(expectations=so_far.estimates())])

        for at, basis in enumerate(found):
            bits = self._shots(program, basis, *names, "basis", at, tell=tell if alone else None)
            tally.add(basis, sorted(basis.letters), bits)
        chances: list[list[Estimate]] = []
        if groups := outputs.probabilities:
            basis = Basis({qubit: "Z" for group in groups for qubit in group})
            qubits, bits = sorted(basis.letters), self._shots(program, basis, *names, "probabilities")
            chances = [frequencies(bits[:, [qubits.index(q) for q in group]]) for group in groups]
        return Point(expectations=tally.estimates() if outputs.expectations else [], probabilities=chances)

    def _shots(
        self, program: Program, basis: Basis, *names: str | int, tell: Callable[[Any], None] | None = None
    ) -> Any:
        made, qubits = measure_in_bases(program, basis.letters, self.can)
        seed = substream(self.seed, *names)
        with self._refusing():
            plan = self.runner.engine.prepare(made, self.method)
        first = made.n_cbits - len(qubits)

        def progress(shots_done: int, bits: Any = None, /) -> bool:
            wanted = self.show is not None and self.show.wants()
            if wanted and bits is not None and tell is not None:
                tell(bits[:shots_done, first:])
            return wanted

        return plan.run(self.shots, seed, None if tell is None else progress).bits[:, first:]

    def _differentiate(self, graph: Graph, at: int) -> list[list[Estimate]]:
        """Computes derivatives with the parameter-shift rule, from exact or sampled values."""
        sweep = cast("Sweep", self.derived)
        rows = len(self.outputs.expectations)
        values = np.zeros((rows, len(sweep.names)))
        variances = np.zeros((rows, len(sweep.names)))
        nodes = {node.id: node for node in graph.nodes}
        only = Outputs(expectations=self.outputs.expectations)
        for number, slot in enumerate(sweep.slots):
            node = nodes[slot.node]
            for turn, (shift, factor) in enumerate(shifts_of(node.op, node.id)):
                angle = float(node.args[slot.arg]) + shift
                program = final_state(asked.with_angles(graph, {node.id: {slot.arg: angle}}), self.can)
                if self.exact:
                    point = self._looked_at(program, only)
                else:
                    point = self._sample(program, only, at, "slot", number, turn)
                for row, estimate in enumerate(point.expectations):
                    for k, slope in slot.terms:
                        values[row, k] += slope * factor * estimate.value
                        variances[row, k] += (slope * factor * estimate.error) ** 2
        return [
            [Estimate(float(v), float(s) ** 0.5) for v, s in zip(values[row], variances[row], strict=True)]
            for row in range(rows)
        ]
