"""Checks of engines that declare ``fences``: stopping, saving, resuming and rewinding a run change none of its bits."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
from msgspec.structs import replace

from qmk.qvm.graph import digest
from qmk.sdk.engine import Execution, FencedPlan, Unsupported
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.report import Check
from qmk.sdk.kit.subject import Subject

SHOTS, SEED = 200, 20_241
HOSTILE = 60
"""Damaged states that ``resume`` is tried with."""


def fence_checks(subject: Subject, cases: Sequence[Case]) -> Iterator[Check]:
    """``cases``: programs with fences; those that the engine cannot run are skipped."""
    skipped = "" if subject.can.fences else "does not declare fences"

    def on(name: str, case: Case, run: Callable[[FencedPlan], str]) -> Check:
        return Check(f"{name}: {case.name}", lambda: run(_plan(subject, case)), skipped or subject.lacks(case))

    for number, case in enumerate(cases):
        yield on("run is start driven to its end", case, _driven)
        yield on("saved and resumed at every fence", case, lambda plan: _check_resume(plan, _copy(plan)))
        yield on("rewound and resumed at random", case, lambda plan, number=number: _check_mixture(plan, number))
    turns = _turns()
    yield on("rewinds gates to every earlier fence", turns, _rewound)
    yield on("a saved state stays as it was", turns, _independent)
    yield on("progress of shots and epochs", turns, _progress)
    yield on("refuses to resume damaged states", turns, _hostile)
    yield Check("refuses to resume another program", lambda: _foreign(subject), skipped)


def _plan(subject: Subject, case: Case) -> FencedPlan:
    program = replace(subject.lower(case), digest=digest(case.graph))
    return cast("FencedPlan", subject.engine.prepare(program, subject.method))


def _copy(plan: FencedPlan) -> FencedPlan:
    """Pickles the plan, as another process would receive it."""
    return pickle.loads(pickle.dumps(plan))  # noqa: S301 our own bytes of a moment ago


def _turns(more: int = 0) -> Case:
    """A program of gates only, in four epochs, and a read-out."""
    b = Builder(2)
    for _ in range(4):
        b.op("h", 0).op("cnot", 0, 1).op("s", 1).op("h", 1).op("fence")
    for _ in range(more):
        b.op("x", 0)
    return Case("four epochs of gates", b.measure_all().graph(), clifford=True)


def _end(execution: Execution) -> bytes:
    while execution.advance():
        pass
    return execution.samples().bits.tobytes()


def _driven(plan: FencedPlan) -> str:
    same = _end(plan.start(SHOTS, SEED)) == plan.run(SHOTS, SEED).bits.tobytes()
    return "" if same else "driving the run fence by fence gave other bits than run()"


def _check_resume(plan: FencedPlan, other: FencedPlan) -> str:
    execution, plans = plan.start(SHOTS, SEED), [other, plan]
    while True:
        state = execution.save()
        execution = plans[0].resume(state)
        plans.reverse()
        if (execution.shots, execution.seed) != (SHOTS, SEED):
            return f"a resumed run has {execution.shots} shots and seed {execution.seed}, not {SHOTS} and {SEED}"
        if not execution.advance():
            break
    same = execution.samples().bits.tobytes() == plan.run(SHOTS, SEED).bits.tobytes()
    return "" if same else "a run that was saved and resumed at every fence gave other bits"


def _check_mixture(plan: FencedPlan, number: int) -> str:
    rng = random.Random(number)
    execution, rewinds = plan.start(SHOTS, SEED), 0
    while True:
        if rng.random() < 0.5:
            execution = plan.resume(execution.save())
        if rng.random() < 0.6 and rewinds < 20:
            place, wanted = execution.epoch, rng.randint(0, execution.epoch)
            rewinds += 1
            went = execution.rewind(wanted)
            if execution.epoch != (wanted if went else place):
                return f"rewind({wanted}) said {went} and left the run at epoch {execution.epoch}, from {place}"
        if not execution.advance():
            break
    same = execution.samples().bits.tobytes() == plan.run(SHOTS, SEED).bits.tobytes()
    return "" if same else "a run that was rewound and resumed on the way gave other bits"


def _rewound(plan: FencedPlan) -> str:
    for stop in (1, 2, 3, 4):
        for wanted in range(stop + 1):
            execution = plan.start(SHOTS, SEED)
            for _ in range(stop):
                execution.advance()
            if not execution.rewind(wanted):
                return f"rewind({wanted}) from epoch {stop} is False, though only gates lie between"
            if execution.epoch != wanted:
                return f"after rewind({wanted}) the run stands at epoch {execution.epoch}"
            if _end(execution) != plan.run(SHOTS, SEED).bits.tobytes():
                return f"going on after rewind({wanted}) from epoch {stop} gave other bits"
    return ""


def _independent(plan: FencedPlan) -> str:
    execution = plan.start(SHOTS, SEED)
    execution.advance()
    state = execution.save()
    kept = bytes(state)
    want = _end(execution)
    return "" if state == kept and _end(plan.resume(state)) == want else "a saved state changed while the run went on"


def _progress(plan: FencedPlan) -> str:
    execution = plan.start(SHOTS, SEED)
    seen = [(execution.shots_done, execution.epoch)]
    while execution.advance():
        seen.append((execution.shots_done, execution.epoch))
    done = [shots for shots, _ in seen]
    if done != sorted(done) or done[0] != 0 or done[-1] != SHOTS or done[-2] == SHOTS:
        return f"shots_done must rise from 0 and reach {SHOTS} with the last advance; got {done}"
    epochs = {epoch for shots, epoch in seen if shots == 0}
    if not {0, 1, 2, 3, 4} <= epochs or seen[-1][1] != 5:
        return f"a run of four fences must stand at epochs 0 to 4 and end at 5; got {seen}"
    return "" if not execution.advance() else "advance() after the end is not False"


def _hostile(plan: FencedPlan) -> str:
    execution = plan.start(SHOTS, SEED)
    execution.advance()
    state = execution.save()
    rng = random.Random(SEED)
    damaged = [b"", b"\x00", rng.randbytes(100), state[:-1], state + b"\x00", state[: len(state) // 2]]
    for _ in range(HOSTILE):
        place = rng.randrange(len(state))
        damaged.append(state[:place] + bytes([state[place] ^ (1 << rng.randrange(8))]) + state[place + 1 :])
    for data in damaged:
        try:
            resumed = plan.resume(data)
        except Unsupported as why:
            if not str(why):
                return "a damaged state was refused without saying why"
            continue
        bits = np.frombuffer(_end(resumed), dtype=np.uint8)  # a flipped bit may give another valid state
        if bits.max(initial=0) > 1:
            return "a damaged state was taken and gave bits that are neither 0 nor 1"
    return ""


def _foreign(subject: Subject) -> str:
    ours, theirs = (_plan(subject, _turns(more)) for more in (0, 1))
    execution = theirs.start(SHOTS, SEED)
    execution.advance()
    try:
        ours.resume(execution.save())
    except Unsupported as why:
        return "" if str(why) else "the state of another program was refused without saying why"
    return "the state of another program was resumed"
