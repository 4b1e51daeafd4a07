"""Family ``channel``: entanglement links between qubits, possibly of two tenants."""

from __future__ import annotations

from qmk.qvm.op import Family, Op, Param, exactly

OPTS = (
    Param("fidelity", "float", "lowest fidelity of a Bell pair", required=False, low=0.25, high=1.0),
    Param("type", "text", "kind of link: bell_pair", required=False, choices=("bell_pair",)),
    Param("opts", "map", "the two parameters above as an object, the 0.1 spelling", required=False),
)

FAMILY = Family(
    "channel",
    1,
    "entanglement links between qubits",
    (
        Op(
            "channel.open",
            "open a channel between two qubits",
            "channel",
            "OPEN_CHAN",
            vqs=exactly(2),
            chs=exactly(1),
            params=OPTS,
            cap="CAP_LINK",
            channel_effect="open",
        ),
        Op(
            "channel.use",
            "use a channel once",
            "channel",
            "USE_CHAN",
            chs=exactly(1),
            params=(Param("semantic", "text", "what the use does", required=False, choices=("teleport", "swap")),),
            cap="CAP_LINK",
            channel_effect="use",
        ),
        Op(
            "channel.close",
            "close a channel",
            "channel",
            "CLOSE_CHAN",
            chs=exactly(1),
            cap="CAP_LINK",
            channel_effect="close",
        ),
    ),
)
