"""Clients that lend each other rights: over one job, for so many calls, and sometimes taken back.

Each loan is a few calls that only make sense in their order; chance would hardly ever make them.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.abi.calls import q_cancel, q_delegate, q_get_mapping, q_revoke, q_status
from qmk.abi.rights import CAP_CANCEL, CAP_DEBUG, CAP_STATUS

if TYPE_CHECKING:
    from qmk.simulation.clients import Client
    from qmk.simulation.network import Call
    from qmk.simulation.world import World

KEPT = 4
"""How many loans are remembered."""
USES: dict[str, tuple[str, Any]] = {
    CAP_STATUS: ("q_status", q_status.Request),
    CAP_CANCEL: ("q_cancel", q_cancel.Request),
    CAP_DEBUG: ("q_get_mapping", q_get_mapping.Request),
}
"""The call that uses a right."""


class Loan(NamedTuple):
    """``lent`` is the lender's q_delegate, ``taken`` the borrower's."""

    lender: Client
    borrower: Client
    job: str
    right: str
    lent: Call
    taken: Call | None = None


class Loans:
    """The loans of one life of the daemon."""

    def __init__(self) -> None:
        self._loans: list[Loan] = []

    def clear(self) -> None:
        self._loans.clear()

    def act(self, world: World, rng: Random) -> None:
        """Makes a loan, or goes on with one."""
        if not self._loans or rng.random() < 0.25:
            self._lend(world, rng)
            return
        at = rng.randrange(len(self._loans))
        loan = self._loans[at]
        if loan.lent.result is None or not loan.borrower.sessions or not loan.lender.sessions:
            return
        if loan.taken is None:
            self._loans[at] = loan._replace(taken=self._take(world, loan))
        elif rng.random() < 0.12:
            request = q_revoke.Request(session_id=loan.lender.sessions[-1], capability=loan.lent.result.capability)
            world.call(loan.lender, "q_revoke", request)
        else:
            self._use(world, loan, rng)

    def _lend(self, world: World, rng: Random) -> None:
        lenders = [client for client in world.clients if client.jobs and client.sessions]
        if not lenders:
            return
        lender = rng.choice(lenders)
        job = rng.choice(lender.jobs)
        if CAP_DEBUG in lender.rights and rng.random() < 0.5:
            right, likely = (
                CAP_DEBUG,
                [c for c in world.clients if c.tenant is lender.tenant and CAP_DEBUG not in c.rights],
            )
        else:
            right = rng.choice((CAP_STATUS, CAP_STATUS, CAP_CANCEL))
            likely = [client for client in world.clients if client.tenant is not lender.tenant]
        borrower = rng.choice(likely or world.clients)
        request = q_delegate.Request(
            session_id=lender.sessions[-1],
            capability=lender.roots[-1] if lender.roots else "cap_none",
            rights=[right],
            to_session=borrower.roots[-1] if borrower.roots and borrower is not lender else "",
            jobs=[job],
            uses=rng.choice((1, 2, None)),
        )
        self._loans.append(Loan(lender, borrower, job, right, world.call(lender, "q_delegate", request)))
        del self._loans[:-KEPT]

    @staticmethod
    def _take(world: World, loan: Loan) -> Call:
        """Lets the borrower take up what it is offered."""
        request = q_delegate.Request(
            session_id=loan.borrower.sessions[-1], capability=loan.lent.result.capability, rights=[loan.right]
        )
        return world.call(loan.borrower, "q_delegate", request)

    @staticmethod
    def _use(world: World, loan: Loan, rng: Random) -> None:
        """Lets the borrower use it, mostly on the job that it is about."""
        job = loan.job if rng.random() < 0.7 or not loan.lender.jobs else rng.choice(loan.lender.jobs)
        method, kind = USES[loan.right]
        request = kind(session_id=loan.borrower.sessions[-1], job_id=job)
        for _ in range(rng.choice((1, 1, 3))):
            world.call(loan.borrower, method, request)
