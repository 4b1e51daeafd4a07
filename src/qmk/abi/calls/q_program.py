"""``q_program``: what a job runs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call

Request = shapes.OfJob


class Reply(Struct, frozen=True, kw_only=True):
    job_id: str
    format: Annotated[str, Meta(description="format of `text`, as `program.format` of q_submit takes it")]
    text: Annotated[str, Meta(description="the program with the values of its parameters put in")]
    machine: Annotated[str, Meta(description="policy.qec.machine, on whose logical qubits it runs; empty: none")] = ""
    noise: Annotated[str, Meta(description="policy.qec.noise")] = ""


CALL = Call(
    name="q_program",
    doc="Answers the program of a job as it runs: a graph, in whatever format it was submitted. With policy.qec it is "
    "the one on logical qubits, without the noise of the machine. Only the tenant of the job is answered: for others "
    "it does not exist, even if rights over it were lent to them.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "JOB_NOT_FOUND", "INSUFFICIENT_CAPS", "QUOTA_EXCEEDED"),
)
