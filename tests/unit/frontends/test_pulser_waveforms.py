"""Waveforms, expressions and splines of the front-end ``pulser`` against SciPy, NumPy and numbers from Pulser."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from qmk.frontends.pulser import samples, waveforms
from qmk.frontends.pulser.channel import detuning_off, modulate, rise_time
from qmk.frontends.pulser.schema import EomSpec
from qmk.frontends.pulser.values import Values
from qmk.sdk.frontend import Refused
from tests.unit.frontends.pulser_documents import constant, document, evolution, pulse, read

DICE = np.random.default_rng(7)


def made(spec: dict[str, Any], duration: int = 100) -> list[float]:
    """Values at whole ns of a waveform as a detuning, each held for its ns."""
    flat = constant(duration, 1.0)
    field = evolution(read(document(pulse(amplitude=flat, detuning=spec)), samples="hold"))["drives"][0]["detuning"]
    times, values = np.array(field["times"]), np.array(field["values"])
    return np.interp(np.arange(duration) / 1000 + 5e-4, times, values).tolist()


@pytest.mark.parametrize(
    ("spec", "first", "middle", "last"),
    [
        ({"kind": "ramp", "duration": 100, "start": -4.0, "stop": 6.0}, -4.0, -4 + 50 * 10 / 99, 6.0),
        ({"kind": "custom", "samples": [math.sin(k) for k in range(100)]}, 0.0, math.sin(50), math.sin(99)),
        (
            {"kind": "composite", "waveforms": [constant(30, 1.5), {"kind": "custom", "samples": [2.0] * 70}]},
            1.5,
            2.0,
            2.0,
        ),
    ],
)
def test_samples_of_simple_waveforms(spec: dict[str, Any], first: float, middle: float, last: float) -> None:
    found = made(spec)
    assert [found[0], found[50], found[99]] == pytest.approx([first, middle, last], abs=1e-9)


WINDOWS = [{"kind": "blackman", "area": -1.7}, {"kind": "kaiser", "area": 1.7, "beta": 8.0}]


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window["kind"])
def test_windows_have_their_area(window: dict[str, Any]) -> None:
    found = np.array(made({**window, "duration": 100}))
    assert found.sum() * 1e-3 == pytest.approx(window["area"], rel=1e-12)
    shape = np.blackman(100) if window["kind"] == "blackman" else np.kaiser(100, 8.0)
    assert np.allclose(found / found[50], np.clip(shape, 0, None) / shape[50], atol=1e-12)


@pytest.mark.parametrize(
    ("function", "arguments", "duration", "peak"),
    [  # from BlackmanWaveform.from_max_val and KaiserWaveform.from_max_val of pulser-core 1.9.1
        (waveforms.blackman_max, (10.0, math.pi), 749, 9.999976615704712),
        (waveforms.blackman_max, (-25.0, -2.0), 192, 24.9286732395596),
        (waveforms.blackman_max, (100.0, 0.3), 8, 93.9146549081539),
        (waveforms.kaiser_max, (10.0, math.pi, 14.0), 948, 9.996051246177267),
        (waveforms.kaiser_max, (3.0, 50.0, 2.0), 20952, 2.9999141032532353),
        (waveforms.kaiser_max, (400.0, 1.0, 2.0), 4, 339.0757709882388),
    ],
)
def test_windows_below_a_maximum_are_those_of_pulser(
    function: Any, arguments: tuple[float, ...], duration: int, peak: float
) -> None:
    found = function(*arguments)
    assert found.duration == duration
    assert abs(found.samples).max() == pytest.approx(peak, rel=1e-12)
    assert found.samples.sum() * 1e-3 == pytest.approx(arguments[1], rel=1e-12)


def test_interpolation_is_scipys_pchip() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    for size in (2, 3, 4, 9):
        for _ in range(20):
            x = np.sort(DICE.uniform(0, 50, size))
            y = DICE.choice([-1.0, 0.0, 0.5, 2.0], size) * DICE.uniform(0, 3, size)
            at = np.arange(60.0)
            assert np.allclose(waveforms.pchip(x, y, at), interpolate.PchipInterpolator(x, y)(at), atol=1e-9, rtol=1e-9)


def test_an_interpolated_waveform_stays_between_its_values() -> None:
    found = waveforms.interpolate(101, [0.0, 5.0, 1.0], [0.2, 0.5, 0.8]).samples
    assert (found.min(), found.max()) == (0.0, 5.0)
    assert found[50] == 5.0


@pytest.mark.parametrize("size", [5, 6, 7, 20, 300])
def test_the_spline_is_scipys(size: int) -> None:
    """Its curvature at every sample; QuTiP makes Pulser's coefficients continuous by just this spline."""
    interpolate = pytest.importorskip("scipy.interpolate")
    y = DICE.normal(size=size) * 10
    spline = interpolate.make_interp_spline(np.arange(size), y, k=3)
    assert np.allclose(samples.curvature(y), spline(np.arange(size), 2), atol=1e-8)


def test_lines_have_the_splines_area_in_every_ns() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    y = np.concatenate((np.full(20, 5.0), DICE.normal(size=20), np.zeros(9)))
    spline = interpolate.make_interp_spline(np.arange(len(y)), y, k=3)
    field = samples.field(y, "spline")
    t, v = np.array(field.times) * 1000, np.array(field.values)
    fine = np.linspace(0, len(y) - 1, 4 * (len(y) - 1) + 1)
    area = np.concatenate(
        ([0], np.cumsum(np.diff(fine) * (np.interp(fine[1:], t, v) + np.interp(fine[:-1], t, v)) / 2))
    )
    wanted = [spline.integrate(0, k) for k in range(len(y))]
    assert np.allclose(area[::4], wanted, atol=1e-9)


