"""Objects of the Quantum Development Kit as programs."""

from __future__ import annotations

from typing import Any, cast

import pytest

import qmk

SOURCE = """
operation Entangle(n : Int) : Result[] {
    use q = Qubit[n];
    H(q[0]);
    for k in 1..n - 1 { CNOT(q[0], q[k]); }
    if M(q[0]) == One { X(q[n - 1]); }
    MResetEachZ(q)
}
operation Pair() : Result[] { Entangle(2) }
"""


@pytest.fixture
def kit() -> Any:
    """The compiler, with the operations of ``SOURCE``."""
    qsharp = pytest.importorskip("qdk.qsharp", reason="qdk is not installed")
    pytest.importorskip("pyqir", reason="pyqir is not installed")
    qsharp.init(target_profile=qsharp.TargetProfile.Adaptive_RIF)
    qsharp.eval(SOURCE)
    return qsharp


def test_compiled_input_is_a_program_of_every_call(kit: Any) -> None:
    compiled = kit.compile("Entangle(3)")
    direct, text = qmk.run(compiled, shots=200, seed=1), qmk.run(str(compiled), shots=200, seed=1)
    assert direct.counts == text.counts
    assert set(direct.counts) == {"000", "110"}
    assert qmk.expectation(kit.compile("Pair()"), "ZI").value == pytest.approx(
        qmk.expectation(str(kit.compile("Pair()")), "ZI").value
    )


def test_operations_are_programs_where_they_take_nothing(kit: Any) -> None:
    from qdk import code

    assert set(qmk.run(code.Pair, shots=100, seed=1).counts) == {"00", "10"}
    with pytest.raises(qmk.QmkError, match="operation 'Entangle'"):
        qmk.run(code.Entangle)
    assert set(qmk.run(kit.compile(code.Entangle, 2), shots=100, seed=1).counts) == {"00", "10"}


def test_what_the_profile_has_not_is_refused_with_the_kits_words(kit: Any) -> None:
    from qdk import code

    kit.init(target_profile=kit.TargetProfile.Unrestricted)
    kit.eval("operation Alone() : Int { 3 }")
    with pytest.raises(qmk.QmkError, match="operation 'Alone'"):
        qmk.run(code.Alone)
    with pytest.raises(qmk.QmkError, match="is not a program"):
        qmk.run(kit.TargetProfile.Base)


def test_functions_that_no_framework_made_are_not_programs() -> None:
    with pytest.raises(qmk.QmkError, match="function"):
        qmk.run(cast("Any", lambda: None))
