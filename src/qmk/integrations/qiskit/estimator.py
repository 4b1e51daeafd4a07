"""``EstimatorV2``: expectation values of observables at many values of a circuit's parameters."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qmk.adapters.qiskit.read import read
from qmk.integrations.qiskit.backend import Backend
from qmk.integrations.qiskit.session import Primitive, PubJob, Session, points_of
from qmk.integrations.together import Steps, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_PROJECTORS = {"0": ("Z", 1), "1": ("Z", -1), "+": ("X", 1), "-": ("X", -1), "r": ("Y", 1), "l": ("Y", -1)}
"""Qiskit's letters for (I + s P)/2, as P and s."""


class EstimatorV2(Primitive, BaseEstimatorV2):
    """Qiskit's estimator on QMK. ``mode`` and keywords are as those of ``SamplerV2``; ``options``: as a mapping
    ``default_precision`` and ``seed_simulator``.

    A precision of 0, which is the default, asks for exact values, where QMK has them; any other for so many shots of
    each basis of measurement, 1/precision^2, that the standard error of a Pauli string is about that at most. ``stds``
    are standard errors.
    """

    def __init__(
        self,
        mode: Backend | Session | None = None,
        *,
        default_precision: float = 0.0,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        **backend: Any,
    ) -> None:
        known = {"default_precision": default_precision, "seed_simulator": seed}
        super().__init__(mode, options, known, backend)

    @property
    def default_precision(self) -> float:
        """The precision of a pub that names none."""
        return self.options.default_precision

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> PubJob:
        """Starts a job. Raises ``ValueError`` and ``TypeError`` for what is not a pub, as Qiskit does."""
        self.backend.require_open()
        coerced = self._coerce(pubs, precision)
        for at, pub in enumerate(coerced):
            if pub.precision is not None and not pub.precision >= 0:
                raise ValueError(f"The {at}-th pub has precision {pub.precision}; it has to be 0 or larger.")
        return PubJob(self, coerced)

    def past_result(
        self, job_id: str, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveResult[PubResult]:
        """The result of a job on a daemon by its id, from any process; ``pubs`` and ``precision`` as they were run.
        Raises INVALID_PARAMS for others, and as ``Provider.job``."""
        return self._past(job_id, self._coerce(pubs, precision))

    def _coerce(self, pubs: Iterable[EstimatorPubLike], precision: float | None) -> list[EstimatorPub]:
        return [EstimatorPub.coerce(pub, self.default_precision if precision is None else precision) for pub in pubs]

    def _steps(self, pub: EstimatorPub, at: int) -> Steps[PubResult]:
        observables = [dict(one) for one in np.ravel(pub.observables.tolist())]
        seed = self.seed_of_pub(at)
        values, errors = yield from self._values(pub, observables, seed)
        points = np.arange(pub.parameter_values.size).reshape(pub.parameter_values.shape)
        of = np.arange(len(observables)).reshape(pub.observables.shape)
        points, of = np.broadcast_arrays(points, of)
        if len(values) == 1:
            points = np.zeros_like(points)
        evs, stds = values[points, of], errors[points, of]
        metadata = {"target_precision": pub.precision, **self._metadata(pub, seed)}
        return PubResult(DataBin(evs=evs, stds=stds, shape=evs.shape), metadata=metadata)

    def _values(
        self, pub: EstimatorPub, observables: Sequence[Mapping[str, float]], seed: int
    ) -> Steps[tuple[Array, Array]]:
        """Values and their standard errors, shape (points, observables). Where there are fewer Pauli strings than
        observables, the strings are asked for."""
        ours = [_pauli_sum(one) for one in observables]
        strings = list(dict.fromkeys(text for one in ours for text in one))
        target = self.backend.qmk_target
        options: dict[str, Any] = {"seed": seed}
        if pub.precision:
            options["shots"] = math.ceil(1 / pub.precision**2)
        program, points = read(pub.circuit), points_of(pub.circuit, pub.parameter_values)
        distinct = list({tuple(one.items()): one for one in ours}.values())
        if len(distinct) <= len(strings):
            values, errors = yield from table(target, program, distinct, points, **options)
            place = {tuple(one.items()): k for k, one in enumerate(distinct)}
            chosen = [place[tuple(one.items())] for one in ours]
            return values[:, chosen], errors[:, chosen]
        values, errors = yield from table(target, program, [{text: 1.0} for text in strings], points, **options)
        weights = np.array([[one.get(text, 0.0) for one in ours] for text in strings])
        return values @ weights, np.sqrt(errors**2 @ weights**2)


def _pauli_sum(observable: Mapping[str, float]) -> dict[str, float]:
    """An observable with Pauli strings alone, the first letter that of qubit 0."""
    found: dict[str, float] = {}
    for label, factor in observable.items():
        terms = {"": float(np.real(factor))}
        for letter in reversed(label):
            if letter in _PROJECTORS:
                pauli, sign = _PROJECTORS[letter]
                terms = {
                    **{f"{text}I": c / 2 for text, c in terms.items()},
                    **{f"{text}{pauli}": sign * c / 2 for text, c in terms.items()},
                }
            else:
                terms = {text + letter: c for text, c in terms.items()}
        for text, c in terms.items():
            found[text] = found.get(text, 0.0) + c
    return found
