"""Routing of outputs beyond counts: what a request adds to a program's features, which method lacks what, and what it
costs beside the counts."""

from __future__ import annotations

import msgspec

from qmk.ir.bases import bases
from qmk.ir.chains import CHAIN
from qmk.ir.cone import cones, supports_of
from qmk.ir.final_readout import before_readout, gates_of, is_mixed
from qmk.qvm import outputs as asked
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs
from qmk.router.propagation import PROPAGATION, predict
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features, Observed

OF_ONE_STATE = frozenset({"state", "amplitudes"})
WHOLE = OF_ONE_STATE | {"density", "trajectory"}
"""Outputs that depend on all qubits."""

SAMPLED = frozenset({"expectation", "probabilities"})
"""Outputs that every engine can estimate from shots."""

EXACT_S = 60.0
"""Predicted seconds up to which exact values are preferred to sampled ones."""

STRING_S = 2e-9
"""An engine's seconds for one Pauli string and one amplitude."""

GROUPED = 1000
"""Strings up to which bases are counted; beyond, one for each is the prediction."""

FIXED_S = 5e-5
"""Seconds for each state that is looked at, beside its gates."""

ADJOINT = 4.0
"""The cost of a gradient by adjoint differentiation, in runs of the program."""

POINT = 0.1
"""The cost of a point in an engine's own sweep, in runs of the program."""


def with_outputs(features: Features, graph: Graph, outputs: Outputs | None) -> Features:
    """The features of a job that gives ``outputs`` too."""
    if outputs is None:
        return features
    n = asked.n_qubits(graph)
    ended = before_readout(graph)
    gates = gates_of(ended)
    strings = list(dict.fromkeys(text for row in outputs.expectations for text, _ in row if text.strip("I")))
    width, n_ops = n, features.n_ops
    if gates is not None and not outputs.names & WHOLE:
        parts = cones(
            gates, [*supports_of(strings), *(dict.fromkeys(group, "Z") for group in outputs.probabilities)], n
        )
        width = max((len(cone.qubits) for cone in parts), default=0)
        n_ops = sum(len(cone.gates) for cone in parts)
    derivatives = 0
    if outputs.gradient:
        slots = outputs.sweep.slots if outputs.sweep is not None else asked.all_angles(graph).slots
        derivatives = len(slots) * len(outputs.expectations)
    observed = Observed(
        pure=gates is not None,
        mixed=gates is not None or is_mixed(ended),
        sampled=outputs.sampled,
        width=width,
        n_ops=n_ops,
        strings=len(strings) + len(outputs.probabilities),
        bases=(len(bases(outputs.expectations)) if len(strings) <= GROUPED else len(strings))
        + bool(outputs.probabilities)
        + outputs.trajectory,
        points=max(1, len(outputs.points)),
        derivatives=derivatives,
    )
    # an angle that is Clifford where the program stands is none at the next point
    turning = len(outputs.sweep.slots) if outputs.sweep is not None else 0
    first = asked.bound(ended, outputs.sweep, outputs.points[0]) if outputs.sweep and outputs.points else ended
    tried = predict(first, outputs, width, n, pure=gates is not None) if observed.mixed else {}
    return msgspec.structs.replace(
        features,
        outputs=outputs.names,
        observed=observed,
        native={**features.native, **tried},
        n_non_clifford=max(features.n_non_clifford, turning),
    )


def is_exact(can: Capabilities, features: Features) -> bool:
    """Whether the method gives the values from a state."""
    observed = features.observed
    values = features.outputs & (WHOLE | SAMPLED)
    if observed is None or observed.sampled or not values <= can.outputs:
        return False
    return observed.pure or (observed.mixed and "noisy" in can.outputs)


def draws(can: Capabilities, features: Features) -> bool:
    """Whether the method draws shots."""
    return features.observed is None or "counts" in features.outputs or not is_exact(can, features)


def width(can: Capabilities, features: Features) -> int:
    """Qubits that the method must hold at once."""
    observed = features.observed
    return features.n_qubits if observed is None or draws(can, features) else observed.width


