"""What is said of values by Pauli propagation, and of those that cannot be had."""

from __future__ import annotations

import math

import pytest
import qmk_native

from benchmarks.pauli import kicked_ising, observable
from qmk.ir.propagation import estimate, strings_of_z


def plan(steps: int, angle: float) -> qmk_native.PauliPlan:
    return qmk_native.PauliPlan(qmk_native.read_qasm(kicked_ising(steps, angle)))


def test_a_value_has_no_kind_of_error_where_it_is_exact() -> None:
    known = plan(5, 0.7)
    for tolerance in (0.0, 0.1):
        found, made = estimate(known, ((observable(), 2.0),), tolerance)
        assert found.value == pytest.approx(2 * 0.6387089455191599, abs=1e-12)
        assert (found.error, found.kind) == (0.0, "")
        assert made > 0


def test_an_error_is_a_bound_where_that_suffices() -> None:
    loose, _ = estimate(plan(20, 0.1), ((observable(), 1.0),), 0.3)
    tight, _ = estimate(plan(20, 0.1), ((observable(), 1.0),), 1e-3)
    assert (loose.kind, tight.kind) == ("bound", "estimate")
    assert abs(tight.value - 0.9957201) <= tight.error <= 1e-3


def test_an_error_that_cannot_be_kept_is_refused_with_what_was_reached() -> None:
    with pytest.raises(MemoryError, match=r"an error of 1e-06 is allowed, and that of .* is .* Pauli strings"):
        estimate(plan(20, 0.7), ((observable(), 1.0),), 1e-6, work=500_000)
    with pytest.raises(MemoryError, match=r"groups of rotations; allow an error, or a larger one"):
        estimate(plan(20, 0.7), ((observable(), 1.0),), 0.0, work=500_000)


def test_subsets_of_z_are_in_the_order_of_their_numbers() -> None:
    assert strings_of_z((2, 0), 3) == ["III", "ZII", "IIZ", "ZIZ"]
    assert len(strings_of_z(tuple(range(5)), 6)) == math.floor(2**5)
