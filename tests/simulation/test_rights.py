"""Ten faults in what decides who may do what: the simulation finds each, at the seed that is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmk.kernel import authority, tokens
from qmk.kernel.objects import capability
from qmk.kernel.objects.capability import CapabilityTree
from qmk.kernel.objects.session import Session
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.state import State
from qmk.kernel.tenants import TenantTable
from qmk.simulation.plan import NARROW
from qmk.simulation.run import run

Patch = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, tuple[Patch, int, set[str]]] = {}
OURS = {"rights"}


def fault(seed: int, invariants: set[str] = OURS) -> Callable[[Patch], Patch]:
    """What is broken, by the function's name, with the seed that shows it and the invariants that may say so."""

    def register(patch: Patch) -> Patch:
        FAULTS[patch.__name__.replace("_", " ")] = (patch, seed, invariants)
        return patch

    return register


@fault(12)
def no_call_asks_for_capabilities(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authority, "require", lambda session, call: None)


@fault(7)
def tokens_do_not_expire(patch: pytest.MonkeyPatch) -> None:
    check = tokens.check
    patch.setattr(tokens, "check", lambda key, text, now_ns, uid: check(key, text, 0, uid))


@fault(7)
def sessions_outlive_their_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "expires_ns", property(lambda self: 0, lambda self, value: None))
    patch.setattr(authority, "timer", lambda kernel, key: None)


@fault(39)
def uses_are_not_spent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authority, "spend", lambda *args, **more: None)


@fault(255)
def whoever_is_of_the_tenant_may_do_anything_with_its_jobs(patch: pytest.MonkeyPatch) -> None:
    job_of = State.job_of

    def trusting(self: State, session: Session, job_id: str, *args: Any) -> Any:
        job = self.jobs.by_id.get(job_id)
        return job if job is not None and job.tenant == session.tenant.name else job_of(self, session, job_id, *args)

    patch.setattr(State, "job_of", trusting)


@fault(1)
def a_suspended_tenant_goes_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tenant, "require_active", lambda self: None)


@fault(1)
def a_revoked_token_opens_sessions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TenantTable, "live", lambda self, name, serial: True)


@fault(39)
def what_derives_from_a_revoked_capability_stays(patch: pytest.MonkeyPatch) -> None:
    def remove(self: CapabilityTree, capability: Any) -> list[Any]:
        del self._by_id[capability.id]
        return [capability]

    patch.setattr(CapabilityTree, "remove", remove)


@fault(39)
def a_capability_is_for_more_than_it_derives_from(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(capability, "_cut", lambda asked, parent: asked)


@fault(15, {"rights", "isolation"})
def jobs_are_shown_to_whoever_knows_their_name(patch: pytest.MonkeyPatch) -> None:
    job_of = State.job_of

    def trusting(self: State, session: Session, job_id: str, *args: Any) -> Any:
        return self.jobs.by_id.get(job_id) or job_of(self, session, job_id, *args)

    patch.setattr(State, "job_of", trusting)


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_in_rights_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch, seed, invariants = FAULTS[what]
    patch(monkeypatch)
    violation = run(seed).violation
    assert violation is not None, f"seed {seed} did not notice"
    assert violation.invariant in invariants, str(violation)


@pytest.mark.parametrize("number", range(12))
def test_narrow_tokens_and_loans_break_nothing(number: int) -> None:
    seed = NARROW * number + NARROW - 1
    violation = run(seed).violation
    assert violation is None, f"{violation}\npython -m qmk.simulation --seed {seed}"
