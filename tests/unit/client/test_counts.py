"""Counts against numbers worked out by hand, and against the shots that they count."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qmk
from qmk.abi.calls.q_result import Register
from qmk.base.errors import QmkError

TWO = [Register("c", [None] * 3, descending=True), Register("d", [None] * 2)]


def counts(rows: dict[str, int]) -> qmk.Counts:
    """Register c of three bits, highest index first, then register d of two, lowest first."""
    return qmk.Counts(rows, TWO)


SOME = counts({"001 10": 5, "001 11": 3, "110 10": 2})


def test_it_is_a_dict() -> None:
    assert SOME == {"001 10": 5, "001 11": 3, "110 10": 2}
    assert (SOME.shots, SOME.width) == (10, 5)
    assert SOME.probabilities()["001 11"] == 0.3
    assert SOME.most_common(1) == [("001 10", 5)]


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (("c",), {"001": 8, "110": 2}),
        (("d", "c"), {"10 001": 5, "11 001": 3, "10 110": 2}),
        (("c[0]",), {"1": 8, "0": 2}),
        (("c[2]", "c[0]"), {"01": 8, "10": 2}),
        (("d[1]",), {"0": 7, "1": 3}),
        ((0, -1), {"00": 5, "01": 3, "10": 2}),
        (("c[1]", "d"), {"0 10": 5, "0 11": 3, "1 10": 2}),
        ((), {"": 10}),
    ],
)
def test_marginals(bits: tuple[str | int, ...], expected: dict[str, int]) -> None:
    assert SOME.marginal(*bits) == expected


def test_a_marginal_has_the_registers_that_it_was_asked_for() -> None:
    assert SOME.marginal("d", "c").marginal("c[0]") == {"1": 8, "0": 2}
    assert SOME.marginal("c[2]", "c[0]").marginal(1) == {"1": 8, "0": 2}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"c[0]": 0}, {"110 10": 2}),
        ({"d": "10"}, {"001 10": 5, "110 10": 2}),
        ({"d": "10", "c[2]": "0"}, {"001 10": 5}),
        ({"c": "111"}, {}),
        ({}, dict(SOME)),
    ],
)
def test_post_selection(values: dict[str | int, int | str], expected: dict[str, int]) -> None:
    assert SOME.post_select(values) == expected


@pytest.mark.parametrize(
    ("wrong", "message", "fix"),
    [
        (lambda: SOME.marginal("e"), "no register or bit 'e'", "'c', 'd'"),
        (lambda: qmk.Counts({"0": 1}, [Register("alpha", [None])]).marginal("alpa"), "'alpa'", "mean 'alpha'"),
        (lambda: SOME.marginal("c[3]"), "register 'c' has 3 bits", "c[2]"),
        (lambda: SOME.marginal(5), "no bit 5", "0 to 4"),
        (lambda: SOME.marginal("c", "c[0]"), "named twice", "once"),
        (lambda: SOME.post_select({"d": 1}), "'1' is not a value of 'd', which has 2 bits", "one digit"),
        (lambda: SOME.post_select({"c[0]": 2}), "'2' is not a value", "one digit"),
        (lambda: SOME.post_select({"c": "111"}).parity(), "no shots", "post-select"),
        (lambda: SOME.tvd({}), "neither counts nor probabilities", "negative"),
        (lambda: SOME.tvd({"0": -1.0, "1": 2.0}), "neither counts nor probabilities", "negative"),
        (lambda: qmk.Counts({"0x": 1}), "'0x' is not a bitstring", "0 and 1"),
        (lambda: qmk.Counts({"0": 1, "01": 1}), "different lengths", "all bits"),
        (lambda: qmk.Counts({"0": -1}), "count of '0' must be at least 0", "larger"),
        (lambda: SOME.mitigate(0.6), "0.6 does not say how often", "below 1/2"),
        (lambda: SOME.mitigate({"q": 0.1}), "no register or bit 'q'", "registers"),
    ],
)
def test_refusals_say_what_to_do(wrong: object, message: str, fix: str) -> None:
    assert callable(wrong)
    with pytest.raises(QmkError) as caught:
        wrong()
    assert message in caught.value.message
    assert fix in caught.value.fields["help"]


def test_parities() -> None:
    assert SOME.parity("c[0]").value == pytest.approx(-0.6)
    assert SOME.parity("c[0]").error == pytest.approx(math.sqrt((1 - 0.36) / 10))
    assert SOME.parity("c", "d") == SOME.parity() == (0.0, pytest.approx(math.sqrt(1 / 10)))


def test_distances() -> None:
    even = {"001 10": 0.5, "110 10": 0.5}
    assert SOME.tvd(SOME) == SOME.hellinger(SOME) == 0
    assert SOME.tvd(even) == pytest.approx(0.3)
    assert SOME.hellinger(even) == pytest.approx(math.sqrt(1 - math.sqrt(0.25) - math.sqrt(0.1)))
    assert SOME.tvd({"000 00": 3}) == SOME.hellinger({"000 00": 3}) == 1


def test_plain_counts_have_registers_by_number() -> None:
    assert qmk.Counts({"01 1": 2}).marginal("r1") == {"1": 2}
    assert qmk.Counts({}).marginal() == {}


def test_pickles_keep_the_registers() -> None:
    again = pickle.loads(pickle.dumps(SOME))
    assert again == SOME
    assert again.marginal("c[0]", "d[1]") == SOME.marginal("c[0]", "d[1]")


@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 10**6))
def test_a_marginal_counts_the_shots_anew(first: int, second: int, seed: int) -> None:
    rng = Random(seed)
    shots = ["".join(rng.choice("01") for _ in range(first + second)) for _ in range(30)]
    registers = [Register("a", [None] * first, rng.random() < 0.5), Register("b", [None] * second)]
    rows = Counter(f"{row[:first]} {row[first:]}" for row in shots)
    made = qmk.Counts(dict(rows), registers)
    wanted = rng.sample(range(first + second), rng.randint(0, first + second))
    assert made.marginal(*wanted) == dict(Counter("".join(row[at] for at in wanted) for row in shots))


@pytest.mark.parametrize("rates", [0.08, (0.02, 0.15)])
def test_mitigation_undoes_what_readout_errors_do_to_probabilities(rates: float | tuple[float, float]) -> None:
    """Exact probabilities under readout errors, as counts that are so many that rounding is below the bound."""
    rng = np.random.default_rng(3)
    true = rng.dirichlet(np.ones(8))
    up, down = rates if isinstance(rates, tuple) else (rates, rates)
    one = np.array([[1 - up, down], [up, 1 - down]])
    seen = np.kron(np.kron(one, one), one) @ true
    shots = 10**12
    found = qmk.Counts({f"{at:03b}": round(share * shots) for at, share in enumerate(seen)}).mitigate(rates)
    assert [found[f"{at:03b}"] for at in range(8)] == pytest.approx(true.tolist(), abs=1e-10)


def test_mitigation_of_a_noisy_run_comes_back_to_the_ghz_state() -> None:
    """20,000 shots: a standard error of a few thousandths; the bound is seven of them."""
    noisy = qmk.run("examples/ghz.qasm", shots=20_000, seed=5, noise="readout=0.02").counts.marginal("c[0]", "c[1]")
    assert noisy["01"] > 200
    found = noisy.mitigate(0.02)
    assert sum(found.values()) == pytest.approx(1)
    assert found["01"] == pytest.approx(0, abs=0.01)
    assert found["00"] == pytest.approx(0.5, abs=0.03)
    nearest = found.nearest()
    assert min(nearest.values()) >= 0
    assert sum(nearest.values()) == pytest.approx(1)


def test_the_nearest_probabilities() -> None:
    from qmk.client.mitigation import QuasiProbabilities

    assert QuasiProbabilities({"0": 1.1, "1": -0.1}).nearest() == {"0": pytest.approx(1.0)}
    assert QuasiProbabilities({"0": 0.7, "1": 0.5, "2": -0.2}).nearest() == {
        "0": pytest.approx(0.6),
        "1": pytest.approx(0.4),
    }


def test_too_many_outcomes_are_refused() -> None:
    many = qmk.Counts({f"{number:013b}": 1 for number in range(5000)})
    with pytest.raises(QmkError, match="5000 different outcomes"):
        many.mitigate(0.01)
    assert sum(many.marginal(0, 1).mitigate(0.01).values()) == pytest.approx(1)


def test_a_table_of_outcomes() -> None:
    frame = SOME.to_pandas()
    assert list(frame.columns) == ["c", "d", "count", "probability"]
    assert frame.iloc[0].tolist() == ["001", "10", 5, 0.5]
    assert qmk.Counts({}).to_pandas().empty


def test_what_a_notebook_shows() -> None:
    text = qmk.Counts({"000": 1}, [Register("<i>", [None] * 3)])._repr_html_()
    assert "<i>" not in text
    assert "50.0%" in SOME._repr_html_()
    many = qmk.Counts({f"{number:07b}": 1 for number in range(100)})
    assert "68 more outcomes with 68 shots" in many._repr_html_()
