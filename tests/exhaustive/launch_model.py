"""A launch in two phases, over crashes: ADR 0003 (journal), 0016 (ledger), 0057 and ``kernel/effects.py`` say how.

The kernel gives out a launch with a number of its own (its fence) once the journal is durable; it counts only by the
record of its end. A launcher holds the launches and may outlive the daemon, which takes them over at its next start
or stops them. What workers say arrives late, twice or not at all. The daemon dies before its records are written (then
nothing has happened), or after that and before anything else is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"
ENDED = (COMPLETED, FAILED, CANCELLED)
LAST = ("completed", "cancelled")


class State(NamedTuple):
    """One job. ``current``: the launch that is out, 0 for none; ``known``: that of which the journal knows; ``given``:
    launches numbered so far. Those up to ``retired`` are over. ``launches`` began, ``losses`` lost their worker and
    were followed by another, ``crashes`` of the daemon took one with them that was known. ``live``: launches that the
    launcher has, and whether a worker began. ``said``: what workers have said so far, as (what, launch); any of it may
    arrive at any time, and again. ``result``: the launch whose result was accepted."""

    state: str = QUEUED
    current: int = 0
    known: int = 0
    given: int = 0
    retired: int = 0
    launches: int = 0
    losses: int = 0
    crashes: int = 0
    charges: tuple[tuple[int, str], ...] = ()
    result: int = 0
    live: tuple[tuple[int, bool], ...] = ()
    said: frozenset[tuple[str, int]] = frozenset()
    stops: int = 0


@dataclass(frozen=True)
class Act:
    """``then``: the daemon dies after the records of the step are written, before anything else is done."""

    what: str
    launch: int = 0
    then: bool = False


@dataclass(frozen=True)
class Bounds:
    """``stops`` of the daemon; ``attempts``: workers that may be lost."""

    stops: int
    attempts: int = 2


WORKER = ("begin", "done", "die")
KERNEL = ("start", "finish", "crash")
"""What a worker does, and what the kernel is told of it."""


class Launches:
    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds

    def start(self) -> State:
        return self.carry(*self.give(State()))

    def actions(self, state: State) -> Iterator[Act]:
        may_stop = state.stops < self.bounds.stops
        for what, launch in sorted(state.said):
            yield Act(what, launch)
            if may_stop:
                yield Act(what, launch, then=True)
        for launch, began in state.live:
            yield from (
                Act(what, launch) for what in WORKER if (what == "done") <= began and not (what == "begin") & began
            )
        yield Act("cancel")
        if may_stop:
            yield from (Act("cancel", then=True), Act("daemon dies"), Act("all die"), Act("stop"))
            if state.stops + 1 < self.bounds.stops:
                yield Act("daemon dies twice")

    def step(self, state: State, act: Act) -> State | None:
        if act.what in WORKER:
            return self.work(state, act.what, act.launch)
        match act.what:
            case "daemon dies":
                return self.restart(state)
            case "all die":
                return self.restart(state._replace(live=()))
            case "daemon dies twice":
                told, _ = self.recover(state)
                return self.restart(told)
            case "stop":
                return self.stop(state)
        told = self.hear(state, act)
        if told is None:
            return None
        return self.restart(told[0]) if act.then else self.carry(*told)

    # The launcher

    def work(self, state: State, what: str, launch: int) -> State | None:
        began = dict(state.live)[launch]
        rest = tuple(row for row in state.live if row[0] != launch)
        if what == "begin":
            return state._replace(live=tuple(sorted((*rest, (launch, True)))), said=state.said | {("start", launch)})
        said = {("finish", launch)} if what == "done" else {("crash", launch)}
        return state._replace(live=rest, said=state.said | said) if began or what == "die" else None

    def carry(self, state: State, effects: list[tuple[str, int]]) -> State:
        """Does what the kernel asks for."""
        live = dict(state.live)
        for what, launch in effects:
            if what == "launch":
                live[launch] = False
            else:
                live.pop(launch, None)
        return state._replace(live=tuple(sorted(live.items())))

    # The kernel

    def give(self, state: State) -> tuple[State, list[tuple[str, int]]]:
        """First phase: a number that no launch had before."""
        number = state.given + 1
        return state._replace(current=number, known=0, given=number), [("launch", number)]

    def is_current(self, state: State, launch: int) -> bool:
        return state.current == launch

    def hear(self, state: State, act: Act) -> tuple[State, list[tuple[str, int]]] | None:
        if act.what == "cancel":
            return self.cancel(state)
        if state.state in ENDED or not self.is_current(state, act.launch):
            return None  # late
        if act.what == "start":
            return (self.begin(state), []) if state.state == QUEUED else None
        if act.what == "finish":
            state = self.begin(state)
            return self.charge(state, "completed")._replace(state=COMPLETED, current=0, known=0, result=act.launch), []
        if state.losses + 1 == self.bounds.attempts:
            state = self.charge(state, "lost") if state.state == RUNNING else state
            return state._replace(state=FAILED, current=0, known=0), []
        lost = self.lose(state)._replace(losses=state.losses + 1, retired=max(state.retired, act.launch))
        return self.give(lost)

    def begin(self, state: State) -> State:
        if state.state == RUNNING:
            return state
        return state._replace(state=RUNNING, known=state.current, launches=state.launches + 1)

    def charge(self, state: State, outcome: str) -> State:
        return state._replace(charges=(*state.charges, (state.launches, outcome)))

    def cancel(self, state: State) -> tuple[State, list[tuple[str, int]]] | None:
        if state.state in ENDED:
            return None
        told = [("kill", state.current)] if state.current else []
        state = self.charge(state, "cancelled") if state.state == RUNNING else state
        return state._replace(state=CANCELLED, current=0, known=0), told

    # Restarts

    def restart(self, state: State) -> State:
        return self.carry(*self.recover(state))

    def recover(self, state: State) -> tuple[State, list[tuple[str, int]]]:
        """The journal is replayed; what the launcher still runs is taken over where it may count, else stopped."""
        state = state._replace(stops=state.stops + 1)
        if state.state in ENDED:
            return state, [("kill", launch) for launch, _ in state.live]
        taken = max((launch for launch, _ in state.live if self.may_count(state, launch)), default=0)
        told = [("kill", launch) for launch, _ in state.live if launch != taken]
        if taken:
            return state._replace(current=taken, known=taken), told
        if state.known:
            state = state._replace(crashes=state.crashes + 1)
        state, more = self.give(self.lose(state))
        return state, told + more

    def may_count(self, state: State, launch: int) -> bool:
        return launch > state.retired and launch >= state.known

    def lose(self, state: State) -> State:
        """The launch ended by our own fault: its row of the ledger says that it was there."""
        if state.state != RUNNING:
            return state
        state = self.charge(state, "lost")
        return state._replace(state=QUEUED, retired=max(state.retired, state.current))

    def stop(self, state: State) -> State:
        """Shut down in order: what runs is stopped, and goes on after the next start."""
        told = [("kill", state.current)] if state.current else []
        return self.restart(self.carry(self.lose(state)._replace(current=0, known=0), told))

    # What must hold

    def broken(self, state: State) -> str:
        attempts = [launch for launch, _ in state.charges]
        final = [outcome for _, outcome in state.charges if outcome in LAST]
        if len(set(attempts)) < len(attempts):
            return "a launch is charged twice"
        if len(final) > 1 or (final and state.state not in ENDED):
            return "the job is charged twice"
        if (state.state == COMPLETED) != bool(state.result):
            return "a result counts that was not accepted, or is lost"
        if state.result and ("finish", state.result) not in state.said:
            return "a result was accepted that no worker gave"
        if state.state not in ENDED and not state.current:
            return "the job is lost"
        if len(state.live) > 1:
            return "two launches of one job are out"
        if state.live and state.live[0][0] != state.current:
            return "a launch is out that cannot count any more"
        over = {("finish", state.current), ("crash", state.current)}
        if state.current and not state.live and not over & state.said:
            return "the kernel waits for a launch that nobody has"
        if len(state.charges) > state.launches:
            return "a launch is charged that none began"
        return ""

    def is_end(self, state: State) -> bool:
        return state.state in ENDED and not state.live
