"""The decoder service: signals before overload, nothing lost, slowed regions, and what raises the load."""

from __future__ import annotations

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.models.qec import codes, service
from qmk.models.qec.circuits import memory
from qmk.models.qec.service import Cost, Level, Region, Report, Thresholds, Work

ALGORITHM = Region("algorithm", 6, ("merge", "idle", "t"))
MEMORY = Region("memory", 2)


def steady(patch: int, number: int) -> Work:
    return Work(10, 10.0, 10.0)


def at(load: float, regions: tuple[Region, ...] = (ALGORITHM, MEMORY), windows: int = 200, **more: object) -> Report:
    """Eight patches on two cores at this load: windows of 10 us."""
    return service.run(regions, steady, cores=2, window_us=40 / load, windows=windows, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("load", "age", "level"),
    [
        (0.5, 0.2, Level.OK), (0.71, 0.2, Level.WARN), (0.5, 1.1, Level.WARN), (0.86, 0.1, Level.THROTTLE),
        (0.2, 2.5, Level.THROTTLE), (0.96, 0.1, Level.SHED), (0.2, 4.1, Level.OVERDUE),
    ],
)  # fmt: skip
def test_levels(load: float, age: float, level: Level) -> None:
    assert Thresholds().level(load, age) is level


def test_a_level_is_left_a_little_below_where_it_began() -> None:
    assert Thresholds().level(0.84, 0, before=Level.THROTTLE) is Level.THROTTLE
    assert Thresholds().level(0.84, 0, before=Level.WARN) is Level.WARN
    assert Thresholds().level(0.82, 0, before=Level.THROTTLE) is Level.WARN


def test_at_load_four_fifths_nothing_is_late_and_nothing_is_held() -> None:
    report = at(0.8)
    assert report.missed_deadlines == 0
    assert report.decoded == report.emitted == 8 * 200
    assert report.utilisation == pytest.approx(0.8, rel=0.02)
    assert report.progress["algorithm"].stalled == 0
    assert max(sample.level for sample in report.samples) == Level.WARN


def test_backlog_is_littles_law() -> None:
    """Windows in the service on average: arrivals a time times the mean time in it."""
    report = at(0.8, (Region("memory", 8),), windows=400)
    assert report.mean_backlog == pytest.approx(8 * report.latency_us.mean() / 50, rel=0.02)


def test_throttling_starts_before_the_load_is_one() -> None:
    report = at(0.5, (Region("memory", 8),), windows=300, rate=lambda t: 1 + t / 250, throttling=False)
    first = report.first(Level.THROTTLE)
    assert first is not None
    assert 0.8 < 0.5 * (1 + first.at_windows / 250) < 1.0
    assert first.age_windows < 1


@pytest.mark.parametrize("slower", [0.7, 1.4])
def test_throttling_starts_in_time_on_cores_of_another_pace_than_calibrated(slower: float) -> None:
    report = service.run(
        (Region("memory", 8),), lambda patch, number: Work(10, 10.0, 10.0 * slower), cores=2, window_us=80 * slower,
        windows=300, rate=lambda t: 1 + t / 250, throttling=False,
    )  # fmt: skip
    first = report.first(Level.THROTTLE)
    assert first is not None
    assert 0.8 < 0.5 * (1 + first.at_windows / 250) < 1.0
    assert first.age_windows < 1


def test_an_overload_slows_the_regions_that_measure_and_loses_nothing() -> None:
    ignored = at(1.2, throttling=False)
    heeded = at(1.2)
    assert ignored.missed_deadlines > 100  # visible
    assert heeded.missed_deadlines < ignored.missed_deadlines / 10
    for report in (ignored, heeded):
        assert report.emitted == report.decoded
    assert heeded.progress["algorithm"].stalled > 20
    assert heeded.progress["memory"].stalled == 0
    assert heeded.progress["algorithm"].done["merge"] > 0


def test_a_burst_is_over_sooner_where_signals_are_heeded() -> None:
    def late(throttling: bool) -> float:
        report = at(0.8, windows=120, rate=lambda t: 5.0 if 50 <= t < 51 else 1.0, throttling=throttling)
        return max(sample.at_windows for sample in report.samples if sample.backlog > 8) - 51

    assert late(True) <= 10
    assert late(True) < late(False)


def test_a_t_gate_waits_for_its_results() -> None:
    """Each service longer than a window: a T gate is not done before its windows are decoded."""
    slow = service.run(
        (Region("t", 1, ("t",)),), lambda p, n: Work(1, 25.0, 25.0), cores=1, window_us=10, windows=60, throttling=False
    )
    assert slow.progress["t"].waited > 10
    assert slow.progress["t"].done["t"] < 10