def test_constants_and_ramps_keep_few_knots() -> None:
    step = np.concatenate((np.full(5000, 3.0), np.zeros(5000)))
    assert len(samples.field(step, "hold").times) == 4
    assert len(samples.field(step, "spline").times) < 100
    assert len(samples.field(np.linspace(0, 7, 9001), "spline").times) == 2


def test_light_is_filtered_as_pulser_does() -> None:
    """A gaussian in frequency, by its convolution in time; 8 MHz rise in 85 ns."""
    assert (rise_time(8), rise_time(40)) == (85, 17)
    step = np.concatenate((np.zeros(400), np.full(800, 2.0), np.zeros(400)))
    cutoff = 8e-3 / np.sqrt(2 * np.log(2))
    t = np.arange(-300, 301)
    kernel = np.sqrt(np.pi) * cutoff * np.exp(-((np.pi * cutoff * t) ** 2))
    wanted = np.convolve(step, kernel, mode="same")
    assert np.abs(modulate(step, 8.0, 0) - wanted).max() < 1e-9


def test_the_detuning_between_eom_pulses() -> None:
    """Numbers of RydbergEOM.calculate_detuning_off, pulser-core 1.9.1, for Pulser's AnalogDevice."""
    eom = EomSpec(40.0, "RED", 60 * math.pi, 900 * math.pi, ["BLUE"], custom_buffer_time=240.0)
    assert detuning_off(eom, 2.316284405565768, -0.5695757889241868, 0.0) == pytest.approx(-1.7277179917070709)
    assert detuning_off(eom, 9.31284900396648, -0.8321952413482325, 0.0) == pytest.approx(-7.733882230555519)


# -- expressions -----------------------------------------------------------------------------------------------------


def index(name: str, at: Any = 0) -> dict[str, Any]:
    return {"expression": "index", "lhs": {"variable": name}, "rhs": at}


def binary(name: str, lhs: Any, rhs: Any) -> dict[str, Any]:
    return {"expression": name, "lhs": lhs, "rhs": rhs}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (binary("add", index("a", 1), 2), 5.0),
        (binary("sub", 1, index("a", 0)), -1.0),
        (binary("mul", binary("div", index("a", 1), 2), index("a", 0)), 3.0),
        (binary("mod", -7, index("a", 1)), 2.0),
        (binary("pow", index("a", 0), 0.5), math.sqrt(2)),
        ({"expression": "neg", "lhs": index("a", 0)}, -2.0),
        ({"expression": "abs", "lhs": {"expression": "neg", "lhs": 3}}, 3.0),
        ({"expression": "round", "lhs": 2.5}, 2.0),
        ({"expression": "floor", "lhs": -2.5}, -3.0),
        ({"expression": "ceil", "lhs": -2.5}, -2.0),
        ({"expression": "log2", "lhs": 8}, 3.0),
        ({"expression": "sqrt", "lhs": {"expression": "exp", "lhs": {"expression": "log", "lhs": 9}}}, 3.0),
        ({"expression": "tanh", "lhs": 0.3}, math.tanh(0.3)),
        (index("a", -1), 3.0),
        (index("a", [1]), 3.0),
    ],
)
def test_expressions_have_pulsers_values(expression: Any, value: float) -> None:
    variables = {"a": {"type": "float", "value": [0.0, 0.0]}}
    made = document(pulse(detuning=constant(100, expression)), variables=variables)
    detuning = evolution(read(made, a=[2, 3], samples="hold"))["drives"][0]["detuning"]
    assert detuning["values"][0] == pytest.approx(value, rel=1e-12)


def test_arrays_and_durations_may_be_variables() -> None:
    variables = {"v": {"type": "float", "value": [0.0] * 3}, "t": {"type": "int", "value": [0]}}
    wave = {
        "kind": "interpolated",
        "duration": binary("div", index("t"), 2),
        "values": binary("mul", {"variable": "v"}, 2),
        "times": [0.0, 0.5, 1.0],
    }
    made = document(pulse(amplitude=wave, detuning=constant(0, 1.0)), variables=variables)
    args = evolution(read(made, v=[0, 2, 1], t=203, samples="hold"))
    assert args["duration"] == 0.101  # parts of a ns are left out
    assert max(args["drives"][0]["amplitude"]["values"]) == pytest.approx(4.0)


def test_a_variable_may_have_the_name_of_a_parameter() -> None:
    variables = {"samples": {"type": "float", "value": [0.0]}}
    made = document(pulse(detuning=constant(100, index("samples"))), variables=variables)
    assert max(evolution(read(made, samples=2.5))["drives"][0]["detuning"]["values"]) >= 2.5


def test_numbers_alone_need_no_variables() -> None:
    assert Values({}, {}).numbers([1.0, 2.0], "x") == [1.0, 2.0]
    with pytest.raises(Refused):
        Values({}, {}).number(1e10, "x")


def test_a_search_for_a_window_ends() -> None:
    with pytest.raises(Refused):
        waveforms.kaiser_max(1e-3, 1e6, 14.0)
