"""A small explicit-state checker: every state of a model, breadth first, and every move of the code that it models.

A model is a finite set of steps over hashable states. ``explore`` walks all of them and gives the shortest steps to a
state that breaks a rule, or from which no end can be reached any more. ``conform`` drives a real system through the
same steps: in every state it takes what the model forbids, which must be refused and change nothing, and each step that
the model allows, which must lead where the model says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol


class Model(Protocol):
    """What may happen. ``step`` gives the state after an action, None where the action is forbidden."""

    def start(self) -> Any: ...

    def actions(self, state: Any) -> Iterable[Any]:
        """Whatever may be tried in the state, be it allowed or not."""
        ...

    def step(self, state: Any, action: Any, /) -> Any: ...

    def broken(self, state: Any) -> str:
        """The rule that the state breaks; empty: none."""
        ...

    def is_end(self, state: Any) -> bool:
        """Whether everything that was begun is over."""
        ...


class System(Protocol):
    """The real thing, driven by the actions of a model."""

    def do(self, action: Any, /) -> bool:
        """Tries the action; False: it was refused."""
        ...

    def view(self) -> Any:
        """The state of the system as the model has it."""
        ...


class Wrong(AssertionError):
    """The model breaks a rule, or the system and the model differ."""


@dataclass
class Space:
    """All states of a model: how each was reached first, and the steps that lead out of it."""

    parent: dict[Any, tuple[Any, Any] | None] = field(default_factory=dict)
    steps: dict[Any, dict[Any, Any]] = field(default_factory=dict)
    forbidden: int = 0

    @property
    def transitions(self) -> int:
        return sum(map(len, self.steps.values()))

    def path(self, state: Hashable) -> list[Any]:
        """The shortest list of steps from the start to the state."""
        found: list[Any] = []
        while (came := self.parent[state]) is not None:
            state, action = came
            found.append(action)
        return found[::-1]

    @property
    def depth(self) -> int:
        return len(self.path(next(reversed(self.parent))))


def explore(model: Model) -> Space:
    """Visits every state; raises Wrong with the shortest steps to one that breaks a rule or cannot reach an end."""
    space = Space()
    start = model.start()
    space.parent[start] = None
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if why := model.broken(state):
            raise Wrong(_tell(why, space.path(state), state))
        steps = space.steps[state] = {}
        for action in model.actions(state):
            after = model.step(state, action)
            if after is None:
                space.forbidden += 1
                continue
            steps[action] = after
            if after not in space.parent:
                space.parent[after] = (state, action)
                waiting.append(after)
    _require_ends(model, space)
    return space


def _require_ends(model: Model, space: Space) -> None:
    """Every state can reach an end."""
    before: dict[Any, list[Any]] = {state: [] for state in space.steps}
    for state, steps in space.steps.items():
        for after in steps.values():
            before[after].append(state)
    good = {state for state in space.steps if model.is_end(state)}
    waiting = list(good)
    while waiting:
        for state in before[waiting.pop()]:
            if state not in good:
                good.add(state)
                waiting.append(state)
    for state in space.steps:  # nearest to the start first
        if state not in good:
            raise Wrong(_tell("no end can be reached any more", space.path(state), state))


def conform(model: Model, space: Space, make: Callable[[], System]) -> int:
    """Drives the system through every step of the model; gives the number of steps that it took.

    Each state is reached first by its shortest path; forbidden actions are tried there. Then steps that were not taken
    yet are followed for as long as they lead on, so that states are left on longer ways too."""
    taken = 0
    todo = {state: list(steps) for state, steps in space.steps.items()}
    tried: set[Hashable] = set()
    for origin in space.steps:
        while todo[origin] or origin not in tried:
            system, done = make(), space.path(origin)
            for action in done:
                system.do(action)
            state = origin
            _compare(system.view(), state, done)
            while True:
                if state not in tried:
                    tried.add(state)
                    taken += _try_forbidden(model, system, state, space.steps[state], done)
                if not todo[state]:
                    break
                action = todo[state].pop()
                done = [*done, action]
                if not system.do(action):
                    raise Wrong(_tell("the system refuses what the model allows", done, state))
                state = space.steps[state][action]
                _compare(system.view(), state, done)
                taken += 1
    return taken


def _try_forbidden(model: Model, system: System, state: Hashable, steps: dict[Any, Any], done: list[Any]) -> int:
    count = 0
    for action in model.actions(state):
        if action in steps:
            continue
        count += 1
        if system.do(action):
            raise Wrong(_tell("the system does what the model forbids", [*done, action], state))
        _compare(system.view(), state, [*done, action])
    return count


def _compare(seen: Hashable, state: Hashable, done: list[Any]) -> None:
    if seen != state:
        raise Wrong(_tell(f"the system is in\n    {seen}\nand the model in", done, state))


def _tell(why: str, path: Iterable[Hashable], state: Hashable) -> str:
    return "\n".join([why, f"    {state}", "after", *[f"    {number}. {step}" for number, step in enumerate(path, 1)]])
