"""The promises of the system, one a file. To add one: write its class, name it in ``INVARIANTS``."""

from __future__ import annotations

from qmk.simulation.invariants.answers import Answers
from qmk.simulation.invariants.audit_log import AuditLog
from qmk.simulation.invariants.durability import Durability
from qmk.simulation.invariants.engines import Engines
from qmk.simulation.invariants.fairness import Fairness
from qmk.simulation.invariants.handles import Handles
from qmk.simulation.invariants.history import History
from qmk.simulation.invariants.invariant import Invariant
from qmk.simulation.invariants.isolation import Isolation
from qmk.simulation.invariants.launches import Launches
from qmk.simulation.invariants.ledger import Ledger
from qmk.simulation.invariants.once import Once
from qmk.simulation.invariants.promises import Promises
from qmk.simulation.invariants.quotas import Quotas
from qmk.simulation.invariants.replay import Replay
from qmk.simulation.invariants.results import Results
from qmk.simulation.invariants.rights import Rights

INVARIANTS: tuple[type[Invariant], ...] = (
    Answers,
    Durability,
    Promises,
    Once,
    History,
    Results,
    Isolation,
    Rights,
    Launches,
    Handles,
    Quotas,
    Ledger,
    Engines,
    Fairness,
    Replay,
    AuditLog,
)
