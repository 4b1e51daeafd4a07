"""``qmk.expectation`` and its kin, in this process: one value whichever way it is computed, sweeps at each point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.models.noise import GateRule, Kraus, NoiseModel, Pauli2, Readout, apply

TEXT = """
OPENQASM 3.0;
include "stdgates.inc";
input float a;
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
AT = {"a": 0.3, "b": 0.7}
OBSERVABLE = "0.5*ZZI + XXI - 0.25*IYX + 2"
FEED_FORWARD = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit c;
h q[0];
c = measure q[0];
if (c) x q[1];
"""


def test_every_way_gives_the_same_value() -> None:
    core = qmk.expectation(TEXT, OBSERVABLE, params=AT)
    assert (core.exact, core.error, core.engine) == (True, 0.0, "native:dense64")
    for engine in ("reference", "native", "native:dense64", "aer:statevector", "aer:matrix_product_state"):
        assert float(qmk.expectation(TEXT, OBSERVABLE, params=AT, engine=engine)) == pytest.approx(
            float(core), abs=1e-9
        )
    sampled = qmk.expectation(TEXT, OBSERVABLE, params=AT, shots=4000, seed=5)
    assert not sampled.exact
    assert abs(float(sampled) - float(core)) < 7 * sampled.error  # a normal value is with probability 3e-12
    assert qmk.expectation(TEXT, OBSERVABLE, params=AT, shots=4000, seed=5) == sampled


def test_qubit_0_is_the_first_letter_and_the_highest_bit() -> None:
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; x q[0]; measure q -> c;'
    assert [float(e) for e in qmk.expectation(text, ["ZI", "IZ", "Z0", "Z1"])] == [-1, 1, -1, 1]
    assert np.abs(qmk.state(text)).tolist() == [0, 0, 1, 0]
    assert [abs(z) for z in qmk.amplitudes(text, ["10", "01"])] == [1, 0]
    assert qmk.probabilities(text, [0, 1]).values.tolist() == [0, 0, 1, 0]
    assert qmk.probabilities(text, [1, 0]).values.tolist() == [0, 1, 0, 0]
    assert qmk.sample(text, shots=1).counts == {"01": 1}, "registers print their highest index first"


def test_a_program_without_a_state_is_sampled() -> None:
    found = qmk.expectation(FEED_FORWARD, ["ZZ", "XX"], seed=3)
    assert [e.exact for e in found] == [False, False]
    assert found[0].value == 1
    assert 0 < found[0].error < 0.001, "what all shots agree on is not certain"
    assert abs(found[1].value) < 7 * found[1].error
    chances = qmk.probabilities(FEED_FORWARD, [0, 1], seed=3)
    assert chances.values[1] == chances.values[2] == 0
    with pytest.raises(QmkError, match="no single state") as refused:
        qmk.state(FEED_FORWARD)
    assert refused.value.kind.name == "UNSUPPORTED"


def test_gradients_by_name() -> None:
    exact = qmk.gradient(TEXT, OBSERVABLE, params=AT)
    for name in AT:
        near = [float(qmk.expectation(TEXT, OBSERVABLE, params={**AT, name: AT[name] + h})) for h in (1e-5, -1e-5)]
        assert exact.by[name] == pytest.approx((near[0] - near[1]) / 2e-5, abs=1e-7)
    shifted = qmk.gradient(TEXT, OBSERVABLE, params=AT, engine="reference")
    assert shifted.by == pytest.approx(exact.by, abs=1e-9)
    sampled = qmk.gradient(TEXT, OBSERVABLE, params=AT, shots=2000, seed=2)
    assert all(abs(sampled.by[name] - exact.by[name]) < 7 * sampled.errors[name] for name in AT)


@pytest.mark.parametrize("engine", [None, "reference", "native"])
def test_a_sweep_is_one_expectation_a_point(engine: str | None) -> None:
    points = [{"a": x, "b": 0.7 - x} for x in (0.0, 0.3, -1.5)]
    found = qmk.sweep(TEXT, points, [OBSERVABLE, "ZII"], engine=engine)
    assert found.exact
    assert found.names == ("a", "b")
    for row, point in zip(found.values, points, strict=True):
        single = qmk.expectation(TEXT, [OBSERVABLE, "ZII"], params=point)
        assert row.tolist() == pytest.approx([float(e) for e in single], abs=1e-9)


def test_a_sweep_without_observables_counts() -> None:
    points = {"a": [0.0, math.pi], "b": [0.0, 0.0]}
    found = qmk.sweep(TEXT, points, shots=100, seed=1)
    assert [sum(counts.values()) for counts in found.counts] == [100, 100]
    assert {bits[1:] for bits in found.counts[0]} == {"00"}
    assert {bits[1:] for bits in found.counts[1]} == {"11"}
    assert qmk.sweep(TEXT, points, shots=100, seed=1).counts == found.counts


@pytest.mark.parametrize("noise", ["depolarizing=0.03", "amplitude_damping=0.2"])
def test_a_sweep_with_noise_is_one_noisy_expectation_a_point(noise: str) -> None:
    points = [{"a": x, "b": 0.7 - x} for x in (0.4, 0.3, -1.5)]
    found = qmk.sweep(TEXT, points, [OBSERVABLE, "ZII"], noise=noise)
    assert found.exact
    for row, point in zip(found.values, points, strict=True):
        single = qmk.expectation(TEXT, [OBSERVABLE, "ZII"], params=point, noise=noise)
        without = qmk.expectation(TEXT, [OBSERVABLE, "ZII"], params=point)
        assert row.tolist() == pytest.approx([float(e) for e in single], abs=1e-9)
        assert row.tolist() != pytest.approx([float(e) for e in without], abs=1e-3)


def test_a_sweep_of_counts_has_the_noise_too() -> None:
    text = 'OPENQASM 3.0; include "stdgates.inc"; input float a; qubit[1] q; bit[1] c; rx(a) q[0]; c = measure q;'
    found = qmk.sweep(text, {"a": [0.0, math.pi]}, shots=2000, seed=1, noise="depolarizing=0.3")
    assert all(300 < min(counts.values()) < 900 for counts in found.counts)


@pytest.mark.parametrize("angle", ["floor(a)", "mod(a, 3.0)", "a * a * a * 1e-12"])
@pytest.mark.parametrize("kind", ["float a", "array[float[64], 1] a"], ids=["read by the core", "by the front end"])
def test_a_sweep_of_what_is_affine_near_some_points_only_reads_every_point(angle: str, kind: str) -> None:
    written = angle if kind == "float a" else re.sub(r"\ba\b", "a[0]", angle)
    text = f'OPENQASM 3.0; include "stdgates.inc"; input {kind}; qubit q; rx({written}) q;'
    points: Any = [0.5, 4.7, 9000.0]
    found = qmk.sweep(text, {"a": points if kind == "float a" else [[x] for x in points]}, "Z")
    for value, x in zip(found.values[:, 0], points, strict=True):
        there = qmk.expectation(text, "Z", params={"a": x if kind == "float a" else [x]})
        assert value == pytest.approx(float(there), abs=1e-9)


def test_a_sweep_of_what_is_not_affine_reads_every_point() -> None:
    text = 'OPENQASM 3.0; include "stdgates.inc"; input float a; qubit q; if (a > 1) x q; else rx(a * a) q;'
    found = qmk.sweep(text, {"a": [0.5, 0.9, 2.0]}, "Z")
    assert found.values[:, 0].tolist() == pytest.approx([math.cos(0.25), math.cos(0.81), -1.0], abs=1e-9)


def test_a_sweep_of_a_program_with_feed_forward_is_sampled() -> None:
    text = FEED_FORWARD.replace("h q[0];", "ry(a) q[0];").replace("qubit[2]", "input float a;\nqubit[2]")
    found = qmk.sweep(text, {"a": [0.4, 1.0]}, ["IZ"], seed=1)
    assert not found.exact
    for value, error, a in zip(found.values[:, 0], found.errors[:, 0], (0.4, 1.0), strict=True):
        assert abs(value - math.cos(a)) < 7 * error


def test_a_wide_program_with_a_local_observable() -> None:
    n = 70
    lines = [f"ry(0.{1 + q % 5}) q[{q}];" for q in range(n)]
    lines += [f"cp(0.3) q[{q}], q[{q + 1}];" for start in (0, 1) for q in range(start, n - 1, 2)]
    text = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{n}];\n' + "\n".join(lines)
    assert float(qmk.expectation(text, "Z40")) == pytest.approx(math.cos(0.1), abs=1e-12)
    assert qmk.expectation(text, "Z10 Z11").exact


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: qmk.expectation(TEXT, "ZZ", params=AT), "3 qubits"),
        (lambda: qmk.expectation(TEXT, "ZZI", params=AT, shots=0), "at least one"),
        (lambda: qmk.expectation(TEXT, "ZZI"), "input 'a'"),
        (lambda: qmk.amplitudes(TEXT, ["00"], params=AT), r"outputs.amplitudes\[0\]"),
        (lambda: qmk.probabilities(TEXT, [3], params=AT), "no qubit 3"),
        (lambda: qmk.state(TEXT, params=AT, engine="native:frame"), "gives no state"),
        (lambda: qmk.sweep(TEXT, [{"a": 1.0}], "ZZI"), "input 'b'"),
    ],
)
def test_errors_say_what_is_wrong(call: Any, said: str) -> None:
    with pytest.raises(QmkError, match=said):
        call()


ONE = 'OPENQASM 3.0; include "stdgates.inc"; qubit[1] q; bit[1] c; h q[0]; c = measure q;'
DECAY = NoiseModel.thermal(1e-6, 1e-6, {"1q": 1e-6, "measure": 5e-6})


@pytest.mark.parametrize("noise", [NoiseModel(readout=(Readout(0.1, 0.2),)), DECAY], ids=["readout", "relaxation"])
def test_what_befalls_a_qubit_from_its_read_out_on_is_no_part_of_the_state_before(noise: NoiseModel) -> None:
    """A coherence outlives neither a measurement nor what follows it: X would come out as 0."""
    found = qmk.expectation(apply(noise, qmk.rewrite(ONE, []).graph), "X", shots=4000, seed=3)
    wanted = math.exp(-1) if noise is DECAY else 1.0
    assert abs(found.value - wanted) < 7 * found.error  # a normal value is with probability 3e-12


def test_noise_on_two_qubits_moves_with_the_qubits_that_a_value_depends_on() -> None:
    """Of three qubits the last two stay; ZZ after Pauli products and Kraus operators on them, by hand."""
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; h q[0]; cx q[1], q[2];'
    flips = Kraus(((((0.8, 0), (0, 0)), ((0, 0), (0.8, 0))), (((0, 0), (0.6, 0)), ((0.6, 0), (0, 0)))))
    model = NoiseModel(gates=(GateRule((Pauli2({"XI": 0.1, "IX": 0.2}), flips), arity=2),))
    found = qmk.expectation(apply(model, qmk.rewrite(text, []).graph), ["IZZ", "IIZ"], shots=4000, seed=4)
    kept = 1 - 2 * 0.36
    for value, wanted in zip(found, ((1 - 2 * 0.3) * kept * kept, (1 - 2 * 0.2) * kept), strict=True):
        assert abs(value.value - wanted) < 7 * value.error


@pytest.mark.parametrize(
    "call",
    [
        lambda: qmk.expectation(ONE, "1e400*Z"),
        lambda: qmk.expectation(ONE, {"Z": math.nan}),
        lambda: qmk.expectation(ONE, cast("Any", {"Z": 1j})),
        lambda: qmk.expectation(ONE, {}),
        lambda: qmk.expectation(ONE, cast("Any", 5)),
        lambda: qmk.expectation(ONE, "Z" + "9" * 5000),
        lambda: qmk.expectation(ONE, "Z\u0660"),
        lambda: qmk.expectation(ONE, "Z", shots=cast("Any", 10.5)),
        lambda: qmk.expectation(ONE, "Z", shots=10, seed=-1),
        lambda: qmk.expectation(ONE, "Z", shots=10, seed=1 << 70),
        lambda: qmk.expectation(ONE, "Z", engine="native:none"),
        lambda: qmk.probabilities(ONE, "0"),  # pyright: ignore[reportArgumentType]
        lambda: qmk.probabilities(ONE, 0),  # pyright: ignore[reportArgumentType]
        lambda: qmk.amplitudes(ONE, [0]),  # pyright: ignore[reportArgumentType]
        lambda: qmk.sample(ONE, shots="10"),  # pyright: ignore[reportArgumentType, reportCallIssue]
        lambda: qmk.sample(ONE, seed=1.5),  # pyright: ignore[reportArgumentType, reportCallIssue]
        lambda: qmk.sample(ONE, error=1e-200),
        lambda: qmk.sample(ONE, error="0.1"),  # pyright: ignore[reportArgumentType, reportCallIssue]
        lambda: qmk.sweep(TEXT, [{"a": 0, "b": 0}], "ZZZ", shots=0),
        lambda: qmk.sweep(TEXT, [{"a": 0, "b": 0}], shots=-1),
        lambda: qmk.sweep(TEXT, [{"a": 0, "b": 0}], shots=5, seed=1 << 70),
        lambda: qmk.sweep(TEXT, {"a": [0] * 3, "b": [0] * 3}, shots=90_000_000),
        lambda: qmk.sweep(TEXT, {"a": 3, "b": 1}, "ZZZ"),  # pyright: ignore[reportArgumentType]
        lambda: qmk.sweep(TEXT, [5], "ZZZ"),  # pyright: ignore[reportArgumentType]
        lambda: qmk.outputs(TEXT, expect="ZZZ", points={"a": [1], "b": [2]}, params={"a": 2}),
        lambda: qmk.outputs(ONE, amplitudes="0"),
    ],
)
def test_what_is_no_value_is_refused_whichever_way_it_comes(call: Callable[[], Any]) -> None:
    with pytest.raises(QmkError) as caught:
        call()
    assert caught.value.kind.name in ("INVALID_PARAMS", "QUOTA_EXCEEDED", "UNSUPPORTED")


BELL = """
OPENQASM 3.0;
include "stdgates.inc";
input float a;
qubit[2] q;
bit[2] c;
ry(a) q[0];
cx q[0], q[1];
c = measure q;
"""


def test_values_of_a_small_noisy_program_are_computed() -> None:
    """Depolarizing p leaves 1 - 4p/3 of every letter on one qubit, 1 - 16p/15 of every product on two."""
    p, a = 0.1, 0.4
    one, two = 1 - 4 * p / 3, 1 - 16 * p / 15
    noise = f"depolarizing={p}"
    zz, zi = qmk.expectation(BELL, ["ZZ", "ZI"], params={"a": a}, noise=noise)
    assert (zz.exact, zz.error, zi.error) == (True, 0.0, 0.0)
    assert zz.value == pytest.approx(two, abs=1e-9)
    assert zi.value == pytest.approx(one * two * math.cos(a), abs=1e-9)
    chances = qmk.probabilities(BELL, params={"a": a}, noise=noise)
    assert chances.exact
    assert chances.values[0] + chances.values[3] == pytest.approx((1 + two) / 2, abs=1e-9)
    found = qmk.gradient(BELL, "ZI", params={"a": a}, noise=noise)
    assert found.by["a"] == pytest.approx(-one * two * math.sin(a), abs=1e-9)
    with pytest.raises(QmkError, match="no single state"):
        qmk.amplitudes(apply(NoiseModel.depolarizing(p), qmk.rewrite(BELL, [], params={"a": a}).graph), ["00"])


def test_shots_follow_from_the_error_that_a_value_may_have() -> None:
    """3 ZZ and 4 XX are of two bases, so their variances add: 25 a shot of each."""
    found = qmk.expectation(
        BELL, "3*ZZ + 4*XX", params={"a": 1.0}, noise="depolarizing=0.3", error=0.05, engine="native:auto", seed=1
    )
    assert not found.exact
    assert 0.02 < found.error <= 0.05
    with pytest.raises(QmkError, match="both a number of shots"):
        qmk.expectation(BELL, "ZZ", params={"a": 1.0}, shots=10, error=0.1)


LOGICAL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; t q[0]; cx q[0], q[1];'


def test_values_on_logical_qubits_have_their_errors():
    ideal = qmk.expectation(LOGICAL, "ZZ").value
    found = qmk.expectation(LOGICAL, "ZZ", qec="surface(d=3)", noise="p=1e-3")
    assert found.exact
    assert 0.95 < found.value < ideal == pytest.approx(1.0)
    logical = qmk.probabilities(LOGICAL, qec="surface(d=3)", noise="p=1e-3").values
    assert logical.sum() == pytest.approx(1.0)
    assert 0 < logical[1] < 0.01, "never without errors"


@pytest.mark.parametrize(
    ("call", "keyword"),
    [
        (lambda given: qmk.state(TEXT, params=AT, **given), "noise"),
        (lambda given: qmk.amplitudes(TEXT, ["000"], params=AT, **given), "shots"),
        (lambda given: qmk.gradient(TEXT, "ZZI", params=AT, **given), "qec"),
        (lambda given: qmk.gradient(TEXT, "ZZI", params=AT, **given), "error"),
        (lambda given: qmk.sweep(TEXT, {"a": [0.1]}, "ZZI", **given), "qec"),
        (lambda given: qmk.expectation(TEXT, "ZZI", params=AT, **given), "timeout_ms"),
        (lambda given: qmk.expectation(TEXT, "ZZI", params=AT, **given), "shot"),
    ],
)
def test_a_keyword_that_cannot_be_honoured_is_refused(call: Any, keyword: str):
    value = {"noise": "p=1e-3", "qec": "surface(d=3)", "error": 0.1}.get(keyword, 3)
    with pytest.raises(QmkError, match=f"'{keyword}'") as caught:
        call({keyword: value})
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert caught.value.fields["help"]


def test_a_sweep_takes_inputs_that_are_the_same_at_every_point_and_a_standard_error():
    points = [{"a": 0.2}, {"a": 0.9}]
    every = [{**point, "b": AT["b"]} for point in points]
    there = qmk.sweep(TEXT, points, "ZZI", params={"b": AT["b"]})
    assert there.values == pytest.approx(qmk.sweep(TEXT, every, "ZZI").values)
    noisy = qmk.sweep(TEXT, every, "ZZI", noise="depolarizing=0.01", error=0.2, seed=5, engine="native")
    assert (noisy.errors <= 0.2).all()
    counted = qmk.sweep(TEXT, every, error=0.1, seed=5)
    assert [sum(row.values()) for row in counted.counts] == [25, 25]


def kicked_ring(n: int, steps: int, angle: float) -> str:
    layer = "".join(f"rx({angle}) q[{q}];" for q in range(n)) + "".join(
        f"cz q[{q}], q[{(q + 1) % n}];" for q in range(n)
    )
    return f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{n}];' + layer * steps


def test_a_wide_program_is_exact_by_propagation_on_every_way() -> None:
    text = kicked_ring(18, 5, 0.3)
    wanted = float(qmk.expectation(text, "Z3 X4 - 0.5*Z0", engine="native:dense64"))
    quick = qmk.expectation(text, "Z3 X4 - 0.5*Z0")
    named = qmk.expectation(text, "Z3 X4 - 0.5*Z0", engine="native:pauli")
    for found in (quick, named):
        assert (found.exact, found.error, found.error_kind, found.engine) == (True, 0.0, "", "native:pauli")
        assert found.value == pytest.approx(wanted, abs=1e-12)


def test_a_wide_program_of_little_entanglement_is_exact_on_every_way() -> None:
    layer = "".join(f"ry(0.{q + 3}) q[{q}]; rx({q}.7) q[{q}];" for q in range(60))
    chain = "".join(f"cx q[{q}], q[{q + 1}];" for q in range(59))
    text = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[60]; {layer}{chain}{layer}{chain}'
    observable = "Z3 X4 - 0.5*Z50 Z51 Z59 + Y30 Y31"
    quick, named = qmk.expectation(text, observable), qmk.expectation(text, observable, engine="native:mps")
    graph = qmk.expectation(qmk.Circuit.from_text(text).to_graph(), observable)
    for found in (quick, named, graph):
        assert (found.exact, found.error, found.error_kind, found.engine) == (True, 0.0, "", "native:mps")
    assert [named.value, graph.value] == pytest.approx([quick.value] * 2, abs=1e-12)
    joint = qmk.probabilities(text, [3, 50])
    assert (joint.exact, joint.engine) == (True, "native:mps")
    ones = [(1 - qmk.expectation(text, f"Z{q}").value) / 2 for q in (3, 50)]
    assert [joint.values[2] + joint.values[3], joint.values[1] + joint.values[3]] == pytest.approx(ones, abs=1e-10)


def test_an_error_that_is_allowed_is_stated_with_its_kind() -> None:
    text = kicked_ring(60, 20, 0.1)
    found = qmk.expectation(text, ["Z30", "Y2"], error=1e-2)
    finer = qmk.expectation(text, ["Z30", "Y2"], error=1e-4)
    for rough, fine in zip(found, finer, strict=True):
        assert rough.engine == "native:pauli"
        assert 0 < rough.error <= 1e-2
        assert rough.error_kind in ("bound", "estimate")
        assert not rough.exact
        assert fine.error <= 1e-4
        assert abs(rough.value - fine.value) <= rough.error + fine.error
    assert qmk.expectation(text, "Z30", shots=10, seed=1, engine="native:frame").error_kind == "standard error"


def test_a_narrow_program_is_exact_whatever_error_is_allowed() -> None:
    found = qmk.expectation(TEXT, OBSERVABLE, params=AT, error=0.3)
    assert (found.exact, found.error) == (True, 0.0)
    wider = kicked_ring(16, 12, 0.7)
    assert qmk.expectation(wider, "Z3", error=0.1).exact


def test_noise_on_many_qubits_is_exact_where_strings_stay_few() -> None:
    n = 24
    text = kicked_ring(n, 3, 0.4)
    found = qmk.expectation(text, "Z5", noise="depolarizing=0.01")
    assert (found.exact, found.engine) == (True, "native:pauli")
    drawn = qmk.expectation(text, "Z5", noise="depolarizing=0.01", shots=20_000, seed=3)
    assert abs(found.value - drawn.value) < 6 * drawn.error
    marginal = qmk.probabilities(text, [5], noise="depolarizing=0.01")
    assert marginal.exact
    assert marginal.values[0] - marginal.values[1] == pytest.approx(found.value, abs=1e-12)


def test_a_measurement_that_a_condition_reads_is_part_of_the_state() -> None:
    """X of a measured qubit is 0 in the middle of a wide program, as it is where shots are drawn."""
    lines = "".join(f"ry(0.3) q[{k}];" for k in range(20))
    text = f'OPENQASM 3.0; include "stdgates.inc"; qubit[20] q; bit c; {lines} h q[0]; c = measure q[0]; if (c) x q[1];'
    assert qmk.expectation(text, "X5").value == pytest.approx(math.sin(0.3), abs=1e-12)
    assert abs(qmk.expectation(text, "X0", seed=1).value) < 0.1
