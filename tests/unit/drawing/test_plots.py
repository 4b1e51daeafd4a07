"""Plots by their structure: what stands where equals the numbers that were given; anything else is refused."""

from __future__ import annotations

import io
import itertools
import math
import sys
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.abi.calls.q_result import Register
from qmk.drawing import theme as themes
from qmk.drawing.engines import chart
from qmk.models.qec import codes, memories, rates

TURNS: Any = np.linspace(0, 3, 7)
plot: Any = qmk.plot


def bars(figure: Any) -> list[list[float]]:
    return [[patch.get_height() for patch in group] for group in groups(figure)]


def groups(figure: Any) -> list[Any]:
    return [group for group in figure.axes[0].containers if hasattr(group, "patches")]


def below(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_xticklabels()]


def test_bars_are_shares_of_the_shots_with_their_errors() -> None:
    figure: Any = qmk.Counts({"00": 30, "11": 60, "01": 10}).plot()
    assert bars(figure) == [pytest.approx([0.3, 0.1, 0.6])]
    assert below(figure) == ["00", "01", "11"]
    segments = figure.axes[0].collections[0].get_segments()
    assert [(b - a)[1] / 2 for a, b in segments] == pytest.approx(
        [math.sqrt(p * (1 - p) / 100) for p in (0.3, 0.1, 0.6)]
    )
    assert figure.axes[0].get_ylabel() == "share of the shots"
    assert not plot.histogram({"0": 0.5, "1": 0.5}).axes[0].collections, "probabilities have no error bars"


def test_runs_stand_side_by_side_and_the_rest_is_one_bar() -> None:
    a, b = {f"{k:08b}": k + 1 for k in range(40)}, {"11111111": 5}
    figure = plot.histogram([a, b], labels=["many", "one"], top=3)
    assert below(figure) == ["00100110", "00100111", "11111111", "38 others"]
    assert bars(figure)[0] == pytest.approx([39 / 820, 40 / 820, 0, 741 / 820])
    assert bars(figure)[1] == [0, 0, 1, 0]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["many", "one"]
    left, right = (group[0] for group in groups(figure))
    assert left.get_x() + left.get_width() == pytest.approx(right.get_x())


@pytest.mark.parametrize(("bits", "number"), [(1, 2), (3, 8), (5, 20), (16, 20), (60, 100)])
def test_bitstrings_below_bars_never_collide(bits: int, number: int) -> None:
    figure = plot.histogram({f"{k:0{bits}b}": 1 for k in range(number)}, top=number)
    figure.savefig(io.BytesIO())
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(boxes))


def test_a_city_has_a_bar_for_each_entry_that_is_not_zero() -> None:
    figure = plot.city(qmk.state(qmk.Circuit(2).h(0).cx(0, 1)))
    real, imaginary = figure.axes
    assert len(real.collections[0]._facecolors) == 4 * 6
    assert real.get_xlabel() == "row"
    assert [text.get_text() for text in real.get_xticklabels()] == ["00", "01", "10", "11"]
    assert imaginary.get_title() == "imaginary part"


@pytest.mark.parametrize("mixed", [False, True])
def test_arrows_end_at_the_bloch_vectors(mixed: bool) -> None:
    circuit = qmk.Circuit(3).h(0).cx(0, 1).ry(0.8, 2).rz(0.5, 2)
    state = qmk.state(circuit)
    figure = plot.bloch(np.outer(state, state.conj()) if mixed else state)
    assert len(figure.axes) == 3
    for qubit, axes in enumerate(figure.axes):
        arrow = next(line for line in axes.lines if line.get_label() == "vector")
        wanted = [float(qmk.expectation(circuit, f"{pauli}{qubit}")) for pauli in "XYZ"]
        assert [end[1] for end in arrow.get_data_3d()] == pytest.approx(wanted, abs=1e-9)
        assert f"r = {np.linalg.norm(wanted):.2f}" in axes.get_title()


