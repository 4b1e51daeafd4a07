"""``qmk.gradient``, ``value_and_grad`` and ``metric_tensor``: one derivative whichever way it is asked for, equal to
the parameter-shift rule and to finite differences.

Statistical tests: an estimate is at most 7 standard errors off, which a normal one exceeds with probability 3e-12.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import qmk
from qmk.api import parametrised
from qmk.base.errors import QmkError

HEAD = 'OPENQASM 3.0; include "stdgates.inc";\n'
TEXT = (
    HEAD
    + """input float a;
input float b;
qubit[3] q;
bit[3] c;
ry(a) q[0];
cx q[0], q[1];
rz(2 * b - a) q[1];
crx(0.4 * b) q[1], q[2];
h q[2];
c = measure q;
"""
)
ARRAY = (
    HEAD
    + """input array[float[64], 2, 3] x;
input float t;
qubit[3] q;
for int layer in [0:1] {
  for int k in [0:2] { ry(x[layer, k]) q[k]; rz(x[layer, k] / 2 + t) q[k]; }
  cx q[0], q[1];
  cp(-t) q[1], q[2];
}
"""
)
OBSERVABLE = "0.5*ZZI + XXI - 0.25*IYX + 2"


def differences(value: Any, point: np.ndarray[Any, Any], step: float = 1e-5) -> list[float]:
    moves = step * np.eye(len(point))
    return [(value(point + move) - value(point - move)) / (2 * step) for move in moves]


def test_a_value_and_its_gradient_are_those_of_every_other_way() -> None:
    function = qmk.value_and_grad(TEXT, OBSERVABLE)
    assert function.names == ("a", "b")
    point = np.array([0.3, 0.7])
    value, slopes = function(point)
    by = dict(zip("ab", point, strict=True))
    assert value == pytest.approx(float(qmk.expectation(TEXT, OBSERVABLE, params=by)), abs=1e-12)
    assert slopes == pytest.approx(differences(function.value, point), abs=1e-8)
    single = qmk.gradient(TEXT, OBSERVABLE, params=by)
    assert single.value == pytest.approx(value, abs=1e-13)
    assert list(single.by.values()) == pytest.approx(slopes.tolist(), abs=1e-13)
    assert (single.exact, single.engine, single.errors) == (True, "native:dense64", {"a": 0.0, "b": 0.0})
    named = dict(zip("ab", slopes.tolist(), strict=True))
    assert qmk.value_and_grad(TEXT, OBSERVABLE, by) == (single.value, single.by)
    assert function(by) == (value, named)
    assert function.gradient(by) == function.at(by).by == named
    shifted = qmk.value_and_grad(TEXT, OBSERVABLE, engine="reference")
    assert shifted.at(point).engine.startswith("reference")
    assert shifted(point)[1] == pytest.approx(slopes, abs=1e-12)


def test_arrays_are_parameters_in_the_shape_that_they_have() -> None:
    function = qmk.value_and_grad(ARRAY, "XYZ + 0.3*ZII")
    assert function.names == ("x[0][0]", "x[0][1]", "x[0][2]", "x[1][0]", "x[1][1]", "x[1][2]", "t")
    point = np.linspace(-1.0, 2.0, 7)
    value, slopes = function(point)
    assert slopes == pytest.approx(differences(function.value, point), abs=1e-8)
    same, parts = function({"x": point[:6].reshape(2, 3), "t": point[6]})
    assert same == value
    assert parts["x"].shape == (2, 3)
    assert [*parts["x"].reshape(-1), parts["t"]] == slopes.tolist()
    fixed = qmk.value_and_grad(ARRAY, "XYZ + 0.3*ZII", params={"t": point[6]})
    assert len(fixed.names) == 6
    found, block = fixed(point[:6].reshape(2, 3))
    assert found == pytest.approx(value, abs=1e-14)
    assert block == pytest.approx(slopes[:6].reshape(2, 3), abs=1e-13)


def test_without_inputs_the_parameters_are_all_angles() -> None:
    text = HEAD + "qubit[2] q; ry(0.3) q[0]; cx q[0], q[1]; crz(0.4) q[0], q[1]; U(0.1, 0.2, 0.3) q[1];"
    function = qmk.value_and_grad(text, "XX + ZZ")
    assert function.start.tolist() == [0.3, 0.4, 0.1, 0.2, 0.3]
    value, slopes = function(function.start)
    assert value == pytest.approx(float(qmk.expectation(text, "XX + ZZ")), abs=1e-12)
    assert slopes == pytest.approx(differences(function.value, function.start), abs=1e-8)
    alone = qmk.gradient(text, "XX + ZZ")
    assert list(alone.by) == list(function.names)
    assert list(alone.by.values()) == pytest.approx(slopes.tolist(), abs=1e-13)
    shifted = qmk.gradient(text, "XX + ZZ", engine="reference")
    assert list(shifted.by.values()) == pytest.approx(slopes.tolist(), abs=1e-12)


@pytest.mark.parametrize("text", [TEXT, ARRAY], ids=["read by the core", "read by the front end"])
def test_a_program_that_is_the_same_everywhere_is_read_a_few_times(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.api import slopes
    from qmk.request import sweeps

    function = qmk.value_and_grad(text, OBSERVABLE)
    for module in (slopes, sweeps):
        monkeypatch.setattr(module, "to_graph", lambda *_: pytest.fail("read anew"))
    for k in range(3):
        function(np.full(len(function.names), 0.1 + k))


def test_another_structure_at_another_point_is_seen() -> None:
    text = HEAD + "input float a; qubit q; if (a > 1.5) x q; rx(a) q;"
    function = qmk.value_and_grad(text, "Z")
    for a, sign in ((0.5, 1), (2.0, -1), (1.0, 1)):
        value, slopes = function([a])
        assert value == pytest.approx(sign * math.cos(a), abs=1e-12)
        assert slopes.tolist() == pytest.approx([-sign * math.sin(a)], abs=1e-12)
        assert function.value([a]) == value
        assert function.metric_tensor([a]) == pytest.approx(np.array([[0.25]]))
    routed = qmk.value_and_grad(text, "Z", engine="reference")
    assert routed([2.0])[0] == pytest.approx(-math.cos(2.0))
    assert routed.value([2.0]) == pytest.approx(-math.cos(2.0))


def test_an_angle_that_wraps_is_the_one_that_is_read() -> None:
    text = HEAD + "input angle a; qubit[2] q; h q[0]; crx(a) q[0], q[1]; h q[0];"
    function = qmk.value_and_grad(text, "ZI")
    for a in (0.5, 7.0, 0.5 + 4 * math.pi):
        value, slopes = function([a])
        assert value == pytest.approx(float(qmk.expectation(text, "ZI", params={"a": a})), abs=1e-9)
        assert slopes == pytest.approx(differences(function.value, np.array([a])), abs=1e-6)


def test_what_is_not_affine_is_refused_with_the_reason() -> None:
    text = HEAD + "input float a; qubit q; rx(a * a) q;"
    with pytest.raises(QmkError, match="affine functions of them") as refused:
        qmk.value_and_grad(text, "Z")
    assert "chain rule" in refused.value.fields["help"]
    with pytest.raises(QmkError, match="affine functions of them"):
        qmk.gradient(text, "Z", params={"a": 0.3})


@pytest.mark.parametrize("a", [3.0, 2.0, -1.0, 0.0])
def test_a_jump_is_differentiated_on_a_side_or_refused(a: float) -> None:
    text = HEAD + "input float a; qubit q; rx(floor(a)) q;"
    said: list[str] = []
    for engine in (None, "native", "reference"):
        try:
            found = qmk.gradient(text, "Z", params={"a": a}, engine=engine)
        except QmkError as refused:
            said.append(str(refused))
        else:
            assert (found.value, found.by) == (pytest.approx(math.cos(a)), {"a": 0.0})
    assert all("affine functions of them" in text for text in said)


def test_points_that_do_not_fit_are_refused() -> None:
    function = qmk.value_and_grad(TEXT, OBSERVABLE)
    wrong: list[tuple[Any, str]] = [
        ([1.0], "has 1 numbers, where the parameters are 2: a, b"),
        ({"a": 1.0}, "has 1: a, where the parameters are 2: a, b"),
        ({"a": 1.0, "c": 2.0}, "where the parameters are 2: a, b"),
        ([math.nan, 1.0], "is not finite"),
        ("ab", "must be an array of numbers or a mapping"),
    ]
    for point, why in wrong:
        with pytest.raises(QmkError, match=why) as refused:
            function(point)
        assert refused.value.kind.name == "INVALID_PARAMS"


def test_an_input_that_is_no_number_has_to_be_fixed() -> None:
    text = HEAD + "input uint n; input float a; qubit[3] q; for uint k in [0:n] rx(a) q[k];"
    with pytest.raises(QmkError, match="the input 'n' is not a real number"):
        qmk.value_and_grad(text, "ZZZ")
    function = qmk.value_and_grad(text, "ZZI", params={"n": 1})
    assert function.names == ("a",)
    value, slopes = function([0.4])
    assert value == pytest.approx(math.cos(0.4) ** 2, abs=1e-12)
    assert slopes.tolist() == pytest.approx([-math.sin(0.8)], abs=1e-12)


@pytest.mark.parametrize("n", [14, 40])
def test_wide_programs_are_cut_to_what_each_term_depends_on(n: int) -> None:
    lines = [f"ry(a + 0.1 * {k}) q[{k}]; rz(b) q[{k}];" for k in range(n)]
    lines += [f"cx q[{k}], q[{k + 1}];" for k in range(0, n - 1, 2)] + [f"rx(2 * b) q[{k}];" for k in range(n)]
    text = HEAD + f"input float a; input float b; qubit[{n}] q; {''.join(lines)}"
    terms = [("I" * k + pair + "I" * (n - k - 2), 0.5 + k) for k, pair in ((0, "ZZ"), (5, "XY"), (n - 2, "YZ"))]
    observable = [*terms, ("I" * n, 0.75)]
    function = qmk.value_and_grad(text, observable)
    point = np.array([0.3, -0.4])
    found = function.at(point)
    assert found.engine.startswith("native")
    assert list(found.by.values()) == pytest.approx(differences(function.value, point), abs=1e-7)
    assert found.value == pytest.approx(float(qmk.expectation(text, observable, params={"a": 0.3, "b": -0.4})))
    assert function.value(point) == pytest.approx(found.value, abs=1e-12)


def test_shots_and_noise_are_honoured() -> None:
    point = np.array([0.3, 0.7])
    exact = qmk.value_and_grad(TEXT, OBSERVABLE).at(point)
    drawn = qmk.value_and_grad(TEXT, OBSERVABLE, shots=2000, seed=3).at(point)
    assert not drawn.exact
    for name in "ab":
        assert abs(drawn.by[name] - exact.by[name]) < 7 * drawn.errors[name]
    noisy = qmk.value_and_grad(TEXT, OBSERVABLE, noise="depolarizing=0.05")
    value, slopes = noisy(point)
    assert value == pytest.approx(
        float(qmk.expectation(TEXT, OBSERVABLE, params={"a": 0.3, "b": 0.7}, noise="depolarizing=0.05")), abs=1e-9
    )
    assert slopes == pytest.approx(differences(noisy.value, point), abs=1e-6)
    assert abs(value - exact.value) > 1e-3


def test_feed_forward_is_sampled_and_has_no_metric() -> None:
    text = HEAD + "input float a; qubit[2] q; bit c; ry(a) q[0]; c = measure q[0]; if (c) x q[1]; ry(a) q[1];"
    function = qmk.value_and_grad(text, "IZ", seed=4)
    found = function.at([0.4])
    assert not found.exact
    assert abs(found.by["a"] + math.sin(0.8)) < 7 * found.errors["a"]  # <IZ> = cos(a)^2
    with pytest.raises(QmkError, match="one exact state") as refused:
        qmk.metric_tensor(text, [0.4])
    assert refused.value.kind.name == "UNSUPPORTED"


def test_a_metric_is_the_fubini_study_metric_of_states() -> None:
    point = np.array([0.3, 0.7])

    def state(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return qmk.state(TEXT, params={"a": float(at[0]), "b": float(at[1])})

    def overlap(move: np.ndarray[Any, Any]) -> float:
        return float(abs(np.vdot(state(point), state(point + move))) ** 2)

    found = qmk.metric_tensor(TEXT, point)
    step = 1e-3
    for i in range(2):
        for j in range(2):
            one, other = step * np.eye(2)[i], step * np.eye(2)[j]
            # |<psi(x)|psi(x + d)>|^2 = 1 - d g d
            second = overlap(one + other) + overlap(-one - other) - overlap(one - other) - overlap(other - one)
            assert found[i, j] == pytest.approx(-second / (8 * step**2), abs=1e-5)
    assert qmk.value_and_grad(TEXT, OBSERVABLE).metric_tensor(point) == pytest.approx(found)
    assert qmk.metric_tensor(TEXT, {"a": 0.3, "b": 0.7}) == pytest.approx(found)
    text = HEAD + "qubit q; ry(0.3) q; rz(0.2) q;"
    assert qmk.metric_tensor(text) == pytest.approx(np.diag([0.25, math.sin(0.3) ** 2 / 4]))


def test_scipy_finds_a_ground_state() -> None:
    n, terms = 4, {}
    for k in range(4):
        terms["I" * k + "X" + "I" * (n - 1 - k)] = -0.7
        terms["".join("Z" if q in (k, (k + 1) % n) else "I" for q in range(n))] = -1.0
    text = HEAD + "input array[float[64], 12] x; qubit[4] q;"
    text += "for int l in [0:2] { for int k in [0:3] ry(x[4 * l + k]) q[k]; for int k in [0:2] cx q[k], q[k + 1]; }"
    function = qmk.value_and_grad(text, terms)
    found = scipy.optimize.minimize(function, np.full(12, 0.4), jac=True, method="BFGS")
    paulis = {"I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Z": np.diag([1, -1])}
    energy = np.zeros((16, 16))
    for letters, factor in terms.items():
        matrix = np.eye(1)
        for letter in letters:
            matrix = np.kron(matrix, paulis[letter])
        energy += factor * matrix
    lowest = np.linalg.eigvalsh(energy)[0]
    assert lowest - 1e-9 <= found.fun < lowest + 0.05
    assert np.abs(found.jac).max() < 1e-4


def test_kept_programs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parametrised, "PROGRAMS", 2)
    parametrised.forget()
    texts = [HEAD + f"input float a; qubit q; rx(a + {k}) q;" for k in range(4)]
    for text in texts:
        qmk.gradient(text, "Z", params={"a": 0.3})
    assert [key[0].decode() for key in parametrised._KEPT] == texts[2:]
    monkeypatch.setattr(parametrised, "KEPT_BYTES", 4)
    qmk.gradient(texts[0], "Z", params={"a": 0.3})
    assert [key[0].decode() for key in parametrised._KEPT] == texts[2:], "too long a text to be kept"
    parametrised.forget()


def test_a_text_for_the_front_end_is_read_once_for_every_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.api import slopes
    from qmk.request import sweeps

    parametrised.forget()
    row = {"x": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], "t": 0.7}
    first = qmk.gradient(ARRAY, "XYZ", params=row)
    swapped = {"x": row["x"][::-1], "t": 0.2}
    expected = qmk.gradient(ARRAY, "XYZ", params=swapped, engine="native")
    for module in (slopes, sweeps):
        monkeypatch.setattr(module, "to_graph", lambda *_: pytest.fail("read anew"))
    assert qmk.gradient(ARRAY, "XYZ", params=row) == first
    found = qmk.gradient(ARRAY, "XYZ", params=swapped)
    assert list(found.by.values()) == pytest.approx(list(expected.by.values()), abs=1e-13)
    parametrised.forget()


def test_a_text_that_others_complete_or_warn_of_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "angle.inc").write_text("const float w = 1;")
    text = HEAD + 'include "angle.inc"; input array[float[64], 1] a; qubit q; rx(w * a[0]) q;'
    program = tmp_path / "program.qasm"
    program.write_text(text)
    parametrised.forget()
    for w in (1, 2):
        (tmp_path / "angle.inc").write_text(f"const float w = {w};")
        assert qmk.gradient(program, "Z", params={"a": [0.3]}).value == pytest.approx(math.cos(0.3 * w))
    assert not list(parametrised._KEPT)


def test_a_program_without_angles_is_refused() -> None:
    plain = qmk.Circuit(1).h(0)
    for call in (qmk.value_and_grad, qmk.gradient):
        with pytest.raises(qmk.QmkError, match="the program has no parameters") as refused:
            call(plain, "X")
        assert refused.value.kind.name == "INVALID_PARAMS"
    with pytest.raises(qmk.QmkError, match="the program has no parameters"):
        qmk.metric_tensor(plain)
