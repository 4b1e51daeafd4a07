"""Whether jobs would be taken: what ``/ready`` says, and the health service of gRPC."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.gateway.http import Gate

OK = "ok"


async def look(gate: Gate) -> dict[str, str]:
    """The daemon answers, which it only does while its journal can be written, and the gateway's own records can be
    written: each is ``OK``, or the kind of error."""
    found = {"daemon": OK, "records": OK}
    try:
        await gate.callers.probe()
    except QmkError as error:
        found["daemon"] = error.kind.name
    try:
        await gate.records.check_writable()
    except QmkError as error:
        found["records"] = error.kind.name
    return found


def is_ready(found: dict[str, str]) -> bool:
    return all(state == OK for state in found.values())
