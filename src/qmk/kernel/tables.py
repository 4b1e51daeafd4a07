"""The kernel's tables, and the methods that code on them may call.

What acts on the tables (``authority``, ``checkpoint``, ``firewall``, ...) is written against ``Tables``; ``State``
stands above all of it and does what is only named here. So no file needs another that needs it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from qmk.base.errors import QmkError
from qmk.base.units import MS_NS, SECOND_NS
from qmk.kernel.accounts import Accounts
from qmk.kernel.audit import AuditLog, RefusedCallers
from qmk.kernel.channels import ChannelTable
from qmk.kernel.config import KernelConfig
from qmk.kernel.effects import Effect, Reply
from qmk.kernel.events import CallReceived, Cancelled, Record
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.capability import CapabilityTree
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.quota import Quota
from qmk.kernel.objects.session import Session, SessionTable
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.open_calls import Ask, OpenCalls, Wait
from qmk.kernel.pending import Pending, PendingTable
from qmk.kernel.policy import Policy
from qmk.kernel.tenants import TenantTable


class Tables:
    """``out`` collects the effects of the step at hand; ``now_ns`` is its time, ``rights`` what the call it carries out
    asks for. ``pending`` are jobs in VALIDATING. ``states_fit``: the last state that a launch saved could be kept.
    ``retention_ns``: when the retention timer fires, 0 when it is not set. ``slices`` are the launches with a time
    slice, ``hedged`` those with a second engine beside them: fences by job."""

    def __init__(self, config: KernelConfig, policy: Policy) -> None:
        self.config = config
        self.policy = policy
        self.views = policy.views
        self.refusals = policy.refusals
        self.closing = False
        self.replan = False
        self.states_fit = True
        self.retention_ns = 0
        self.now_ns = 0
        self.out: list[Effect] = []
        self.slices: dict[str, int] = {}
        self.hedged: dict[str, int] = {}
        self.pending = PendingTable()
        self.sessions = SessionTable(self.config.sessions, self.config.session_idle_s * SECOND_NS)
        self.waits: OpenCalls[Wait] = OpenCalls("wait", self.config.open_waits, self.refusals)
        self.asks: OpenCalls[Ask] = OpenCalls("ask", self.config.open_waits, self.refusals)
        self.audit_log = AuditLog(self.config.epoch_ms * MS_NS)
        self.tenants = TenantTable(self.config.local)
        self.caps = CapabilityTree()
        self.rights: tuple[str, ...] = ()
        self.refused_callers = RefusedCallers()
        self.accounts = Accounts(self.tenants.get, self.sessions.get, self.config, self.refusals)
        self.jobs = JobTable(self.accounts, self.config, policy)
        self.channels = ChannelTable(self.tenants.get, policy.index())

    def reply(self, event: CallReceived, result: Any) -> None:
        self.out.append(Reply(event.conn, event.ref, result))

    def audit(self, kind: str, tenant: str, **fields: Any) -> None:
        """Notes a decision in the audit log. ``fields`` are small JSON values, never programs or secrets; a session is
        named by ``ids.trace``."""
        if self.config.audited:
            self.audit_log.note(self.now_ns, kind, tenant, fields, self.out)

    def require_quota(self, quota: Quota, more: int = 1) -> None:
        """Raises QUOTA_EXCEEDED unless ``more`` is free."""
        if not quota.fits(more):
            raise self.refusals.quota_exceeded(quota, more, self.now_ns)

    def epoch(self) -> int:
        """The scheduling epoch of this step: epochs are ``epoch_ms`` long and counted from the Unix epoch. It never
        goes back: while the clock does, it stands still."""
        return self.jobs.queue.epoch

    def tenant(self, name: str) -> Tenant:
        """The tenant; see ``TenantTable.get`` for one that is not registered."""
        return self.tenants.get(name)

    @property
    def only_local(self) -> bool:
        """Whether there is no tenant but the local one: nothing is to be kept from anybody, and owners that a program
        names are labels of its own."""
        return not self.tenants.others

    def job_of(self, session: Session, job_id: str, rights: tuple[str, ...] | None = None) -> Job:
        """The job, if the session may do with it what ``rights`` say (by default those of the call at hand). One that
        the session holds no right over is answered exactly like one that does not exist."""
        _above()

    def commit(self, record: Record, durable: bool = True, data: bytes = b"") -> list[Job]:
        """Applies a record and journals it. Gives the jobs that it changed."""
        _above()

    def launch_ready(self) -> None:
        """Lets the scheduler propose launches, and carries out those that are allowed."""
        _above()

    def stop(self, job: Job, record: Cancelled) -> None:
        """Ends a job before its time, on its worker too."""
        _above()

    def drop_pending(self, pending: Pending, error: QmkError) -> None:
        """Refuses a job in VALIDATING that is off its table."""
        _above()

    def close_wait(self, wait: Wait) -> None:
        """Takes a wait that is being answered off the tables."""
        _above()

    def end_session(self, session: Session, why: str = "closed") -> list[str]:
        """Closes a session. Gives the qubit handles that it still held."""
        _above()


def _above() -> NoReturn:
    raise AssertionError("State does this")
