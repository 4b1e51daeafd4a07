"""Many shots at once agree with one shot at a time: conditions, logic, printing, packing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmk.exact.simulator import print_registers
from qmk.ir import bits
from qmk.ir.program import Logic, Program, Register

WIDTH = 5
CONDITIONS = st.recursive(
    st.tuples(st.just("bit"), st.integers(0, WIDTH - 1)),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or", "xor"]), inner, inner),
        st.tuples(st.sampled_from(["and", "or", "xor"]), inner, inner, inner),
    ),
    max_leaves=8,
)
ALL_WORDS = ((np.arange(1 << WIDTH)[:, None] >> np.arange(WIDTH)) & 1).astype(np.uint8)


@given(CONDITIONS)
def test_condition_on_many_shots(cond: tuple) -> None:
    many = bits.holds(cond, ALL_WORDS)
    assert many.dtype == bool
    assert many.tolist() == [bits.holds_once(cond, row) for row in ALL_WORDS.tolist()]


@given(st.integers(0, 255), st.one_of(st.none(), CONDITIONS))
def test_logic_on_many_shots(table: int, cond: tuple | None) -> None:
    item = Logic(table, (4, 0, 2), 3, cond)
    cleared = ALL_WORDS.copy()
    cleared[:, 3] = 0
    many = cleared.copy()
    bits.compute(item, many)
    for before, after in zip(cleared.tolist(), many.tolist(), strict=True):
        runs = cond is None or bits.holds_once(cond, before)
        assert after[3] == (bits.compute_once(item, before) if runs else 0)


@pytest.mark.parametrize("width", [1, 2, 7, 16, 17, 40, 64, 65, 130])
def test_counts_print_each_shot(width: int) -> None:
    """Every way of counting, narrow and wide, gives what printing shot by shot gives, keys in ascending order."""
    dice = np.random.Generator(np.random.PCG64(width))
    matrix = (dice.random((300, width)) < 0.1).astype(np.uint8)
    columns = tuple(dice.permutation(width).tolist())
    middle = width // 2
    registers = (Register("a", columns[:middle]), Register("b", (*columns[middle:], -1)))
    want = Counter(print_registers(registers, row) for row in matrix.tolist())
    got = bits.counts(registers, matrix)
    assert got == want
    assert list(got) == sorted(got)


def test_counts_of_nothing() -> None:
    no_bits = np.zeros((5, 0), dtype=np.uint8)
    assert bits.counts((), no_bits) == {"": 5}
    assert bits.counts((Register("c", ()),), no_bits) == {"": 5}
    assert bits.counts((Register("c", (-1, -1)),), no_bits) == {"00": 5}
    assert bits.counts((), np.zeros((0, 0), dtype=np.uint8)) == {}


def test_packed_events_unpack_to_columns_in_event_order() -> None:
    matrix = (np.random.Generator(np.random.PCG64(1)).random((20, 11)) < 0.5).astype(np.uint8)
    events = {"b": (3, 2), **{f"e{k}": (k,) for k in (10, 0, 1, 4, 5, 6, 7, 8, 9)}}
    packed = bits.pack_events(Program(0, 11, (), (), events), matrix)
    rows = np.unpackbits(np.frombuffer(packed, dtype=np.uint8).reshape(20, -1), axis=1)[:, :11]
    assert np.array_equal(rows, matrix[:, [3, 2, 10, 0, 1, 4, 5, 6, 7, 8, 9]])


def test_post_logic_does_not_write_into_a_shared_array() -> None:
    frozen = np.zeros((3, 2), dtype=np.uint8)
    frozen.setflags(write=False)
    done = bits.finish(Program(0, 2, (), (), {}, post=(Logic(1, (), 1),)), frozen)
    assert done[:, 1].tolist() == [1, 1, 1]
    assert not frozen.any()
