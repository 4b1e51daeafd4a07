"""Every right there is: what a capability carries, what a token may be narrowed to, what a call asks for.

Three groups. Program capabilities are asked for by name in q_negotiate_caps and needed by ops of programs. Job rights
come with every session, unless its token withholds them. Delegable rights are those of them that make sense over a
named job, and may so be given to another tenant.
"""

from __future__ import annotations

from qmk.qvm.families import CAPABILITIES

CAP_ALLOC = "CAP_ALLOC"
CAP_SUBMIT = "CAP_SUBMIT"
CAP_STATUS = "CAP_STATUS"
CAP_RESULT = "CAP_RESULT"
CAP_CANCEL = "CAP_CANCEL"
CAP_CONTROL = "CAP_CONTROL"
CAP_DEBUG = "CAP_DEBUG"

_PROGRAM = {
    "CAP_ALLOC": "allocate logical qubits, in a program or by q_alloc",
    "CAP_COMPUTE": "none: programs of QVM 0.1 name it, and no op needs it",
    "CAP_LINK": "open, use and close entanglement channels",
    "CAP_MAGIC": "inject magic states",
    "CAP_MEASURE": "measure qubits",
    "CAP_TELEPORT": "gates through a Bell pair of the kernel",
}

RIGHTS: dict[str, str] = {
    **{name: _PROGRAM[name] for name in CAPABILITIES},
    CAP_DEBUG: "see where a job's qubits are",
    CAP_SUBMIT: "make jobs, and ask what one would cost",
    CAP_STATUS: "see the state, history and figures of a job, and wait for it",
    CAP_RESULT: "read what a job gave",
    CAP_CANCEL: "stop a job",
    CAP_CONTROL: "save, move and rewind a running job; label and delete jobs",
}
"""Right to what it allows."""

JOB_RIGHTS: tuple[str, ...] = (CAP_SUBMIT, CAP_STATUS, CAP_RESULT, CAP_CANCEL, CAP_CONTROL)
"""What every session holds over its tenant's jobs without asking, unless its token withholds it."""

DELEGABLE: tuple[str, ...] = (CAP_STATUS, CAP_RESULT, CAP_CANCEL, CAP_DEBUG)
"""What may be given to another tenant, over named jobs only."""
