"""``q_get_mapping``: where a job's qubits are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call

Request = shapes.OfJob


class Placement(Struct, frozen=True):
    qubit: Annotated[str, Meta(description="handle in the program")]
    index: Annotated[int, Meta(description="qubit of the device")]
    from_epoch: Annotated[int, Meta(description="epoch of its allocation, from 1")]
    to_epoch: Annotated[int, Meta(description="last epoch in which it lives")]
    component: Annotated[
        int, Meta(description="group of qubits joined by entangling ops; qubits of different groups share no state")
    ] = 0


class Reply(Struct, frozen=True):
    job_id: str
    device: str
    placements: Annotated[list[Placement], Meta(description="in order of allocation; a handle may come twice")]
    region: Annotated[str, Meta(description="region of the device that holds its qubits; empty while it waits")] = ""
    first_qubit: Annotated[int, Meta(description="device index of its first qubit")] = 0


CALL = Call(
    name="q_get_mapping",
    doc="Answers the virtual-to-physical map of a job that was submitted with `policy.debug`. All its qubits are in "
    "one region, one after the other. While the job waits, indexes count from its own first qubit; afterwards they are "
    "those of the device, where it runs or last ran.",
    request=Request,
    reply=Reply,
    rights=("CAP_DEBUG",),
    errors=("SESSION_NOT_FOUND", "JOB_NOT_FOUND", "INSUFFICIENT_CAPS"),
)