def test_a_qsphere_has_a_point_for_each_amplitude_by_weight_and_phase() -> None:
    figure = plot.qsphere(np.array([1, 0, 1j, -1]) / math.sqrt(3))
    points = {each.get_label(): each for each in figure.axes[0].collections if set(each.get_label()) <= set("01")}
    assert set(points) == {"00", "10", "11"}
    heights = {name: float(point._offsets3d[2][0]) for name, point in points.items()}
    assert heights == pytest.approx({"00": 1, "10": 0, "11": -1})
    colours = {name: themes.load().colors.to_hex(point.get_facecolor()[0]) for name, point in points.items()}
    wheel = themes.load().colors.LinearSegmentedColormap.from_list("phases", themes.PHASES)
    for name, phase in (("00", 0.0), ("10", 0.25), ("11", 0.5)):
        assert colours[name] == themes.load().colors.to_hex(wheel(phase))
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["0", "π/2", "π", "3π/2"]


def test_a_sweep_of_one_parameter_is_curves_with_bands() -> None:
    theta = qmk.Parameter("theta")
    swept = qmk.sweep(qmk.Circuit(1).ry(theta, 0), {theta: TURNS[::-1]}, ["Z", "X"], shots=100, seed=1)
    axes: Any = swept.plot(labels=["Z", "X"], units={"theta": "rad"}).axes[0]
    assert axes.get_xlabel() == "theta (rad)"
    for k, line in enumerate(axes.lines):
        assert line.get_xdata() == pytest.approx(TURNS)
        assert line.get_ydata() == pytest.approx(swept.values[::-1, k])
    assert len(axes.collections) == 2, "a band for each"
    with pytest.raises(qmk.QmkError, match="labels must be 2"):
        swept.plot(labels=["Z"])


def test_a_sweep_of_two_parameters_is_a_map_where_it_is_a_grid() -> None:
    a, b = qmk.Parameter("a"), qmk.Parameter("b")
    circuit = qmk.Circuit(2).ry(a, 0).ry(b, 1)
    grid: Any = np.meshgrid(TURNS, TURNS[:3])
    x, y = grid
    swept = qmk.sweep(circuit, {a: x.ravel(), b: y.ravel()}, "Z0")
    axes: Any = swept.plot().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")
    assert np.asarray(axes.collections[0].get_array()) == pytest.approx(np.cos(x))
    with pytest.raises(qmk.QmkError, match="not a grid"):
        qmk.sweep(circuit, {a: TURNS[:3], b: TURNS[:3]}, "Z0").plot()
    with pytest.raises(qmk.QmkError, match="moves 2 parameters with 2 observables"):
        qmk.sweep(circuit, {a: x.ravel(), b: y.ravel()}, ["Z0", "Z1"]).plot()
    with pytest.raises(qmk.QmkError, match="has counts and no values"):
        qmk.sweep(circuit.copy().measure_all(), {a: TURNS[:2], b: TURNS[:2]}, shots=5).plot()


def test_convergence_has_a_line_at_the_exact_value() -> None:
    axes = plot.convergence([3, 2, 1.5], errors=[0.1, 0.1, 0.2], exact=1.4, label="energy").axes[0]
    curve, exact = axes.lines
    assert curve.get_ydata() == pytest.approx([3, 2, 1.5])
    assert set(exact.get_ydata()) == {1.4}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "energy")


@pytest.mark.parametrize(
    ("values", "errors", "names"),
    [
        ({"spsa": [3, 2], "adam": [2, 1, 0]}, {"adam": [0.1, 0.1, 0.1]}, ["spsa", "adam"]),
        ([[3, 2], [2, 1, 0]], None, ["value 0", "value 1"]),
        (np.array([[3, 2], [2, 1]]), np.full((2, 2), 0.1), ["value 0", "value 1"]),
    ],
)
def test_several_courses_are_curves_with_a_legend(values: Any, errors: Any, names: list[str]) -> None:
    axes = plot.convergence(values, errors).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == names
    assert list(axes.lines[0].get_ydata()) == [3, 2]
    assert len(axes.collections) == (0 if errors is None else len(errors))


