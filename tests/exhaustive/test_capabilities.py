"""The kernel's capabilities move exactly as the model does, and the checker finds what is broken in either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmk.abi.calls import q_revoke
from qmk.kernel import authority
from qmk.kernel.handlers import HANDLERS
from qmk.kernel.handlers import capabilities as calls
from qmk.kernel.objects import capability as objects
from tests.exhaustive.capability_bounds import scenarios
from tests.exhaustive.capability_model import Capabilities, State, Use
from tests.exhaustive.capability_system import KernelOfCapabilities
from tests.exhaustive.checker import Space, Wrong, conform, explore

SMALL = scenarios(large=False)
STATES = {
    "handing on": 435,
    "narrow token": 148,
    "other tenant": 189,
    "counted uses": 209,
    "qubits": 405,
    "right taken back": 247,
    "ends": 374,
}


@pytest.mark.parametrize("name", SMALL)
def test_the_kernel_moves_as_the_model_does(name: str) -> None:
    model = Capabilities(SMALL[name])
    space = explore(model)
    assert len(space.parent) == STATES[name]
    assert conform(model, space, lambda: KernelOfCapabilities(model.bounds)) == space.transitions + space.forbidden


class AnyRight(Capabilities):
    def most_rights(self, source: Any, taker: Any) -> frozenset[str]:
        return self.bounds.universe


class TokenForgotten(Capabilities):
    def most_rights(self, source: Any, taker: Any) -> frozenset[str]:
        return source.rights


class JobsForgotten(Capabilities):
    def fewest_jobs(self, asked: Any, source: Any) -> frozenset[str] | None:
        return asked.jobs


class AskedEnd(Capabilities):
    def sooner(self, one: int, other: int) -> int:
        return one


class OneGoesAlone(Capabilities):
    def subtree(self, tree: Any, name: str) -> set[str]:
        return {name}


class QubitsStay(Capabilities):
    def remove(self, state: State, what: str) -> State:
        return super().remove(state, what)._replace(qubits=state.qubits)


class UsedUpStays(Capabilities):
    def clear(self, state: State) -> State:
        return state


class ClosedButHeld(Capabilities):
    def close(self, state: State, who: str) -> State:
        return self.release(state, who)._replace(sessions=state.sessions - {who})


@pytest.mark.parametrize(
    ("fault", "name", "rule"),
    [
        (AnyRight, "handing on", "has a right that"),
        (AnyRight, "narrow token", "has a right that"),
        (TokenForgotten, "narrow token", "more than its token"),
        (JobsForgotten, "other tenant", "more jobs than"),
        (AskedEnd, "ends", "outlives"),
        (OneGoesAlone, "handing on", "derives from what is gone"),
        (OneGoesAlone, "ends", "derives from what is gone"),
        (QubitsStay, "qubits", "hangs on"),
        (UsedUpStays, "qubits", "used up"),
        (ClosedButHeld, "handing on", "session that is closed"),
    ],
)
def test_a_fault_in_the_model_is_found(fault: type[Capabilities], name: str, rule: str) -> None:
    with pytest.raises(Wrong, match=rule) as found:
        explore(fault(SMALL[name]))
    assert " 4. " not in str(found.value), "the shortest way there is short"


def uses_are_multiplied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(objects.Capability, "chain", lambda self: iter([self]))


def the_widest_answers(patch: pytest.MonkeyPatch) -> None:
    breadth = objects.Capability.breadth.fget
    assert breadth is not None
    patch.setattr(objects.Capability, "breadth", property(lambda self: tuple(-part for part in breadth(self))))


def what_derives_stays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(objects.Capability, "subtree", lambda self: [self])


def holders_are_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authority, "_holders", lambda kernel, capabilities: [])


def anyone_may_revoke(patch: pytest.MonkeyPatch) -> None:
    def careless(kernel: Any, event: Any, session: Any) -> None:
        found = kernel.caps.get(event.params.capability)
        if found is None:
            raise kernel.refusals.no_capability(event.params.capability)
        kernel.reply(event, q_revoke.Reply(*authority.revoke(kernel, found)))

    patch.setitem(HANDLERS, "q_revoke", careless)


def a_name_is_enough(patch: pytest.MonkeyPatch) -> None:
    source = calls._source

    def careless(kernel: Any, session: Any, id: str) -> Any:
        return kernel.caps.get(id) or source(kernel, session, id)

    patch.setattr(calls, "_source", careless)


def what_is_used_up_stays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authority, "settle", lambda kernel, session: None)


def rights_are_not_cut(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(calls, "less", lambda one, other: None)
    patch.setattr(calls, "_require_delegable", lambda kernel, rights, limits: None)


def timers_come_to_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authority, "timer", lambda kernel, key: None)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (uses_are_multiplied, "counted uses"),
        (the_widest_answers, "qubits"),
        (what_derives_stays, "handing on"),
        (holders_are_not_told, "handing on"),
        (anyone_may_revoke, "handing on"),
        (a_name_is_enough, "handing on"),
        (what_is_used_up_stays, "qubits"),
        (rights_are_not_cut, "other tenant"),
        (timers_come_to_nothing, "ends"),
    ],
)
def test_a_fault_in_the_kernel_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Capabilities(SMALL[name])
    space = explore(model)
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        conform(model, space, lambda: KernelOfCapabilities(model.bounds))


def test_two_capabilities_that_are_equally_narrow_are_not_told_apart() -> None:
    """The model leaves such uses out, and only such."""
    model = Capabilities(SMALL["counted uses"])
    space: Space = explore(model)
    uses = [(state, Use(who, "STATUS")) for state in space.steps for who in state.sessions]
    left_out = [(state, use) for state, use in uses if not model.is_plain(state, use)]
    assert 0 < len(left_out) < len(uses) / 10