def missing(can: Capabilities, features: Features) -> list[tuple[str, str]]:
    """What the method lacks for the outputs, as (need, detail)."""
    observed = features.observed
    if draws(can, features) and "counts" not in can.outputs:
        return [("outputs", "it draws no shots: it gives expectation values, of gates, errors and resets")]
    if observed is None or is_exact(can, features):
        return []
    if features.light is not None:
        return [
            ("outputs", "values of modes of light are computed, not sampled, and of whole programs without a condition")
        ]
    if lost := sorted(features.outputs & (WHOLE - OF_ONE_STATE) - can.outputs):
        return [("outputs", f"it gives no {', no '.join(lost)}")]
    if "density" in features.outputs:
        return [("outputs", "it has no density matrix of such a program")]
    single = sorted(features.outputs & OF_ONE_STATE)
    if not single:
        return []
    if not observed.pure:
        return [("outputs", f"the program ends in no single state, so there is no {' and no '.join(single)} to give")]
    lost = sorted(features.outputs & (OF_ONE_STATE | SAMPLED) - can.outputs)
    if lost:
        return [("outputs", f"it gives no {', no '.join(lost)}")]
    return [("outputs", f"{' and '.join(single)} cannot be sampled; ask for them without 'sampled'")]


def cost(declaration: Declaration, method: str, features: Features, shots: int) -> Cost:
    """The cost of the outputs, and of the counts if they are asked for."""
    can, observed = declaration.capabilities(method), features.observed
    if observed is None:
        return declaration.predict(method, features, shots)
    plain = msgspec.structs.replace(features, outputs=frozenset(), observed=None)
    if is_exact(can, features):
        one = _of_state(declaration, method, features, observed)
        note = one.note if "sums" in can.outputs else f"exact values on {observed.width} qubits"
    else:
        runs = observed.points * observed.bases * (1 + 2 * observed.derivatives)
        once = declaration.predict(method, plain, shots)
        one = msgspec.structs.replace(once, seconds=runs * once.seconds)
        note = f"sampled in {observed.bases} bases"
    if "counts" not in features.outputs:
        return msgspec.structs.replace(one, note=note)
    counts = declaration.predict(method, plain, shots)
    return Cost(
        seconds=min(one.seconds + counts.seconds * observed.points, 1e300),
        memory_bytes=max(one.memory_bytes, counts.memory_bytes),
        note=f"{note}; {counts.note}" if counts.note else note,
        may_fail=one.may_fail or counts.may_fail,
        upper_bound=one.upper_bound or counts.upper_bound,
    )


def _of_state(declaration: Declaration, method: str, features: Features, observed: Observed) -> Cost:
    """The cost of computing the states of the cones and reading values from them."""
    can, width = declaration.capabilities(method), observed.width
    at_cone = msgspec.structs.replace(
        features,
        outputs=features.outputs - {"counts"},
        observed=None,
        n_qubits=width,
        n_ops=observed.n_ops,
        n_events=width,
        n_measure=width,
        max_bond_log2=min(features.max_bond_log2, width / 2),
        entangling_width=min(features.entangling_width, width),
        n_fences=0,
        native={name: found for name, found in features.native.items() if name in (PROPAGATION, CHAIN)},
    )
    one = declaration.predict(method, at_cone, 1)
    runs = observed.points * (POINT if observed.points > 1 and "sweep" in can.outputs else 1.0)
    if observed.derivatives:
        runs *= ADJOINT if "gradient" in can.outputs else 1 + 2 * observed.derivatives
    if "sums" in can.outputs:
        return msgspec.structs.replace(one, seconds=min(runs * one.seconds, 1e300))
    amplitudes = 1.0 if can.clifford else 2.0 ** min(width, 60)
    look = FIXED_S + STRING_S * observed.strings * amplitudes
    return msgspec.structs.replace(one, seconds=min(runs * (one.seconds + look), 1e300))


def after_exact(can: Capabilities, features: Features, seconds: float) -> int:
    """The order of methods: those that give exact values in acceptable time, those that leave out what the caller
    allows, then the others."""
    if features.observed is None:
        return 0
    if not is_exact(can, features) or seconds > EXACT_S:
        return 2
    found = features.native.get(can.method)
    return int("sums" in can.outputs and found is not None and found.cut)
