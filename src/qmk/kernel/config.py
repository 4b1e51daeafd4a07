"""The settings that the host chooses once, as it makes the kernel."""

from __future__ import annotations

import msgspec

from qmk.abi.rights import CAP_DEBUG
from qmk.base.limits import LIMITS
from qmk.qvm.families import CAPABILITIES
from qmk.qvm.link import Link

LOCAL_TENANT = "local"


class TenantConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The policy for one tenant. ``default_caps`` are granted when a session asks for none by name; ``allowed_caps``
    when it does. A suspended tenant opens no session, its open ones answer no call, and its queued jobs wait."""

    name: str = LOCAL_TENANT
    allowed_caps: tuple[str, ...] = (*CAPABILITIES, CAP_DEBUG)
    default_caps: tuple[str, ...] = CAPABILITIES
    suspended: bool = False
    isolation: str = ""
    """The weakest level that its jobs may run at, of ``base.isolation.LEVELS``; empty: any."""
    weight: float = 1.0
    """Share of the machine relative to other tenants."""
    quotas: dict[str, int] = {}
    """Limits by name of ``abi.quotas.QUOTAS``; a quota that is not named has the table's default."""


class KernelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``workers``: launches at once. ``memory_bytes``: what one launch may be predicted to need, 0 meaning no bound;
    ``together_bytes``: what all may together, where that is more. ``local`` is the tenant of callers without a token;
    the others come from the journal. ``session_idle_s`` ends unused sessions."""

    workers: int = 1
    memory_bytes: int = 0
    together_bytes: int = 0
    local: TenantConfig = TenantConfig()
    session_idle_s: int = 24 * 3600
    sessions: int = LIMITS.sessions
    open_waits: int = LIMITS.open_waits
    kept_jobs: int = LIMITS.kept_jobs
    kept_bytes: int = LIMITS.kept_bytes
    jobs_in_play: int = 256
    """Ended jobs of each tenant, the newest, that are in no archive."""
    jobs_archived: int = 64
    """Jobs that an archive takes together."""
    keep_results_s: int = 0
    """How long ended jobs are kept, with their results and checkpoints; 0: until others need the room."""
    keep_checkpoints_s: int = 0
    """How long checkpoints are kept after their job's end; 0: as long as the job."""
    kept_checkpoints: int = LIMITS.checkpoints
    kept_checkpoint_bytes: int = LIMITS.kept_bytes
    """Checkpoints of ended jobs that one tenant keeps, and their bytes; the oldest give way."""
    job_records: int = 256
    """Records of one job in the journal before they become one."""
    queued_bytes: int = LIMITS.queued_bytes
    quota_period_s: int = 24 * 3600
    """Length of the period of the quotas of kind "spent"; periods are counted from the Unix epoch, so these are days
    of UTC."""
    job_attempts: int = LIMITS.job_attempts
    default_shots: int = 1000
    devices: tuple[str, ...] = ("ideal",)
    token_key: bytes = b""
    """Root key of the tokens; empty: there are none."""
    local_allowed: bool = True
    """A caller without a token belongs to the local tenant."""
    audited: bool = False
    """Decisions are noted in the audit log; the embedded kernel, which is its caller's own, keeps none."""
    launching: bool = True
    """False: jobs stay in the queue; whoever only looks after the journal runs none."""
    epoch_ms: int = 100
    """Length of a scheduling epoch of the ideal device."""
    cache_entries: int = LIMITS.cache_entries
    cache_bytes: int = 0
    """Results that one tenant is answered with instead of a run, and their bytes; 0 bytes: none."""
    hedging: bool = False
    """A second engine is started on an idle worker where the prediction is in doubt."""
    link: Link = Link()
    """The entanglement links of the device."""
    regions: tuple[tuple[str, int], ...] = ()
    """Name and number of qubits of each region of the map; empty: one a worker, each as large as one program may be."""

    @property
    def region_qubits(self) -> dict[str, int]:
        """Name and number of qubits of each region of the map, in the order of the device's qubits."""
        return dict(self.regions) or {f"r{number}": LIMITS.region_qubits for number in range(self.workers)}
