"""Conditions: constants fold, truth tables become expressions that agree with them, parities become affine forms."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmk.base.errors import QmkError
from qmk.ir import conditions as c
from qmk.ir.bits import holds_once

A, B, C = (c.bit(k) for k in range(3))


def value(expression: c.Expression, bits: tuple[int, ...]) -> bool:
    return expression if isinstance(expression, bool) else holds_once(expression, bits)


@given(st.integers(0, 4), st.data())
def test_truth_table_is_kept(inputs: int, data: st.DataObject) -> None:
    table = data.draw(st.integers(0, (1 << (1 << inputs)) - 1))
    expression = c.truth_table(table, [c.bit(k) for k in range(inputs)])
    for bits in itertools.product((0, 1), repeat=inputs):
        index = sum(bit << k for k, bit in enumerate(bits))
        assert value(expression, bits) == bool(table >> index & 1)


@pytest.mark.parametrize(
    ("expression", "folded"),
    [
        (c.conj([]), True),
        (c.disj([]), False),
        (c.conj([A, False]), False),
        (c.conj([A, True]), A),
        (c.disj([A, True]), True),
        (c.negate(c.negate(A)), A),
        (c.conj([A, ("and", B, A)]), ("and", A, B)),
        (c.parity([A, A]), False),
        (c.parity([A, True]), ("not", A)),
        (c.parity([("not", A), ("xor", B, A)]), ("not", B)),
        (c.select(A, True, False), A),
        (c.truth_table(0b0110, [A, B]), ("xor", B, A)),
        (c.truth_table(0b1000, [A, B]), ("and", B, A)),
        (c.truth_table(0b1110, [A, B]), ("or", B, A)),
    ],
)
def test_folding(expression: c.Expression, folded: c.Expression) -> None:
    if isinstance(folded, tuple) and folded[0] in ("and", "or", "xor"):
        assert isinstance(expression, tuple)
        assert (expression[0], set(expression[1:])) == (folded[0], set(folded[1:]))
    else:
        assert expression == folded


def test_substitution_replaces_bits_and_folds() -> None:
    meaning: dict[int, c.Expression] = {0: True, 1: ("xor", B, C)}
    assert c.substitute(("and", A, B), meaning) == ("xor", B, C)
    assert c.substitute(("or", A, C), meaning) is True


def test_affine_forms() -> None:
    forms: dict[int, c.Affine | None] = {5: (frozenset({0, 1}), True), 6: None}
    assert c.affine(("xor", ("bit", 5), A, ("not", C)), forms) == (frozenset({1, 2}), False)
    assert c.affine(("and", A, B), forms) is None
    assert c.affine(("xor", A, ("bit", 6)), forms) is None
    assert c.affine(True, {}) == (frozenset(), True)


def test_a_condition_that_grows_too_large_is_refused() -> None:
    wide = c.disj([("and", ("bit", 2 * k), ("bit", 2 * k + 1)) for k in range(c.MAX_TERMS)])
    with pytest.raises(QmkError, match=r"expands to \d+ terms") as refused:
        c.limit_terms(wide, "a condition")
    assert refused.value.kind.name == "UNSUPPORTED"
    assert refused.value.fields["limit"] == c.MAX_TERMS
