"""``qmk.expectation``, ``state``, ``amplitudes`` and ``probabilities``: values of a program's state, computed in this
process at the least cost. (``differentiating`` has their derivatives.)

All of them are of the state before the final read-out. Values are exact where some simulator here has them; a program
that does not end in a single state (because of noise, mid-circuit measurements or feed-forward) is sampled, with a
standard error. OpenQASM goes straight from the native core's reader to its dense simulator where it is narrow, and to
Pauli propagation or a matrix product state where it is wide and one of them ends at once; the rest is a verified graph
first, and the router chooses.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, overload

from qmk.api.in_core import Expectation, circuit_of, is_plain, values_at_once
from qmk.api.plans import memory_bytes
from qmk.api.source import build_for_values, read_native
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.qvm import outputs as asked
from qmk.qvm.outputs import Outputs, Values
from qmk.request.batches import BatchLike, is_batch
from qmk.request.observables import ObservableLike, has_objects, observables, observables_of, own_qubits
from qmk.request.options import RunOptions, read_options
from qmk.request.outputs import bitstrings_of, qubits_of
from qmk.request.program import ProgramLike, own_with
from qmk.request.shots import choose_shots, seed_of
from qmk.request.signature import takes
from qmk.request.sweeps import PointsLike

if TYPE_CHECKING:
    from typing import Unpack

    import numpy as np

    from qmk.client.batch import ValuesBatch
    from qmk.qvm.graph import Graph
    from qmk.request.keywords import (
        AmplitudesKeywords,
        ExpectationKeywords,
        ProbabilitiesKeywords,
        StateKeywords,
    )
    from qmk.router import Decision
    from qmk.sdk.engine import Features
    from qmk.worker.runner import Runner

    Array = np.ndarray[Any, np.dtype[Any]]

SAMPLED_SHOTS = 10_000
"""How many shots are drawn for each basis when values must be sampled and the caller gives no number."""


@dataclass(frozen=True)
class Probabilities:
    """``values[k]``: probability that ``qubits``, the first the highest bit, read as the number k."""

    qubits: tuple[int, ...]
    values: Array
    errors: Array
    exact: bool = True
    engine: str = ""


@overload
def expectation(
    program: ProgramLike, observable: ObservableLike, points: None = None, **keywords: Unpack[ExpectationKeywords]
) -> Expectation: ...


@overload
def expectation(
    program: ProgramLike,
    observable: Sequence[ObservableLike],
    points: None = None,
    **keywords: Unpack[ExpectationKeywords],
) -> list[Expectation]: ...


@overload
def expectation(
    program: ProgramLike, observable: ObservableLike, points: PointsLike, **keywords: Unpack[ExpectationKeywords]
) -> ValuesBatch[Expectation]: ...


@overload
def expectation(
    program: ProgramLike,
    observable: Sequence[ObservableLike],
    points: PointsLike,
    **keywords: Unpack[ExpectationKeywords],
) -> ValuesBatch[list[Expectation]]: ...


@overload
def expectation(
    program: BatchLike,
    observable: ObservableLike,
    points: PointsLike | None = None,
    **keywords: Unpack[ExpectationKeywords],
) -> ValuesBatch[Expectation]: ...


@overload
def expectation(
    program: BatchLike,
    observable: Sequence[ObservableLike],
    points: PointsLike | None = None,
    **keywords: Unpack[ExpectationKeywords],
) -> ValuesBatch[list[Expectation]]: ...


@takes("qmk.expectation")
def expectation(
    program: ProgramLike | BatchLike,
    observable: ObservableLike | Sequence[ObservableLike],
    points: PointsLike | None = None,
    **keywords: Unpack[ExpectationKeywords],
) -> Any:
    """The expectation value of an observable, or a list of those of several, each an ``Expectation``.

    An observable is text ("0.5*ZZI + XXI": one letter a qubit, qubit 0 first; or "0.5*Z0 Z1 + X0 X1"), a mapping of
    Pauli strings to factors, or a list of such pairs. Without ``shots`` the values are computed where that can be done,
    those of programs with noise of gates too while a density matrix of theirs is small, or the observable stays a sum
    of few Pauli strings; else 10,000 shots are drawn for each basis of measurement. A number of shots always draws so
    many. ``error`` is the largest that a value may have which cannot be computed exactly: it lets small Pauli strings
    be left out, and chooses the number of shots where values have to be sampled.

    Several programs, or ``points``, give a ``Batch`` of what one would give, as with ``qmk.run``; ``values`` and
    ``errors`` have it as arrays. The exact values of one program at many points are computed as ``qmk.sweep`` does.

    Raises ``QmkError``: INVALID_PARAMS for an observable that does not fit the program, and what ``qmk.sample`` raises.
    """
    options = read_options("qmk.expectation", keywords)
    if is_batch(program, points):
        from qmk.api.batches import evaluate_batch

        run_one = functools.partial(_expectation, observable)
        return evaluate_batch(program, points, observable, options, run_one)
    return _expectation(observable, cast("ProgramLike", program), options)


def _expectation(
    observable: ObservableLike | Sequence[ObservableLike], program: ProgramLike, options: RunOptions
) -> Any:
    """The values of one program."""
    program, options = own_with(program, options)
    tolerance, plain = options.error or 0.0, is_plain(options)
    circuit = read_native(program, options.format, options.params) if plain and not has_objects(observable) else None
    if circuit is not None:
        rows, single = observables(observable, circuit.n_qubits)
        found = values_at_once(circuit, rows, tolerance)
        if found is not None:
            return found[0] if single else found
    graph = build_for_values(program, options)
    rows, single = observables_of(observable, graph)
    if plain and circuit is None and (circuit := circuit_of(graph)) is not None:
        found = values_at_once(circuit, rows, tolerance)
        if found is not None:
            return found[0] if single else found
    outputs = Outputs(expectations=tuple(rows), counts=False, sampled=options.shots is not None, tolerance=tolerance)
    values = evaluate(graph, outputs, options)
    found = [Expectation.of(row, values) for row in values.points[0].expectations]
    return found[0] if single else found


@takes("qmk.state")
def state(program: ProgramLike, **keywords: Unpack[StateKeywords]) -> Array:
    """The state vector, complex128 of shape (2^n,), qubit 0 the highest bit of an index, up to one global phase.

    Raises ``QmkError`` UNSUPPORTED if the program does not end in a single state.
    """
    import numpy as np

    options = read_options("qmk.state", keywords)
    point = _values(program, lambda _graph: Outputs(state=True, counts=False), options)[0].points[0]
    return np.frombuffer(point.state, dtype="<c16").astype(np.complex128)


@takes("qmk.amplitudes")
def amplitudes(
    program: ProgramLike, bitstrings: Sequence[str], **keywords: Unpack[AmplitudesKeywords]
) -> list[complex]:
    """Amplitudes of bitstrings of one digit a qubit, qubit 0 first, up to one global phase for all of them.

    Raises ``QmkError`` as ``qmk.state`` does, and INVALID_PARAMS for a bitstring that does not fit.
    """
    options = read_options("qmk.amplitudes", keywords)
    outputs = Outputs(amplitudes=bitstrings_of(bitstrings), counts=False)
    point = _values(program, lambda _graph: outputs, options)[0].points[0]
    return [complex(*pair) for pair in point.amplitudes]


@takes("qmk.probabilities")
def probabilities(
    program: ProgramLike, qubits: Sequence[int] | None = None, **keywords: Unpack[ProbabilitiesKeywords]
) -> Probabilities:
    """The joint probabilities of the values of ``qubits`` (all of them: None), the first the highest bit. They are
    computed or sampled as expectation values are, see ``qmk.expectation``, which also says what is raised.

    Raises ``QmkError`` INVALID_PARAMS for qubits that the program does not have.
    """
    import numpy as np

    options = read_options("qmk.probabilities", keywords)

    def outputs_for(graph: Graph) -> Outputs:
        count = min(asked.n_qubits(graph), len(own_qubits(graph)))
        group = tuple(range(count)) if qubits is None else qubits_of(qubits, graph)
        return Outputs(probabilities=(group,), counts=False, sampled=options.shots is not None)

    values, outputs = _values(program, outputs_for, options)
    row = values.points[0].probabilities[0]
    return Probabilities(
        outputs.probabilities[0] if qubits is None else tuple(map(int, qubits)),
        np.array([p.value for p in row]),
        np.array([p.error for p in row]),
        values.exact,
        values.engine,
    )


def evaluate(graph: Graph, outputs: Outputs, options: RunOptions) -> Values:
    """Computes ``outputs`` of a verified graph on the engine that the router chooses."""
    from qmk.worker.values import values_of

    shots, _ = shots_of(outputs, options)
    asked.require(outputs, graph, shots)
    decision, _ = decide(graph, outputs, options)
    try:
        return values_of(runner_of(decision.engine), graph, decision.method, outputs, shots, seed_of(options.seed))
    except MemoryError as full:
        raise QmkError("RESOURCE_EXHAUSTED", f"{decision.engine}: {full}", engine=decision.engine) from full


def decide(graph: Graph, outputs: Outputs, options: RunOptions) -> tuple[Decision, Features]:
    """The router's choice, and the features that it looked at."""
    from qmk import router
    from qmk.router.features import features
    from qmk.router.outputs import is_exact, with_outputs
    from qmk.sdk import discovery, interpreters

    name, _, method = (options.engine or "").partition(":")
    known = with_outputs(features(graph), graph, outputs)
    if name == "native" or (known.observed is not None and (known.observed.sampled or not known.observed.pure)):
        known = with_outputs(features(graph, native=method or "auto"), graph, outputs)
    shots, too_many = shots_of(outputs, options)
    decision = router.choose(known, shots, engine=options.engine, memory_bytes=memory_bytes())
    if options.engine is None and interpreters.path_of(decision.engine) is not None:  # it cannot be loaded here
        here = {each: found for each, found in discovery.engines().items() if interpreters.path_of(each) is None}
        decision = router.choose(known, shots, memory_bytes=memory_bytes(), declarations=here)
    if too_many is not None and not is_exact(runner_of(decision.engine).capabilities(decision.method), known):
        raise too_many
    return decision, known


def shots_of(outputs: Outputs, options: RunOptions) -> tuple[int, QmkError | None]:
    """The shots of each basis where values have to be sampled, and the refusal of the error that is asked for where it
    takes more than a job may have: values that are computed need none."""
    if options.error is None:
        return options.shots or SAMPLED_SHOTS, None
    try:
        return choose_shots(options.error, outputs)[0], None
    except QmkError as refused:
        if refused.kind.name != "QUOTA_EXCEEDED":
            raise
        return LIMITS.shots, refused


@functools.cache
def runner_of(engine: str) -> Runner:
    from qmk.worker.runner import Runner

    return Runner(engine)


def _values(
    program: ProgramLike, outputs_for: Callable[[Graph], Outputs], options: RunOptions
) -> tuple[Values, Outputs]:
    """Computes the values of a program without a sweep. ``outputs_for`` gives the outputs for its graph."""
    graph = build_for_values(program, options)
    outputs = outputs_for(graph)
    return evaluate(graph, outputs, options), outputs
