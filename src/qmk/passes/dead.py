"""What no shown bit depends on is left out."""

import msgspec

from qmk.passes.native_passes import native_pass, rewritten
from qmk.sdk.passes import FACTS, Step, Work

REWRITES = ("dead",)


def _leave_out(work: Work) -> Work:
    """The whole state of a circuit that measures nothing is what its user wants."""
    import qmk_native

    if qmk_native.circuit_metrics(work.circuit)["measurements"] == 0:
        return work
    return msgspec.structs.replace(work, circuit=rewritten(work.circuit, REWRITES, False)[0])


PASS = native_pass(
    "dead",
    "leave out what nothing reads",
    REWRITES,
    step=Step(_leave_out, preserves=frozenset(FACTS), cost_us=0.5),
)
