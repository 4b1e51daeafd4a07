"""Values of Braket's result types without shots, in this process or on a daemon."""

from __future__ import annotations

from typing import Any

from qmk.base.errors import QmkError
from qmk.exact import density
from qmk.gateway.braket.observables import strings
from qmk.gateway.braket.programs import FORMAT, Prepared
from qmk.gateway.braket.values import each, from_density, is_mixed
from qmk.integrations.target import Target
from qmk.qvm.outputs import Values


def compute(
    target: Target, prepared: Prepared, options: dict[str, Any], source: str, inputs: dict[str, Any]
) -> list[Any]:
    """The values in the order of the results, in Braket's shapes. Raises UNSUPPORTED where they cannot be computed
    exactly."""
    if prepared.slopes():
        if len(prepared.results) > 1:
            raise ValueError("adjoint_gradient is asked for by itself")
        return [_gradient(target, prepared, options, source, inputs)]
    n = prepared.n
    if is_mixed(prepared.graph) and not target.is_remote and n <= density.MOST_QUBITS and "engine" not in options:
        return from_density(prepared.results, n, _density_of(prepared))
    return prepared.values(_values(target, prepared, prepared.request().outputs, options))


def _values(target: Target, prepared: Prepared, outputs: Any, options: dict[str, Any]) -> Values:
    given = {**target.options, **options}
    if target.is_remote:
        found = target.client.run(prepared.graph, outputs=outputs, **given).values
        assert found is not None, "a job with outputs has values"
        return found
    from qmk.api.observing import evaluate
    from qmk.api.source import verify
    from qmk.request.options import read_options

    return evaluate(verify(prepared.graph), outputs, read_options("qmk.expectation", given))


def _density_of(prepared: Prepared) -> Any:
    from qmk.api.source import verify
    from qmk.ir.resolver import ALL_GATES
    from qmk.sdk.engine import Capabilities, Unsupported
    from qmk.worker.observed import final_state

    can = Capabilities(gates=ALL_GATES, outputs=frozenset({"noisy"}), noise=frozenset({"pauli", "kraus"}))
    try:
        return density.density_matrix(final_state(verify(prepared.graph), can))
    except Unsupported as refused:
        raise QmkError("UNSUPPORTED", str(refused), field="program", help="give shots") from None


def _gradient(
    target: Target, prepared: Prepared, options: dict[str, Any], source: str, inputs: dict[str, Any]
) -> dict[str, Any]:
    if target.is_remote:
        raise QmkError(
            "UNSUPPORTED", "adjoint_gradient is computed in this process", field="server", help="leave server out"
        )
    from qmk.api.differentiating import gradient

    (result,) = prepared.results
    n = prepared.n
    total: dict[str, float] = {}
    for weight, factors, targets in result["terms"]:
        for own_factors, own in each({"observable": factors, **({"targets": targets} if targets else {})}, n):
            for text, value in strings(own_factors, own, n):
                total[text] = total.get(text, 0.0) + weight * value
    found = gradient(source.encode(), total, params=inputs, format=FORMAT, **{**target.options, **options})
    wanted = result["parameters"] or list(found.by)
    return {"expectation": found.value, "gradient": {name: float(found.by[name]) for name in wanted}}
