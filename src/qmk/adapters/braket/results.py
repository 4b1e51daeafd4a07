"""Result types of Amazon Braket's SDK from their pragmas on physical qubits."""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
import functools
import operator
from typing import Any

import numpy as np
from braket.circuits import Observable, ResultType

from qmk.frontends.braket.pragmas import Factor, read


def result_type(text: str) -> Any:
    """The result type of ``#pragma braket result ...``."""
    pragma = read(text.removeprefix("#pragma"))
    assert pragma is not None, "the reader has written it"
    targets = [_number(each) for each in pragma.operands] or None
    match pragma.name:
        case "state_vector":
            return ResultType.StateVector()
        case "density_matrix":
            return ResultType.DensityMatrix(targets)
        case "probability":
            return ResultType.Probability(targets)
        case "amplitude":
            return ResultType.Amplitude(list(pragma.words))
        case "adjoint_gradient":
            terms = [weight * _observable(factors) for weight, factors in pragma.terms]
            whole = functools.reduce(operator.add, terms)
            owned = [[_number(each) for factor in factors for each in factor.operands] for _, factors in pragma.terms]
            target = owned[0] if len(terms) == 1 else owned
            return ResultType.AdjointGradient(whole, target, list(pragma.words))
        case name:
            kind = getattr(ResultType, name.capitalize())
            own = [_number(each) for factor in pragma.factors for each in factor.operands]
            return kind(_observable(pragma.factors), own or None)


def _number(operand: str) -> int:
    return int(operand.removeprefix("$"))


def _observable(factors: tuple[Factor, ...]) -> Any:
    return functools.reduce(operator.matmul, map(_factor, factors))


def _factor(factor: Factor) -> Any:
    if factor.matrix is not None:
        return Observable.Hermitian(np.array(factor.matrix))
    return getattr(Observable, factor.name.upper())()
