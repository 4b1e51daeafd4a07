"""A scenario with and without adaptation, side by side: success and time of all courses, with intervals.

Success is counted: every course's program is run with its errors, and all its outcomes are 0 where nothing shows. Of
time, and of time per success, the intervals are those of courses drawn again, pair by pair (bootstrap, percentiles).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from qmk.adapting.choice import Decision
from qmk.adapting.course import Course, run_course
from qmk.adapting.profiles import ProfileCache
from qmk.adapting.scenarios import Scenario
from qmk.base.seeds import substream
from qmk.models.qec.intervals import clopper_pearson
from qmk.qvm.graph import Graph

CONFIDENCE = 0.95
RESAMPLES = 2000
Sampler = Callable[[Graph, int, int], int]
"""Of a program, shots and a seed: in how many shots every outcome is 0."""


class Figure(msgspec.Struct, frozen=True):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


class Arm(msgspec.Struct, frozen=True):
    """All courses of a scenario, with or without decisions. ``time_per_success``: mean rounds over success.
    ``expected_success``: that nothing flips, in the mean; what is counted is more, since some flips do not show."""

    success: Figure
    rounds: Figure
    time_per_success: Figure
    expected_success: float
    seconds: float
    variants: list[list[str]]


class Comparison(msgspec.Struct, frozen=True):
    """``ratio``: time per success with adaptation over that without. ``decisions``: by course."""

    name: str
    courses: int
    shots: int
    without: Arm
    adaptive: Arm
    ratio: Figure
    decisions: list[list[Decision]]
    cache_hits: int
    cache_misses: int


@dataclass(frozen=True)
class _Counted:
    courses: list[Course]
    successes: list[int]


def compare(scenario: Scenario, sample: Sampler) -> Comparison:
    """Run the scenario both ways. The same scenario gives the same comparison. Raises what ``run_course`` raises."""
    cache = ProfileCache()
    without, adaptive = (_count(scenario, adapt, sample, cache) for adapt in (False, True))
    return Comparison(
        scenario.name,
        scenario.courses,
        scenario.shots,
        _arm(scenario, without),
        _arm(scenario, adaptive),
        _drawn_again(
            scenario, lambda pick: _per_success(scenario, adaptive, pick) / _per_success(scenario, without, pick)
        ),
        [list(course.decisions) for course in adaptive.courses],
        cache.hits,
        cache.misses,
    )


def _count(scenario: Scenario, adapt: bool, sample: Sampler, cache: ProfileCache) -> _Counted:
    courses = [run_course(scenario, number, adapt, cache) for number in range(scenario.courses)]
    seeds = [substream(scenario.course_seed(number), "shots") for number in range(scenario.courses)]
    return _Counted(
        courses, [sample(course.graph, scenario.shots, seed) for course, seed in zip(courses, seeds, strict=True)]
    )


def _arm(scenario: Scenario, counted: _Counted) -> Arm:
    shots, successes = scenario.courses * scenario.shots, sum(counted.successes)
    rounds = [course.rounds for course in counted.courses]
    decoding = scenario.machine.decoding
    return Arm(
        Figure(successes / shots, *clopper_pearson(successes, shots, CONFIDENCE)),
        _drawn_again(scenario, lambda pick: float(np.mean([rounds[at] for at in pick]))),
        _drawn_again(scenario, lambda pick: _per_success(scenario, counted, pick)),
        float(np.mean([course.expected_success for course in counted.courses])),
        float(np.mean(rounds)) * (1e-6 if decoding is None else decoding.round_s),
        [[variant.text for variant in course.variants] for course in counted.courses],
    )


def _per_success(scenario: Scenario, counted: _Counted, pick: Sequence[int]) -> float:
    """Half a success stands for none."""
    successes = max(0.5, sum(counted.successes[at] for at in pick))
    return sum(counted.courses[at].rounds for at in pick) * scenario.shots / successes


def _drawn_again(scenario: Scenario, figure: Callable[[Sequence[int]], float]) -> Figure:
    """Of all courses, and of as many drawn from them."""
    dice = np.random.default_rng(substream(scenario.seed, "bootstrap"))
    count = scenario.courses
    drawn = [figure(dice.integers(0, count, count).tolist()) for _ in range(RESAMPLES)]
    edge = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(drawn, (edge, 100 - edge))
    return Figure(figure(range(count)), float(low), float(high))
