"""Every right by every call: with the rights that a call asks for it is carried out or fails for reasons of its own;
without any one of them it is refused, by the name of what is missing. The table is made from the declarations alone;
q_delegate, which asks for what it hands on, has a table of its own."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_METHODS
from qmk.abi.rights import DELEGABLE, RIGHTS
from qmk.kernel.authority import program_rights
from qmk.kernel.effects import Effect, Reply, ReplyError
from tests.exchanges import EXAMPLES
from tests.unit.kernel.conftest import Bench, bell

SESSION_CALLS = {name: call for name, call in METHODS.items() if "session_id" in call.request.__struct_fields__}
PLAIN_CALLS = [name for name in SESSION_CALLS if name != "q_delegate"]
JOB_CALLS = {name: call for name, call in SESSION_CALLS.items() if "job_id" in call.request.__struct_fields__}


def needs(name: str) -> set[str]:
    """What a call asks for: by its declaration, and for a program what its ops need."""
    call = METHODS[name]
    graph = "graph" in call.request.__struct_fields__
    return {*call.rights, *(program_rights(bell()) if graph else ())}


def session_with(bench: Bench, rights: set[str]) -> Any:
    """A session of the tenant ``lab`` that holds exactly these."""
    reply = bench.ask("q_negotiate_caps", token=bench.enrol("lab", rights=sorted(rights)), requested=sorted(rights))
    assert bench.kernel.sessions.get(reply.session_id).caps.held == rights
    return reply


def call(bench: Bench, name: str, session: Any, **known: str) -> ReplyError | None:
    """The call as its worked example has it, with what is ``known`` instead; the error it is refused with."""
    declared = METHODS[name]
    fields = declared.request.__struct_fields__
    params = {
        key: value for key, value in EXAMPLES[declared.name][0].items() if key not in ("graph", "program", "policy")
    }
    params |= {"session_id": session.session_id, **{key: value for key, value in known.items() if key in fields}}
    effects: list[Effect] = bench.call(name, graph=bell() if "graph" in fields else None, **params)
    return next((effect for effect in effects if isinstance(effect, ReplyError) and effect.ref == bench.count), None)


def kind(error: ReplyError | None) -> str:
    return "" if error is None else error.error.kind.name


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("name", PLAIN_CALLS)
def test_without_a_right(name: str, right: str) -> None:
    bench = Bench()
    job = bench.submit(session_with(bench, set(RIGHTS)).session_id)
    session = session_with(bench, set(RIGHTS) - {right})
    known = {"job_id": job, "capability": session.root}
    error = call(bench, name, session, **known)
    if right in needs(name):
        assert kind(error) == "INSUFFICIENT_CAPS"
        assert error is not None
        assert error.error.fields["missing"] == [right]
    else:
        assert kind(error) != "INSUFFICIENT_CAPS"


@pytest.mark.parametrize("name", PLAIN_CALLS)
def test_with_its_rights_and_no_others(name: str) -> None:
    bench = Bench()
    job = bench.submit(session_with(bench, set(RIGHTS)).session_id)
    session = session_with(bench, needs(name))
    assert kind(call(bench, name, session, job_id=job, capability=session.root)) != "INSUFFICIENT_CAPS"


@pytest.mark.parametrize("name", PLAIN_CALLS)
def test_without_any_right(name: str) -> None:
    bench = Bench()
    job = bench.submit(session_with(bench, set(RIGHTS)).session_id)
    session = session_with(bench, set())
    refused = kind(call(bench, name, session, job_id=job, capability=session.root))
    assert (refused == "INSUFFICIENT_CAPS") == bool(needs(name))


@pytest.mark.parametrize("held", RIGHTS)
@pytest.mark.parametrize("right", RIGHTS)
def test_a_right_is_handed_on_only_by_who_holds_it(held: str, right: str) -> None:
    bench = Bench()
    session = session_with(bench, {held})
    (effect,) = bench.call("q_delegate", session_id=session.session_id, capability=session.root, rights=[right])
    assert isinstance(effect, Reply) == (held == right)


@pytest.mark.parametrize("right", DELEGABLE)
@pytest.mark.parametrize("name", JOB_CALLS)
def test_a_right_over_another_tenants_job(name: str, right: str) -> None:
    """Over the named job: what the right allows, and nothing else. Over any other: like a job that does not exist."""
    bench = Bench()
    owner = session_with(bench, set(RIGHTS))
    named, other = bench.submit(owner.session_id), bench.submit(owner.session_id)
    give = {"capability": owner.root, "rights": [right], "to_tenant": "else", "jobs": [named]}
    capability = bench.ask("q_delegate", session_id=owner.session_id, **give).capability
    taker = bench.ask("q_negotiate_caps", token=bench.enrol("else", rights=[right]), requested=[])
    bench.ask("q_delegate", session_id=taker.session_id, capability=capability, rights=[right])
    wanted = set(METHODS[name].rights)
    error = call(bench, name, taker, job_id=named)
    assert wanted, "a call about a job names a right"
    if name == "q_program":  # whoever may look at a job does not see its program
        assert kind(error) == ("JOB_NOT_FOUND" if wanted <= {right} else "INSUFFICIENT_CAPS")
    elif wanted <= {right}:
        assert kind(error) not in ("INSUFFICIENT_CAPS", "JOB_NOT_FOUND")
    else:
        assert kind(error) == "INSUFFICIENT_CAPS"
    unnamed, absent = call(bench, name, taker, job_id=other), call(bench, name, taker, job_id="job_absent")
    assert kind(unnamed) == kind(absent) != ""


@pytest.mark.parametrize("name", OPERATOR_METHODS)
def test_no_right_reaches_the_operators_calls(name: str) -> None:
    from qmk.rpc import frame

    (decoded,) = frame.decode(frame.request(1, name, EXAMPLES[name][0])).calls
    assert decoded.error is not None
    assert decoded.error.kind.name == "METHOD_NOT_FOUND"


def test_every_right_is_asked_for_by_some_call_or_op() -> None:
    from qmk.qvm.families import OPS

    asked = {right for declared in METHODS.values() for right in declared.rights}
    asked |= {right for op in OPS.values() for right in (op.cap, op.session_cap) if right}
    assert set(RIGHTS) - asked == {"CAP_COMPUTE"}, "kept for programs of QVM 0.1, which name it"
    assert asked <= RIGHTS.keys()
