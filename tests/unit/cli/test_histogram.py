"""The bar chart of counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qmk.cli.histogram import lines


def test_bars_are_proportional_and_few_outcomes_stand_in_bit_order() -> None:
    rows = lines({"11": 250, "00": 750}, 1000, width=100)
    assert [row.split()[0] for row in rows] == ["00", "11"]
    assert rows[0].count("█") == 3 * rows[1].count("█")
    assert rows[0].endswith("750   75.0 %")


def test_the_most_frequent_come_first_and_the_rest_are_summed_up() -> None:
    counts = {format(i, "06b"): 10 + i for i in range(40)}
    shots = sum(counts.values())
    rows = lines(counts, shots, top=5)
    assert [row.split()[0] for row in rows[:5]] == [format(i, "06b") for i in (39, 38, 37, 36, 35)]
    rest = sum(sorted(counts.values())[:35])
    assert rows[5].strip().startswith(f"… 35 more outcomes with {rest} shots")


def test_long_bitstrings_keep_both_ends() -> None:
    (row,) = lines({"0" * 150 + "1" * 150: 5}, 5, width=80)
    assert len(row) <= 80
    assert row.split()[0].startswith("000")
    assert "111 " in row


def test_no_bits_and_no_counts() -> None:
    assert "(no bits)" in lines({"": 10}, 10)[0]
    assert lines({}, 10) == ["no outcomes"]


@given(
    st.dictionaries(st.text("01 ", min_size=1, max_size=200), st.integers(1, 10**8), min_size=1, max_size=60),
    st.integers(60, 200),
    st.integers(1, 30),
)
def test_every_line_fits_and_nothing_is_lost(counts: dict[str, int], width: int, top: int) -> None:
    shots = sum(counts.values())
    rows = lines(counts, shots, top=top, width=width, ascii_only=True)
    assert all(len(row) <= width for row in rows)
    assert len(rows) == min(len(counts), top) + (len(counts) > top)
    assert all(row.isascii() for row in rows if "…" not in row)