def test_raising_the_distance_raises_the_load() -> None:
    """Trap: more checks a round are more detection events, so it is no answer to an overload; nor is drift harmless.
    Events of a round as circuits have them; windows of d rounds take d times as long."""
    cost = Cost(0.5, 0.3)
    load = {}
    for d, p in ((5, 1e-3), (7, 1e-3), (9, 1e-3), (5, 3e-3)):
        circuit = memory(codes.parse(f"surface(d={d})"), 4 * d, "Z", f"circuit={p}", both=False)
        dets, _ = circuit.compile_detector_sampler(seed=1).sample(2000, separate_observables=True)
        load[d, p] = cost.load(10, dets.sum() / 2000 / 4, cores=2, window_us=10.0 * d)
    assert load[5, 1e-3] < load[7, 1e-3] < load[9, 1e-3]
    assert load[5, 1e-3] < load[5, 3e-3]


def test_the_fit_finds_the_cost() -> None:
    events = list(range(40)) * 3
    dice = np.random.default_rng(1)
    found = service.fit(events, [8 + 0.5 * e + 0.01 * e * e + dice.normal(0, 0.01) for e in events])
    assert (found.base_us, found.us_per_event, found.us_per_event2) == pytest.approx((8, 0.5, 0.01), rel=0.02)
    with pytest.raises(QmkError, match="three"):
        service.fit([1, 1, 2], [1, 2, 3])


def test_waits_of_a_chain_of_t_gates() -> None:
    """d = 11, rounds of 1 us, 5 us latency, the wait at the 100th T gate."""
    waits = [service.wait_us(100, load, rounds=11, round_us=1, latency_us=5) for load in (0.5, 0.8, 0.95, 1.05)]
    assert waits == pytest.approx([21, 69, 307, 43_196], rel=2e-3)


@pytest.mark.parametrize("given", [{"cores": 0}, {"window_us": 0.0}, {"windows": 0}, {"stretch": 0.0}, {"cores": -1}])
def test_a_service_of_nothing_is_refused(given: dict[str, float]) -> None:
    sizes = {"cores": 1, "window_us": 1.0, "windows": 3, **given}
    with pytest.raises(QmkError, match="is not above 0"):
        service.run((MEMORY,), steady, **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("patches", "program"), [(0, ("idle",)), (1, ()), (1, ("merg",))])
def test_a_region_that_runs_nothing_is_refused(patches: int, program: tuple[str, ...]) -> None:
    with pytest.raises(QmkError, match="region r: "):
        Region("r", patches, program)


@pytest.mark.parametrize(
    ("rounds", "given", "match"),
    [(30, {"workers": 0}, "workers: 0"), (30, {"streams": 0}, "streams: 0"), (8, {}, "2 windows of 3"),
     (30, {"commit": 0}, "a window of 0 rounds")],
)  # fmt: skip
def test_windows_that_cannot_be_measured_are_refused(rounds: int, given: dict[str, int], match: str) -> None:
    circuit = memory(codes.parse("surface(d=3)"), rounds, "Z", "circuit=2e-3")
    with pytest.raises(QmkError, match=match):
        service.measure_windows(circuit, **{"commit": 3, "buffer": 3, "streams": 2, "seed": 1, "workers": 1, **given})  # type: ignore[arg-type]


def test_nine_rounds_leave_one_window_of_three_and_three() -> None:
    circuit = memory(codes.parse("surface(d=3)"), 9, "Z", "circuit=2e-3")
    found = service.measure_windows(circuit, commit=3, buffer=3, streams=2, seed=1, workers=1)
    assert [len(row) for row in found.events] == [1, 1]


def test_real_workers_time_every_window_and_decode_right() -> None:
    circuit = memory(codes.parse("surface(d=3)"), 30, "Z", "circuit=2e-3")
    found = service.measure_windows(circuit, commit=3, buffer=3, streams=6, seed=1, workers=2)
    again = service.measure_windows(circuit, commit=3, buffer=3, streams=6, seed=1, workers=1)
    assert found.events == again.events
    assert found.wrong == again.wrong <= 1
    assert all(t > 0 for row in found.cpu_us for t in row)
    with pytest.raises(QmkError, match="there are"):
        service.measure_windows(circuit, "mwpm", commit=3, buffer=3, streams=1, seed=1)
