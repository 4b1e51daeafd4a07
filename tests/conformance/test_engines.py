"""The conformance kit on every shipped engine and method.

Each engine's run fails by chance with probability at most 1e-7 (``engine_kit.FALSE_FAILURE``).
"""

from __future__ import annotations

import pytest

from qmk.engines import aer, native, reference, stabilizer
from qmk.sdk.kit import engine_kit
from qmk.sdk.kit.engine_kit import as_tests, checks
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.report import Check

SLOW_CASES = {"gate t mx", "two correlated pairs"}


def in_reach(case: Case) -> bool:
    """The extended stabilizer takes tens of milliseconds a shot beyond Clifford programs."""
    return case.clifford or case.name in SLOW_CASES


@as_tests(checks(reference.DECLARATION))
def test_reference(check: Check) -> None:
    assert not check.run()


@as_tests(checks(stabilizer.DECLARATION, programs=40))
def test_stabilizer(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "statevector"))
def test_aer_statevector(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "density_matrix", programs=4))
def test_aer_density_matrix(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "matrix_product_state", programs=6))
def test_aer_matrix_product_state(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "small_bond", programs=4))
def test_aer_small_bond(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "extended_stabilizer", shots=60, programs=3, select=in_reach))
def test_aer_extended_stabilizer(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "auto"))
def test_native_auto(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "frame"))
def test_native_frame(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "dense"))
def test_native_dense(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "dense64"))
def test_native_dense64(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "mps"))
def test_native_mps(check: Check) -> None:
    assert not check.run()


@pytest.mark.parametrize(
    "declaration", [reference.DECLARATION, stabilizer.DECLARATION, aer.DECLARATION, native.DECLARATION]
)
def test_every_method_declares_itself(declaration: engine_kit.Declaration) -> None:
    for method, can in declaration.methods.items():
        assert can.method == method
        assert can.gates
        assert declaration.doc
        assert declaration.library
