"""How far the model of capabilities goes, by name: what one scenario leaves out another has."""

from __future__ import annotations

from tests.exhaustive.capability_model import JOB, Bounds, Member

CHEM, BIO = Member("chem"), Member("bio")
STATUS, RESULT, ALLOC = (frozenset({right}) for right in ("STATUS", "RESULT", "ALLOC"))
BOTH = STATUS | RESULT


def scenarios(large: bool) -> dict[str, Bounds]:
    """Small ones for every run of the suite, large ones for ``make models``."""
    more = int(large)
    return {
        "handing on": Bounds(
            {"A": CHEM, "B": CHEM},
            slots=2 + more,
            rights=(STATUS, BOTH),
            to=("", "B", "chem"),
            use=("STATUS",),
        ),
        "narrow token": Bounds(
            {"A": CHEM, "N": Member("chem", bounds=STATUS)},
            slots=2 + more,
            rights=(STATUS, RESULT, BOTH) if large else (STATUS, BOTH),
            to=("", "N"),
            use=("STATUS", "RESULT"),
        ),
        "other tenant": Bounds(
            {"A": CHEM, "G": BIO},
            slots=2 + more,
            rights=(STATUS, BOTH | ALLOC) if large else (STATUS,),
            to=("", "G", "bio"),
            jobs=(None, JOB),
            use=("STATUS",),
        ),
        "counted uses": Bounds(
            {"A": CHEM, "B": CHEM},
            slots=2 + more,
            rights=(STATUS,),
            to=("", "B"),
            uses=(0, 1, 2) if large else (1, 2),
            use=("STATUS",),
        ),
        "qubits": Bounds(
            {"A": Member("chem", granted=("ALLOC",)), "B": CHEM},
            slots=2,
            rights=(ALLOC,),
            to=("", "B") if large else ("",),
            uses=(0, 1),
            use=("ALLOC",),
            qubits=1,
        ),
        "right taken back": Bounds(
            {"A": Member("chem", granted=("ALLOC",)), "B": CHEM}
            if large
            else {"A": Member("chem", granted=("ALLOC",))},
            slots=2,
            rights=(ALLOC, ALLOC | STATUS),
            to=("", "B") if large else ("",),
            uses=(0, 1),
            use=("ALLOC", "STATUS"),
            qubits=1,
        ),
        "ends": Bounds(
            {"A": CHEM, "B": CHEM},
            slots=2,
            rights=(STATUS,),
            to=("", "B"),
            ends=(0, 1, 2) if large else (0, 1),
            use=("STATUS",),
            ticks=1 + 2 * more,
        ),
    }