def test_a_histogram_says_which_bits_its_outcomes_are_of() -> None:
    registers = [Register("c", [None] * 2, True), Register("d", [None] * 6, False)]
    counts = qmk.Counts({"01 000000": 3, "10 111111": 4}, registers)
    whole = "outcome (bits as printed: c[1] c[0] d[0] … d[5])"
    assert counts.plot().axes[0].get_xlabel() == whole
    assert plot.histogram([counts, counts]).axes[0].get_xlabel() == whole
    assert counts.marginal("c[0]", "d[3]").plot().axes[0].get_xlabel() == "outcome (bits as printed: c[0],d[3])"
    assert plot.histogram({"01": 1}).axes[0].get_xlabel() == "outcome (bits as printed)"


def test_error_rates_are_a_curve_a_distance_and_bare_qubits() -> None:
    points: list[memories.Memory] = []
    for d in (3, 5):
        for p, errors in ((1e-3, 40 // d), (1e-2, 40 * d)):
            rate = rates.Rate(1000, errors, (errors,), 0.1, {})
            code = codes.parse(f"surface(d={d})")
            points.append(memories.Memory(code, f"circuit={p}", "", "matching", 3 * d, {"Z": rate}, p))
    found = memories.threshold(points)
    axes = plot.error_rates(found).axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    named = {text.get_text() for text in axes.get_legend().get_texts()}
    assert named == {"a bare qubit", "d = 3", "d = 5"}
    curves = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in curves] == [[p.block_per_round for p in found.curve(d)] for d in (3, 5)]


def test_the_chart_of_engines_marks_the_chosen_and_tells_why_others_cannot() -> None:
    axes = plot.engines(qmk.Circuit(13).h(range(13)).cx(0, 1).measure_all(), shots=100).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    told = dict(zip(names, (text.get_text() for text in axes.texts), strict=True))
    assert [name for name, text in told.items() if text.endswith("chosen")] == [names[0]]
    assert told["reference"] == "no: 13 qubits, at most 12"
    assert chart([]).axes[0].get_xlabel() == "predicted seconds"


def test_themes_and_axes_of_the_caller() -> None:
    dark: Any = qmk.Counts({"0": 1}).plot(theme="dark")
    assert dark.axes[0].xaxis.label.get_color() == themes.ink("dark") != themes.ink("light")
    assert dark.get_facecolor()[3] == 0, "transparent"
    mine = dark.add_subplot()
    assert qmk.Counts({"0": 1}).plot(ax=mine) is dark
    assert len(mine.patches) == 1
    assert "<text" in dark._repr_svg_(), "text stays text"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plot.city(np.ones(3) / math.sqrt(3)), "has the shape"),
        (lambda: plot.city([1, 1]), "add up to 2, not 1"),
        (lambda: plot.city(np.eye(2)), "a trace of 2"),
        (lambda: plot.city([[0.5, 0.5], [0, 0.5]]), "not Hermitian"),
        (lambda: plot.city([[1.5, 0], [0, -0.5]]), "negative eigenvalue"),
        (lambda: plot.city(np.eye(1, 64)[0]), "at most 5 are drawn"),
        (lambda: plot.qsphere(np.eye(2) / 2), "must be a state vector"),
        (lambda: plot.histogram([{"0": 1}, {"0": 1}], labels=["a"]), "labels must be 2"),
        (lambda: plot.histogram({"0": 0}), "have no shots"),
        (lambda: plot.histogram({"0": 1}, top=0), "top must be"),
        (lambda: plot.histogram({"0": 1}, theme="blue"), "theme"),
        (lambda: plot.convergence([1, 2], errors=[1]), "one for each value"),
        (lambda: plot.convergence({"a": [1, 2]}, errors={"b": [1, 2]}), "of curves that there are not"),
        (lambda: plot.convergence([[1, 2]] * 9), "must be 1 to"),
        (lambda: plot.convergence([]), "finite numbers"),
        (lambda: plot.convergence([[1, "x"], [2]]), "finite numbers"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(call: Any, said: str) -> None:
    with pytest.raises(qmk.QmkError, match=said) as caught:
        call()
    assert caught.value.fields["help"]


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(qmk.QmkError, match="plots need Matplotlib") as caught:
        qmk.Counts({"0": 1}).plot()
    assert "quantum-microkernel[plot]" in caught.value.fields["help"]
