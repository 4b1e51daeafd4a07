"""Executors for Mitiq: functions that run a circuit on QMK and give what error mitigation needs of it.

Mitiq is neither a dependency nor imported here: an executor is a plain function, and Mitiq reads from its annotations
what it gives. Circuits may be of every framework that QMK reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from qmk.adapters.results import all_bits
from qmk.base.errors import QmkError
from qmk.integrations.target import Target
from qmk.request.arguments import switch
from qmk.request.program import circuit_of, own

if TYPE_CHECKING:
    from qmk.client.result import Result
    from qmk.request.observables import ObservableLike
    from qmk.request.program import ProgramLike

Executor = Callable[[Any], Any]


def executor(
    observable: ObservableLike,
    *,
    batched: bool = False,
    server: str | None = None,
    token: str | None = None,
    **options: Any,
) -> Executor:
    """A function from a circuit to the expectation value of ``observable``, of the state before the final read-out;
    with ``batched`` from a list of circuits to a list of values, all sent as one batch where there is a daemon.

    ``server`` and ``token``: a daemon, as ``Target`` takes them; without them circuits run in this process. ``options``
    are those of ``qmk.expectation``: ``noise`` most of all, and ``shots`` for values that are sampled.
    """
    target = Target(server, token, **options)

    def value(circuit: Any) -> float:
        return target.values(circuit, [observable])[0][0].value

    def values(circuits: Any) -> list[float]:
        return [found.value for (found,) in target.values_of_batch(list(circuits), [observable])]

    return _annotate(values if switch("batched", batched) else value, list[float] if batched else float)


def sampler(
    result: type[Any],
    *,
    batched: bool = False,
    server: str | None = None,
    token: str | None = None,
    **options: Any,
) -> Executor:
    """A function from a circuit with measurements to ``result``, which is ``mitiq.MeasurementResult``; with ``batched``
    from a list of circuits to a list, all run at once. Mitiq then takes the observable. Bits stand in the order of
    their declaration, with the numbers of the qubits that were measured, as QMK numbers them.

    ``options`` are those of ``qmk.run``. Raises UNSUPPORTED for a circuit that measures a bit twice or not at all.
    """
    target = Target(server, token, **options)

    def measure(circuits: Sequence[Any]) -> list[Any]:
        programs: list[ProgramLike] = [own(circuit)[0] for circuit in circuits]
        found = target.run(cast("Any", programs))
        return [
            result([list(row) for row in all_bits(one).tolist()], _qubits(program, one))
            for program, one in zip(programs, found, strict=True)
        ]

    def measure_one(circuit: Any) -> Any:
        return measure([circuit])[0]

    kind: Any = result
    return _annotate(measure if switch("batched", batched) else measure_one, list[kind] if batched else kind)


def _qubits(program: ProgramLike, result: Result) -> tuple[int, ...]:
    """The qubit that each bit is of."""
    circuit = circuit_of(program)
    if circuit is None:
        return tuple(range(result.counts.width))
    measured = [op for op in circuit if op.name in ("mz", "mx", "my")]
    qubit_of = {op.bits[0]: op.qubits[0] for op in measured}
    if len(qubit_of) != len(measured) or len(qubit_of) != result.counts.width:
        fix = "measure every bit once, at the end"
        raise QmkError("UNSUPPORTED", "mitiq: a bit is measured twice or never", field="program", help=fix)
    return tuple(qubit_of[bit] for bit in sorted(qubit_of))


def _annotate(function: Executor, returns: Any) -> Executor:
    """What Mitiq learns the kind of an executor from."""
    function.__annotations__["return"] = returns
    return function
