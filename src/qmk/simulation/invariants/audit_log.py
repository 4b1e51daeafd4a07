"""The audit log is whole: chained, sealed and signed, over all crashes; and it says of jobs what the journal says."""

from __future__ import annotations

from collections import Counter

from qmk.host import audit
from qmk.kernel.events import Submitted
from qmk.simulation.invariants.invariant import Invariant
from qmk.simulation.invariants.once import ended_by


class AuditLog(Invariant):
    name = "audit"

    def on_end(self) -> None:
        world = self.world
        report = audit.verify(world.journal, world.key.public_key())
        self.holds(report.ok, "; ".join(fault.message for fault in report.faults[:3]))
        self.holds(report.unsealed == 0, f"{report.unsealed} entries were never sealed")
        records = list(world.disk.history())
        self._equal("job.admit", Counter(record.job for record in records if isinstance(record, Submitted)))
        self._equal("job.end", Counter(job for record in records for job in ended_by(record)))

    def _equal(self, kind: str, expected: Counter[str]) -> None:
        noted = Counter(entry.fields["job"] for entry in self.world.disk.audit if entry.kind == kind)
        strange = sorted((noted - expected) + (expected - noted))
        self.holds(not strange, f"{kind} and the journal differ on {', '.join(strange)}")
