"""Whole-system simulation: a number of seeds on every run of the suite, and every run that ever failed.

``python -m qmk.simulation --seeds 1000`` runs more. A seed that fails there is mended and then listed in ``FAILED``.
"""

from __future__ import annotations

import pytest

from qmk.abi.calls import CALLS
from qmk.simulation.actions import ACTIONS
from qmk.simulation.run import run

SEEDS = range(24)

FAILED: dict[str, tuple[int, str]] = {
    "a result was forgotten while an answer that shows it waited for the journal": (
        466,
        "0,3,12,14,15,18,19,26,27,116,117,120,121,124,125,126,127,128,129,141,143,144,148,149",
    ),
    "two migrations of one job to different regions called each other without end": (
        36,
        "507,509,515,518,522,524,525,528",
    ),
    "a journal that had adopted a launch of a job forgotten since could not be replayed": (
        19,
        "24,25,38,39,40,46,303,304,392,393,394",
    ),
    "what a forgotten job took of a channel was given back by a restart": (
        17,
        "133,136,149,157,159,161,165,166,183",
    ),
    "answers that rested on lost records left after the journal had failed": (
        1,
        "265,269,280,288,289",
    ),
    "what a restart knew of a job that it ended was lost with the restart's record": (
        764,
        "87,112,120,421,433,434,442,443,444,446,455,464,475,481",
    ),
}
"""What was wrong, the seed that showed it, and the actions of it that suffice. A seed comes to mean another
run when actions are added: what it found has a test of its own too."""


@pytest.mark.parametrize("seed", SEEDS)
def test_seed(seed: int) -> None:
    violation = run(seed).violation
    assert violation is None, f"{violation}\npython -m qmk.simulation --seed {seed}"


@pytest.mark.parametrize("what", FAILED)
def test_a_run_that_failed_once(what: str) -> None:
    seed, keep = FAILED[what]
    assert run(seed, keep=[int(number) for number in keep.split(",")]).violation is None


def test_the_same_seed_is_the_same_run() -> None:
    first, again = run(7, tracing=True), run(7, tracing=True)
    assert first.seen == again.seen
    assert [line for line in first.trace if "Raw object" not in line] == [
        line for line in again.trace if "Raw object" not in line
    ]


def test_every_call_and_every_fault_is_tried() -> None:
    seen = sum((run(seed).seen for seed in range(100, 108)), start=run(108).seen)
    assert {call.name for call in CALLS} <= set(seen)
    assert {"crash", "power failure", "shutdown", "the journal is broken", "connection cut", "clock set"} <= set(seen)
    assert seen["answer ok"] > seen.total() / 10, "most of what clients ask must be something that can be done"
    assert len(ACTIONS) >= 13
